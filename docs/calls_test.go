package docs_test

import (
	"go/ast"
	"go/parser"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// method returns the method that a chain of names, such as Memory.Put, selects in a store.
func method(path []string) (reflect.Method, bool) {
	owner := reflect.TypeFor[*tier2.Store]()
	for _, name := range path[:len(path)-1] {
		field, ok := owner.Elem().FieldByName(name)
		if !ok || field.Type.Kind() != reflect.Pointer {
			return reflect.Method{}, false
		}
		owner = field.Type
	}
	return owner.MethodByName(path[len(path)-1])
}

// TestCalls: calls of a store in the text of the pages name a method and have as many
// arguments as it takes.
func TestCalls(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range quoted.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			expr, err := parser.ParseExpr(m[1])
			call, ok := expr.(*ast.CallExpr)
			if err != nil || !ok {
				continue
			}
			var path []string
			fun := call.Fun
			for selector, ok := fun.(*ast.SelectorExpr); ok; selector, ok = fun.(*ast.SelectorExpr) {
				path, fun = append([]string{selector.Sel.Name}, path...), selector.X
			}
			if root, ok := fun.(*ast.Ident); !ok || root.Name != "store" {
				continue
			}
			seen++
			found, ok := method(path)
			if assert.True(t, ok, "%s: a store has no %s", page, m[1]) {
				assert.Len(t, call.Args, found.Type.NumIn()-1, "%s: %s is %s", page, m[1], found.Type)
			}
		}
	}
	assert.Positive(t, seen)
}

// TestOperations: the table of operations in README.md names methods that exist, and all of
// them, except those of Reports and of the store itself.
func TestOperations(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../README.md")
	require.NoError(t, err)
	_, table, found := strings.Cut(string(text), "| on the store |")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	run := reflect.TypeFor[*repository.Execution]()
	listed := map[string][]string{}
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) != 4 || !strings.Contains(line, "`") {
			continue
		}
		var names []string
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			if !strings.ContainsAny(m[1], ".*") && m[1] != "tx" {
				names = append(names, m[1])
			}
		}
		unknown := slices.Clone(names)
		for _, m := range quoted.FindAllStringSubmatch(cells[1], -1) {
			owner := strings.TrimSuffix(m[1], "()")
			field, isField := reflect.TypeFor[tier2.Store]().FieldByName(owner)
			if !isField {
				_, ok := method([]string{owner})
				assert.True(t, ok, "a store has no %s", owner)
				continue
			}
			for _, name := range names {
				if _, ok := field.Type.MethodByName(name); ok {
					listed[owner] = append(listed[owner], name)
				} else if _, ok := run.MethodByName(name); !ok || owner != "Executions" {
					continue
				}
				unknown = slices.DeleteFunc(unknown, func(n string) bool { return n == name })
			}
		}
		assert.Empty(t, unknown, "no such methods: %s", line)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[repository.Repositories]()) {
		for i := range field.Type.NumMethod() {
			if name := field.Type.Method(i).Name; field.Name != "Reports" {
				assert.Contains(t, listed[field.Name], name, "the row of %s lacks it", field.Name)
			}
		}
	}
}
