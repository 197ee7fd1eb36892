package schema

import (
	"reflect"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// structs holds the types of the seven models.
var structs = func() map[reflect.Type]bool {
	types := map[reflect.Type]bool{}
	for _, m := range models.All() {
		types[reflect.TypeOf(m).Elem()] = true
	}
	return types
}()

// ModelIn returns the model in an addressable struct: the struct itself if its type is one
// of the seven, in which case exact is true, or the model that it embeds. It returns nil if
// there is none, or if the struct embeds two at the same depth, whose methods Go does not
// promote either.
func ModelIn(v reflect.Value) (m models.Model, exact bool) {
	if structs[v.Type()] {
		return v.Addr().Interface().(models.Model), true
	}
	seen := map[reflect.Type]bool{}
	for level := []reflect.Value{v}; len(level) > 0 && m == nil; {
		var deeper []reflect.Value
		for _, e := range level {
			seen[e.Type()] = true // a struct may embed a pointer to its own type
			for _, inner := range embedded(e) {
				switch {
				case structs[inner.Type()] && m != nil:
					return nil, false
				case structs[inner.Type()]:
					m = inner.Addr().Interface().(models.Model)
				case !seen[inner.Type()]:
					deeper = append(deeper, inner)
				}
			}
		}
		level = deeper
	}
	return m, false
}

// embedded returns the structs that a struct embeds, also those behind pointers. GORM
// ignores models that are embedded under a name that is not exported.
func embedded(v reflect.Value) (list []reflect.Value) {
	for i := range v.NumField() {
		e := v.Field(i)
		if e.Kind() == reflect.Pointer {
			e = e.Elem()
		}
		if v.Type().Field(i).Anonymous && e.Kind() == reflect.Struct && (e.CanInterface() || !structs[e.Type()]) {
			list = append(list, e)
		}
	}
	return list
}
