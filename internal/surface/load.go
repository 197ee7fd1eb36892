// Package surface is what importers of the module can see, for the tests that hold it:
// docs/api.txt lists it, and Examples show it.
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
	dirs   map[string]string // of Packages, by path
	export map[string]string // files of export data, of every package that is built
	types.Importer
}

// Load compiles the module in dir, or takes what the build cache has of it.
func Load(dir string) (*Module, error) {
	cmd := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Dir,Name,Export,DepOnly,Module", "./...")
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%v: %w\n%s", cmd, err, stderr.String())
	}
	m := &Module{fset: token.NewFileSet(), dirs: map[string]string{}, export: map[string]string{}}
	m.Importer = importer.ForCompiler(m.fset, "gc", m.open)
	var public []string
	for list := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir, Name, Export string
			DepOnly                       bool
			Module                        struct{ Path string }
		}
		if err := list.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		m.export[p.ImportPath] = p.Export
		if p.DepOnly {
			continue
		}
		m.Path = p.Module.Path
		if p.Export != "" && p.Name != "main" && !internal(p.ImportPath) { // a package of tests alone has no export data
			public, m.dirs[p.ImportPath] = append(public, p.ImportPath), p.Dir
		}
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

// open opens the export data of a package.
func (m *Module) open(path string) (io.ReadCloser, error) {
	if m.export[path] == "" {
		return nil, fmt.Errorf("%s is not part of the module's build", path)
	}
	return os.Open(m.export[path])
}

func internal(path string) bool { return strings.Contains(path+"/", "/internal/") }

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
