package surface

import (
	"go/types"
	"slices"
)

// Shown returns the exported functions and methods of a package, as pkg.go.dev names them
// (Open, Store.Close), and whether an Example of the package that is run calls them.
func (m *Module) Shown(p *types.Package) (map[string]bool, error) {
	used, err := m.used(p)
	if err != nil {
		return nil, err
	}
	shown := map[string]bool{}
	for _, name := range p.Scope().Names() {
		switch o := p.Scope().Lookup(name).(type) {
		case *types.Func:
			if o.Exported() {
				shown[name] = used[o]
			}
		case *types.TypeName:
			if named := declared(o); named != nil && o.Exported() {
				for _, f := range exported(named) {
					shown[name+"."+f.Name()] = used[f]
				}
			}
		}
	}
	return shown, nil
}

// exported returns the exported methods of a type.
func exported(named *types.Named) []*types.Func {
	if i, ok := named.Underlying().(*types.Interface); ok {
		return slices.Collect(i.Methods())
	}
	var list []*types.Func
	for f := range methods(named) {
		list = append(list, f)
	}
	return list
}
