// Package surface tests what importers of the module can see, which docs/api.txt lists and
// Examples show, and which packages import which.
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

// Module is a compiled module, read from the compiler's export data.
type Module struct {
	Path     string           // its import path
	Packages []*types.Package // the importable packages, by path

	fset   *token.FileSet
	root   string
	dirs   map[string]string // of Packages, by path
	export map[string]string // files of export data, of the requested packages
	types.Importer
}

// Load compiles the importable packages of the module in dir, or reads them from the build
// cache.
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
		// go test may reuse a cached result, since it does not see which files go list reads.
		// It sees the folders that the test reads.
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

// listed is a package in the output of go list.
type listed struct {
	ImportPath, Dir, Name, Export string
	GoFiles                       []string // without tests
	Module                        struct{ Path string }
}

// list runs go list and records where the export data is.
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

// open opens the export data of a package. For a package that only tests import, it runs
// go list first.
func (m *Module) open(path string) (io.ReadCloser, error) {
	if m.export[path] == "" {
		if _, err := m.list("-export", path); err != nil {
			return nil, err
		}
	}
	return os.Open(m.export[path])
}

// internal reports whether a package is not part of the public surface: Go does not let
// other modules import it, or it belongs to the tests.
func internal(path string) bool {
	return strings.Contains(path+"/", "/internal/") || strings.Contains(path+"/", "/tests/")
}

// Name returns the name of the package within the module: its import path without the
// common prefix.
func (m *Module) Name(p *types.Package) string {
	return strings.TrimPrefix(p.Path(), m.Path[:strings.LastIndex(m.Path, "/")+1])
}

// exampleFile matches the names of files with Examples, which are type-checked without the
// other tests of the package.
var exampleFile = regexp.MustCompile(`^example(_\w+)?_test\.go$`)

// used returns the functions that the package's Examples call. Only Examples with an output
// count, since go test runs only those.
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
