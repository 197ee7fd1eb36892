package surface

import (
	"fmt"
	"go/types"
	"slices"
	"strings"
)

// List is a line for each exported name of each package: its signature, in the form of
// Go's own list (https://go.dev/api). The exported fields and methods of a type have a
// line each, also where it is an alias of one that is internal.
func (m *Module) List() (lines []string) {
	for _, p := range m.Packages {
		l := lister{pkg: p, module: m}
		for _, name := range p.Scope().Names() {
			if o := p.Scope().Lookup(name); o.Exported() {
				l.object(o)
			}
		}
		slices.Sort(l.lines)
		lines = append(lines, l.lines...)
	}
	return lines
}

// lister lists one package.
type lister struct {
	pkg    *types.Package
	module *Module
	lines  []string
}

func (l *lister) line(format string, args ...any) {
	l.lines = append(l.lines, "pkg "+l.module.Name(l.pkg)+", "+fmt.Sprintf(format, args...))
}

func (l *lister) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		l.line("const %s %s = %s", o.Name(), l.text(o.Type()), o.Val().ExactString())
	case *types.Var:
		l.line("var %s %s", o.Name(), l.text(o.Type()))
	case *types.Func:
		l.line("func %s%s", o.Name(), l.signature(o))
	case *types.TypeName:
		l.typeName(o)
	}
}

func (l *lister) typeName(o *types.TypeName) {
	named, ok := types.Unalias(o.Type()).(*types.Named)
	if o.IsAlias() {
		l.line("type %s = %s", o.Name(), l.text(types.Unalias(o.Type())))
		if !ok || !strings.Contains(named.Obj().Pkg().Path()+"/", "/internal/") {
			return
		}
	}
	switch t := o.Type().Underlying().(type) {
	case *types.Struct:
		l.line("type %s struct", o.Name())
		for f := range t.Fields() {
			switch {
			case f.Exported() && f.Embedded():
				l.line("type %s struct, embedded %s", o.Name(), l.text(f.Type()))
			case f.Exported():
				l.line("type %s struct, %s %s", o.Name(), f.Name(), l.text(f.Type()))
			}
		}
	case *types.Interface:
		l.line("type %s interface", o.Name())
		for f := range t.Methods() {
			l.line("type %s interface, %s%s", o.Name(), f.Name(), l.signature(f))
		}
		return
	default:
		l.line("type %s %s", o.Name(), l.text(t))
	}
	for f, pointer := range methods(named) {
		l.line("method (%s%s) %s%s", map[bool]string{true: "*"}[pointer], o.Name(), f.Name(), l.signature(f))
	}
}

// methods are the exported methods of a type, but for those of what it embeds under an
// exported name, and whether one needs a pointer.
func methods(named *types.Named) map[*types.Func]bool {
	found := map[*types.Func]bool{}
	values := types.NewMethodSet(named)
	for s := range types.NewMethodSet(types.NewPointer(named)).Methods() {
		f := s.Obj().(*types.Func)
		if t, ok := named.Underlying().(*types.Struct); !f.Exported() || ok && len(s.Index()) > 1 && t.Field(s.Index()[0]).Exported() {
			continue
		}
		found[f] = values.Lookup(f.Pkg(), f.Name()) == nil
	}
	return found
}

// text is a type as the package itself would write it.
func (l *lister) text(t types.Type) string {
	return types.TypeString(t, func(p *types.Package) string {
		if p == l.pkg {
			return ""
		}
		return p.Name()
	})
}

func (l *lister) signature(f *types.Func) string { return strings.TrimPrefix(l.text(f.Type()), "func") }
