package surface

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestMap: the map of packages in CONTRIBUTING.md has every package of the module, and each
// package has the imports of its row, on every platform, and none from a row below.
func TestMap(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../CONTRIBUTING.md")
	require.NoError(t, err)
	rows := mapped(string(page))
	require.NotEmpty(t, rows, "CONTRIBUTING.md has no table whose first column is \"package\"")
	real, err := imports("../..", "github.com/seanchatmangpt/ggen/tier2")
	require.NoError(t, err)
	assert.Empty(t, mismatches(rows, real), "the map of packages in CONTRIBUTING.md is not that of the code")
}

// mapRow is a row of the map. The name of the root is ".".
type mapRow struct {
	name    string
	imports []string
}

// mapped returns the rows of the table whose first column is "package".
func mapped(page string) (rows []mapRow) {
	name := regexp.MustCompile("`([^`]+)`")
	_, table, _ := strings.Cut(page, "\n| package |")
	for line := range strings.Lines(table) {
		cells := strings.Split(line, "|")
		if len(cells) < 5 {
			if len(rows) > 0 {
				return rows
			}
			continue // the rest of the heading
		}
		m := name.FindStringSubmatch(cells[1])
		if m == nil {
			continue // the line below the heading
		}
		row := mapRow{name: m[1]}
		for _, m := range name.FindAllStringSubmatch(cells[len(cells)-2], -1) {
			row.imports = append(row.imports, m[1])
		}
		rows = append(rows, row)
	}
	return rows
}

// imports returns, for each package of the module at root, the packages of the module that
// its files import, except tests. Modules within the module do not count.
func imports(root, module string) (map[string][]string, error) {
	found := map[string]map[string]bool{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != root {
			_, nested := os.Stat(filepath.Join(path, "go.mod"))
			if nested == nil || d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") {
				return fs.SkipDir
			}
		}
		if d.IsDir() || filepath.Ext(path) != ".go" {
			return nil
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		name := filepath.ToSlash(dir)
		if found[name] == nil {
			found[name] = map[string]bool{}
		}
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if imported == module {
				found[name]["."] = true
			} else if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
				found[name][inner] = true
			}
		}
		return nil
	})
	list := map[string][]string{}
	for name, imported := range found {
		list[name] = slices.Sorted(maps.Keys(imported))
	}
	return list, err
}

// mismatches says how the map differs from the real imports, and what to do about it.
func mismatches(rows []mapRow, real map[string][]string) (list []string) {
	add := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	place := map[string]int{}
	for i, row := range rows {
		if _, twice := place[row.name]; twice {
			add("%s has two rows: keep one", row.name)
		}
		place[row.name] = i
	}
	for _, name := range slices.Sorted(maps.Keys(real)) {
		if _, ok := place[name]; !ok {
			add("%s has no row: add one, below the packages that it imports", name)
		}
	}
	for _, row := range rows {
		imported, ok := real[row.name]
		if !ok {
			add("%s has a row but no Go files: remove the row", row.name)
			continue
		}
		for _, name := range imported {
			inner := strings.HasPrefix(row.name, "internal/")
			switch at, ok := place[name]; {
			case inner && !strings.HasPrefix(name, "internal/") && name != "models" && name != "ledger":
				add("%s imports %s: of the public packages, internal/ may import models and ledger only; pass the value in instead", row.name, name)
			case !slices.Contains(row.imports, name):
				add("%s imports %s, which its row does not allow: remove the import or, if the direction is right, list it", row.name, name)
			case ok && at >= place[row.name]:
				add("%s imports %s, whose row is not above it: imports point one way; move the row or turn the import round", row.name, name)
			}
		}
		for _, name := range row.imports {
			if !slices.Contains(imported, name) {
				add("%s lists %s but does not import it: remove it from the row", row.name, name)
			}
		}
	}
	return list
}

// TestMap_Mismatches: each kind of difference is found.
func TestMap_Mismatches(t *testing.T) {
	t.Parallel()
	const page = "# Page\n\n| package | holds | may import |\n|---|---|---|\n" +
		"| `models` | nouns | nothing |\n| `internal/b` | b | `models` |\n| `.` | the root | `internal/b`, `models` |\n\n| `no` | row | here |\n"
	for _, tt := range []struct {
		name, page string
		real       map[string][]string
		want       []string
	}{
		{"OK", page, map[string][]string{"models": nil, "internal/b": {"models"}, ".": {"internal/b", "models"}}, nil},
		{"Missing", page, map[string][]string{"models": nil, "internal/b": {"models"}, ".": {"internal/b", "models"}, "new": nil},
			[]string{"new has no row: add one, below the packages that it imports"}},
		{"Removed", page, map[string][]string{"models": nil, ".": {"internal/b", "models"}},
			[]string{"internal/b has a row but no Go files: remove the row"}},
		{"Twice", page[:strings.Index(page, "\n\n| `no`")] + "\n| `models` | again | nothing |\n",
			map[string][]string{"models": nil, "internal/b": {"models"}, ".": {"internal/b", "models"}},
			[]string{"models has two rows: keep one",
				"internal/b imports models, whose row is not above it: imports point one way; move the row or turn the import round",
				". imports models, whose row is not above it: imports point one way; move the row or turn the import round"}},
		{"NotAllowed", page, map[string][]string{"models": {"internal/b"}, "internal/b": {"models"}, ".": {"internal/b", "models"}},
			[]string{"models imports internal/b, which its row does not allow: remove the import or, if the direction is right, list it"}},
		{"NotImported", page, map[string][]string{"models": nil, "internal/b": nil, ".": {"internal/b", "models"}},
			[]string{"internal/b lists models but does not import it: remove it from the row"}},
		{"Upwards", strings.Replace(page, "nothing", "`internal/b`", 1),
			map[string][]string{"models": {"internal/b"}, "internal/b": {"models"}, ".": {"internal/b", "models"}},
			[]string{"models imports internal/b, whose row is not above it: imports point one way; move the row or turn the import round"}},
		{"Inner", page, map[string][]string{"models": nil, "internal/b": {".", "models"}, ".": {"internal/b", "models"}},
			[]string{"internal/b imports .: of the public packages, internal/ may import models and ledger only; pass the value in instead"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tt.want, mismatches(mapped(tt.page), tt.real))
		})
	}
}
