package surface

import (
	"cmp"
	"fmt"
	"go/types"
	"regexp"
	"slices"
	"strings"
)

// List returns one line per exported name of each package: its signature, in the form of
// Go's own list (https://go.dev/api). The exported fields and methods of a type have their
// own lines, also those of an alias of an internal type.
func (m *Module) List() (lines []string) {
	for _, p := range m.Packages {
		l := lister{pkg: p, module: m, aliases: aliases(p), reached: map[types.Object]bool{}}
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

	aliases map[string]string // of internal types, by the name that other packages use
	reached map[types.Object]bool
}

// aliases returns the names that a package gives to internal types.
func aliases(p *types.Package) map[string]string {
	names := map[string]string{}
	for _, name := range p.Scope().Names() {
		if o, ok := p.Scope().Lookup(name).(*types.TypeName); ok && o.IsAlias() && o.Exported() {
			if named := declared(o); named != nil {
				names[named.Obj().Pkg().Name()+"."+named.Obj().Name()] = name
			}
		}
	}
	return names
}

func (l *lister) line(format string, args ...any) {
	l.lines = append(l.lines, "pkg "+l.module.Name(l.pkg)+", "+fmt.Sprintf(format, args...))
}

func (l *lister) object(o types.Object) {
	switch o := o.(type) {
	case *types.Const:
		kind := " " + l.text(o.Type())
		if b, ok := o.Type().(*types.Basic); ok && b.Info()&types.IsUntyped != 0 {
			kind = ""
		}
		l.line("const %s%s = %s", o.Name(), kind, o.Val().ExactString())
	case *types.Var:
		l.line("var %s %s", o.Name(), l.text(o.Type()))
	case *types.Func:
		l.line("func %s%s", o.Name(), l.signature(o))
	case *types.TypeName:
		l.typeName(o)
	}
}

func (l *lister) typeName(o *types.TypeName) {
	if o.IsAlias() {
		l.line("type %s = %s", o.Name(), types.TypeString(types.Unalias(o.Type()), l.qualified))
	}
	if named := declared(o); named != nil {
		l.members(o.Name(), named)
	}
}

// members lists a type, its exported fields and its methods.
func (l *lister) members(name string, named *types.Named) {
	switch t := named.Underlying().(type) {
	case *types.Struct:
		l.line("type %s struct", name)
		for f := range t.Fields() {
			if f.Exported() {
				l.line("type %s struct, %s %s", name, map[bool]string{true: "embedded", false: f.Name()}[f.Embedded()], l.text(f.Type()))
				l.reach(f.Type())
			}
		}
	case *types.Interface:
		l.line("type %s interface", name)
		for f := range t.Methods() {
			l.line("type %s interface, %s%s", name, f.Name(), l.signature(f))
		}
		return
	default:
		l.line("type %s %s", name, l.text(t))
	}
	for f, pointer := range methods(named) {
		l.line("method (%s%s) %s%s", map[bool]string{true: "*"}[pointer], name, f.Name(), l.signature(f))
	}
}

// reach lists the type of a field that callers can use but not name.
func (l *lister) reach(t types.Type) {
	switch t := types.Unalias(t).(type) {
	case interface{ Elem() types.Type }: // pointers, slices, maps
		l.reach(t.Elem())
	case *types.Named:
		if o := t.Obj(); o.Pkg() != nil && internal(o.Pkg().Path()) && l.aliases[o.Pkg().Name()+"."+o.Name()] == "" && !l.reached[o] {
			l.reached[o] = true
			l.members(l.text(t), t)
		}
	}
}

// declared returns the type that only this name makes available: the package's own type, or
// an internal one.
func declared(o *types.TypeName) *types.Named {
	named, ok := types.Unalias(o.Type()).(*types.Named)
	if !ok || o.IsAlias() && !internal(named.Obj().Pkg().Path()) {
		return nil
	}
	return named
}

// methods returns the exported methods of a type, and whether each needs a pointer. It
// leaves out the methods of embedded fields with exported names.
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

// qualifiedName matches a type of another package in the text of a type.
var qualifiedName = regexp.MustCompile(`\b\w+\.\w+\b`)

// text returns a type as the package itself would write it.
func (l *lister) text(t types.Type) string {
	return qualifiedName.ReplaceAllStringFunc(types.TypeString(t, l.qualified), func(name string) string {
		return cmp.Or(l.aliases[name], name)
	})
}

// qualified returns the name by which the package refers to another package.
func (l *lister) qualified(p *types.Package) string {
	if p == l.pkg {
		return ""
	}
	return p.Name()
}

func (l *lister) signature(f *types.Func) string { return strings.TrimPrefix(l.text(f.Type()), "func") }
