package surface

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// files is a module with one declaration of each kind.
var files = map[string]string{
	"go.mod": "module example.com/one/shop\n\ngo 1.26\n",
	"shop.go": `package shop

import ("errors"; "example.com/one/shop/internal/stock")

const (
	Limit = 5
	Open State = "open"
	hidden = 1
)

var ErrNone = errors.New("none")

type State string

func (State) Valid() bool { return true }

type inner struct{}

func (inner) Count() int { return 0 }

type Page struct{ Limit int }

func (*Page) Next() {}

type Store struct {
	Page
	inner
	Shelves []*stock.Shelf
	Sold    Report
	Past    []*stock.Report
	Note    any
	secret  int
}

func (*Store) Close() error { return nil }
func (Store) hide()         {}

type Reader interface{ Read(n int) (string, error) }

type Report = stock.Report

func New[T any](options ...func(*Store)) (*Store, error) { return nil, nil }
func helper()                                            {}
`,
	"internal/stock/stock.go": `package stock

type Report struct{ Sold int }

func (*Report) OK() bool { return true }

type Shelf struct{ Row int }
`,
	"cmd/shop/main.go":     "package main\n\nfunc main() {}\n",
	"docs/docs_test.go":    "package docs_test\n",
	"other/other.go":       "package other\n\nfunc Other() {}\n",
	"tests/help/help.go":   "package help\n\nfunc Help() {}\n",
	"example_shop_test.go": "package shop_test\n\nimport (\n\t\"example.com/one/shop\"\n\t\"html\"\n)\n\nfunc ExampleNew() {\n\thtml.EscapeString(\"\")\n\topen().Close()\n\t// Output:\n}\n\nfunc ExamplePage() { new(shop.Page).Next() }\n\nfunc open() *shop.Store { s, _ := shop.New[int](); return s }\n",
}

func load(t *testing.T, more map[string]string) *Module {
	t.Helper()
	dir := t.TempDir()
	for _, part := range []map[string]string{files, more} {
		for name, text := range part {
			path := filepath.Join(dir, name)
			require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
			require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		}
	}
	m, err := Load(dir)
	require.NoError(t, err)
	return m
}

func TestList(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []string{
		`pkg shop, const Limit = 5`,
		`pkg shop, const Open State = "open"`,
		`pkg shop, func New[T any](options ...func(*Store)) (*Store, error)`,
		`pkg shop, method (*Page) Next()`,
		`pkg shop, method (*Report) OK() bool`,
		`pkg shop, method (*Store) Close() error`,
		`pkg shop, method (State) Valid() bool`,
		`pkg shop, method (Store) Count() int`,
		`pkg shop, type Page struct`,
		`pkg shop, type Page struct, Limit int`,
		`pkg shop, type Reader interface`,
		`pkg shop, type Reader interface, Read(n int) (string, error)`,
		`pkg shop, type Report = stock.Report`,
		`pkg shop, type Report struct`,
		`pkg shop, type Report struct, Sold int`,
		`pkg shop, type State string`,
		`pkg shop, type Store struct`,
		`pkg shop, type Store struct, Note any`,
		`pkg shop, type Store struct, Past []*Report`,
		`pkg shop, type Store struct, Shelves []*stock.Shelf`,
		`pkg shop, type Store struct, Sold Report`,
		`pkg shop, type Store struct, embedded Page`,
		`pkg shop, type stock.Shelf struct`,
		`pkg shop, type stock.Shelf struct, Row int`,
		`pkg shop, var ErrNone error`,
		`pkg shop/other, func Other()`,
	}, load(t, nil).List())
}

// TestShown: only calls in the body of an Example that is run count.
func TestShown(t *testing.T) {
	t.Parallel()
	m := load(t, nil)
	shown, err := m.Shown(m.Packages[0])
	require.NoError(t, err)
	assert.Equal(t, map[string]bool{
		"New": false, "Store.Close": true, "Store.Count": false, "Page.Next": false,
		"State.Valid": false, "Reader.Read": false, "Report.OK": false,
	}, shown)
	shown, err = m.Shown(m.Packages[1])
	require.NoError(t, err)
	assert.Equal(t, map[string]bool{"Other": false}, shown)
}

func TestShown_DoesNotCompile(t *testing.T) {
	t.Parallel()
	m := load(t, map[string]string{"example_test.go": "package shop_test\n\nfunc Example() { elsewhere() }\n"})
	_, err := m.Shown(m.Packages[0])
	require.ErrorContains(t, err, "undefined: elsewhere")
}

func TestLoad_DoesNotCompile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "shop.go"), []byte("package shop\n\nfunc f() { g() }\n"), 0o600))
	_, err := Load(dir)
	require.ErrorContains(t, err, "undefined: g")
	_, err = Load(filepath.Join(dir, "none"))
	require.Error(t, err)
}
