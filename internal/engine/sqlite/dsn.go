package sqlite

import (
	"cmp"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// location names a database: a file or a database in memory.
type location struct {
	path   string // absolute; "" in memory
	memory string // name of a database in memory; "" for a file
	create bool   // whether a missing file may be created
	place  *place // set once the file exists
}

// locate parses a path, a file: URI (https://www.sqlite.org/uri.html) or :memory:.
func locate(dsn string) (location, error) {
	refuse := func(format string, args ...any) (location, error) {
		return location{}, &models.Error{Value: backend.Redact(dsn), Reason: fmt.Sprintf(format, args...), Kind: models.ErrInvalid}
	}
	switch shown := backend.Redact(dsn); {
	case strings.TrimSpace(dsn) == "":
		return refuse("the data source is blank; give a path, a file: URI or :memory:")
	case strings.IndexByte(dsn, 0) >= 0:
		return refuse("the data source contains a NUL character")
	case dsn == ":memory:":
		return location{memory: models.NewID()}, nil
	case !strings.HasPrefix(dsn, "file:") && strings.HasSuffix(shown, "://"):
		return refuse("no database engine is known for this scheme; give a path, a file: URI, :memory: or a postgres:// URL")
	case shown != dsn:
		return refuse("PostgreSQL is opened by a URL: postgres://user:password@host:5432/database")
	case !strings.HasPrefix(dsn, "file:"):
		return at(dsn, true)
	}

	rest, _, _ := strings.Cut(strings.TrimPrefix(dsn, "file:"), "#")
	rest, query, _ := strings.Cut(rest, "?")
	if strings.HasPrefix(rest, "//") {
		host, path, _ := strings.Cut(rest[2:], "/")
		if host != "" && host != "localhost" {
			return refuse("the file: URI names the host %q; only an empty one or localhost is possible", host)
		}
		rest = "/" + path
	}
	path, err := url.PathUnescape(rest)
	params, malformed := url.ParseQuery(query)
	if err = cmp.Or(err, malformed); err != nil {
		return refuse("the file: URI is malformed: %v", err)
	}
	if strings.IndexByte(path, 0) >= 0 {
		return refuse("the data source contains a NUL character")
	}
	memory, create := path == ":memory:", true
	for key, values := range params {
		value := values[len(values)-1]
		switch {
		case key == "cache" && (value == "private" || value == "shared"):
			// either is what the pools do: they share the file or the database in memory
		case key == "mode" && value == "memory":
			memory = true
		case key == "mode" && (value == "rw" || value == "rwc"):
			create = value == "rwc"
		case key == "mode" && value == "ro", key == "immutable":
			return location{}, &models.Error{Value: dsn, Reason: "a store must be able to write, and this URI asks for reading only", Kind: models.ErrReadOnly}
		default:
			return refuse("the parameter %s=%s is not supported; pragmas are set by the options of Open", key, value)
		}
	}
	switch {
	case memory && (path == ":memory:" || path == "" || params.Get("cache") != "shared"):
		return location{memory: models.NewID()}, nil
	case memory:
		return location{memory: "named-" + path}, nil
	case strings.TrimSpace(path) == "":
		return refuse("the file: URI names no file")
	}
	return at(path, create)
}

// at returns the location of a file. Its path is absolute, because the working directory may
// change before a connection is opened.
func at(path string, create bool) (location, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return location{}, fmt.Errorf("open %q: %w", path, err)
	}
	if os.IsPathSeparator(path[len(path)-1]) || os.IsPathSeparator(absolute[len(absolute)-1]) { // such as /.
		return location{}, &models.Error{Value: path, Reason: "names a directory, not a database file", Kind: models.ErrInvalid}
	}
	return location{path: absolute, create: create}, nil
}

// uri returns the DSN that both drivers pass to SQLite, with the drivers' own keys. The file
// must exist: mode=rw keeps SQLite from creating it, mode=ro from writing.
func (l location) uri(mode string) string {
	params := url.Values{}
	for key, value := range driverParams {
		params.Set(key, value)
	}
	if l.memory != "" {
		// memdb shares a database in memory without a shared cache, whose table locks
		// ignore the busy timeout.
		params.Set("vfs", "memdb")
		return "file:/" + url.PathEscape(l.memory) + "?" + params.Encode()
	}
	params.Set("mode", mode)
	path := filepath.ToSlash(l.path)
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // file:///C:/...
	}
	return "file://" + (&url.URL{Path: path}).EscapedPath() + "?" + params.Encode()
}

// String returns the name of the database in errors.
func (l location) String() string {
	if l.memory != "" {
		return ":memory:"
	}
	return l.path
}

// Where returns the name of the database in messages: an absolute path, or :memory:.
// Errors: models.ErrInvalid for a malformed DSN.
func Where(dsn string) (string, error) {
	where, err := locate(dsn)
	return where.String(), err
}
