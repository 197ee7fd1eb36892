// Package surface tests what importers of the module can see: docs/api.txt lists it, and
// Examples show it.
package surface

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/doc"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Module is the module, compiled, as the compiler's export data has it.
type Module struct {
	Path     string           // its import path
	Packages []*types.Package // those that others can import, by path

	fset   *token.FileSet
	root   string
	dirs   map[string]string // of Packages, by path
	export map[string]string // files of export data, of the packages that were asked for
	types.Importer
}

// Load compiles what others can import of the module in dir, or takes what the build
// cache has of it.
func Load(dir string) (*Module, error) {
	m := &Module{fset: token.NewFileSet(), root: dir, dirs: map[string]string{}, export: map[string]string{}}
	m.Importer = importer.ForCompiler(m.fset, "gc", m.open)
	all, err := m.list("./...")
	if err != nil {
		return nil, err
	}
	var public []string
	for _, p := range all {
		m.Path = p.Module.Path
		if len(p.GoFiles) > 0 && p.Name != "main" && !internal(p.ImportPath) {
			public, m.dirs[p.ImportPath] = append(public, p.ImportPath), p.Dir
		}
	}
	if _, err := m.list(append([]string{"-export", "-deps"}, public...)...); err != nil {
		return nil, err
	}
	slices.Sort(public)
	for _, path := range public {
		// What go list reads is not seen by go test, which may take the outcome of a test
		// from its cache; what a test reads itself is.
		if _, err := os.ReadDir(m.dirs[path]); err != nil {
			return nil, err
		}
		p, err := m.Import(path)
		if err != nil {
			return nil, err
		}
		m.Packages = append(m.Packages, p)
	}
	return m, nil
}

// listed is what go list says of a package.
type listed struct {
	ImportPath, Dir, Name, Export string
	GoFiles                       []string // but for tests
	Module                        struct{ Path string }
}

// list runs go list, and keeps where the export data is.
func (m *Module) list(args ...string) (packages []listed, err error) {
	cmd := exec.Command("go", append([]string{"list", "-json=ImportPath,Dir,Name,Export,GoFiles,Module"}, args...)...)
	cmd.Dir = m.root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, stderr.String())
	}
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		m.export[p.ImportPath] = p.Export
		packages = append(packages, p)
	}
}

// open opens the export data of a package; that of one which only tests import is asked
// for now.
func (m *Module) open(path string) (io.ReadCloser, error) {
	if m.export[path] == "" {
		if _, err := m.list("-export", path); err != nil {
			return nil, err
		}
	}
	return os.Open(m.export[path])
}

// internal reports whether a package is not for importers: Go refuses to import it, or it
// only helps the tests.
func internal(path string) bool {
	return strings.Contains(path+"/", "/internal/") || strings.Contains(path+"/", "/tests/")
}

// Name is how the package is called within the module: its import path without the
// part that all have in common.
func (m *Module) Name(p *types.Package) string {
	return strings.TrimPrefix(p.Path(), m.Path[:strings.LastIndex(m.Path, "/")+1])
}

// exampleFile is the names of files with Examples, which are checked without the other
// tests of the package.
var exampleFile = regexp.MustCompile(`^example(_\w+)?_test\.go$`)

// used are the functions that the package's Examples mention in their bodies, of those
// that have an output and are run.
func (m *Module) used(p *types.Package) (map[*types.Func]bool, error) {
	entries, err := os.ReadDir(m.dirs[p.Path()])
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, e := range entries {
		if !exampleFile.MatchString(e.Name()) {
			continue
		}
		file, err := parser.ParseFile(m.fset, filepath.Join(m.dirs[p.Path()], e.Name()), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	info := types.Info{Uses: map[*ast.Ident]types.Object{}}
	config := types.Config{Importer: m.Importer}
	if _, err := config.Check(p.Path()+"_test", m.fset, files, &info); err != nil {
		return nil, err
	}
	used := map[*types.Func]bool{}
	for _, e := range doc.Examples(files...) {
		if e.Output == "" && !e.EmptyOutput {
			continue // go test only compiles it
		}
		ast.Inspect(e.Code, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				if f, ok := info.Uses[id].(*types.Func); ok {
					used[f.Origin()] = true
				}
			}
			return true
		})
	}
	return used, nil
}
