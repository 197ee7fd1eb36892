package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// source is a database that is open, as a backup reads it.
type source struct {
	*config
	where location
	read  *sql.DB // says whether the store is closed
}

// backup writes one state of the database to a new file: first under another name, then
// checked, and flushed to the disk; only then it gets its name, if nothing else has it.
func (s *source) backup(ctx context.Context, path string, check func(ctx context.Context, dsn string) error) error {
	if err := s.read.PingContext(ctx); err != nil {
		return translate(err)
	}
	target, err := s.target(path)
	if err != nil {
		return err
	}
	if err := s.write(ctx, target, check); err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
		return fmt.Errorf("back up to %s: %w", target, translate(err))
	}
	return nil
}

// companions are what SQLite keeps beside a file; it would take what lies there under a
// new file's name for its own.
var companions = []string{"-journal", "-wal", "-shm"}

// target refuses whatever a backup must not become.
func (s *source) target(path string) (location, error) {
	refuse := func(kind error, reason string) (location, error) {
		return location{}, &models.Error{Value: path, Reason: reason, Kind: kind}
	}
	target, err := locate(path)
	switch {
	case err != nil:
		return location{}, err
	case target.memory != "":
		return refuse(models.ErrInvalid, "is no file that could be kept")
	}
	mine, _ := os.Stat(s.where.path) // nothing in memory
	switch info, err := os.Stat(target.path); {
	case err != nil:
	case info.IsDir():
		return refuse(models.ErrInvalid, "is a directory; name the file to be made")
	case os.SameFile(info, mine):
		return refuse(models.ErrInvalid, "is the database itself")
	}
	if beside, ok := strings.CutPrefix(target.path, s.where.path); ok && s.where.path != "" && slices.Contains(companions, beside) {
		return refuse(models.ErrInvalid, "belongs to the database itself")
	}
	for _, beside := range append([]string{""}, companions...) {
		if err := newfile.Free(target.path + beside); err != nil {
			return location{}, err
		}
	}
	return target, nil
}

// write makes the file: the copy gets its name once it is checked.
func (s *source) write(ctx context.Context, target location, check func(ctx context.Context, dsn string) error) error {
	return newfile.Make(target.path, func(f *os.File) error {
		copied := location{path: f.Name()}
		defer func() {
			for _, beside := range companions {
				os.Remove(copied.path + beside)
			}
		}()
		if err := s.vacuumInto(ctx, copied); err != nil {
			return err
		}
		if err := checkCopy(ctx, copied, s.Schema); err != nil {
			return err
		}
		return check(ctx, copied.dsn())
	})
}

// vacuumInto writes one state of the database into an empty file, over a connection of
// its own: as with any other reader, writers go on (https://www.sqlite.org/lang_vacuum.html).
func (s *source) vacuumInto(ctx context.Context, target location) error {
	db := openPool(s.where.uri("rw"), 1, busyTimeout(s.BusyTimeout))
	defer db.Close()
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", target.attached())
	return err
}

// attached names the file to a connection whose own database may lie in memory, which
// would look for it there.
func (l location) attached() string {
	vfs := "unix"
	if runtime.GOOS == "windows" {
		vfs = "win32"
	}
	name, _, _ := strings.Cut(l.uri("rw"), "?")
	return name + "?" + url.Values{"mode": {"rw"}, "vfs": {vfs}}.Encode()
}

// dsn is the file as Open takes it, whatever its name.
func (l location) dsn() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(l.path)}).String()
}

// checkCopy is what a copy must pass before anyone may rely on it, beside what package
// tier2 checks.
func checkCopy(ctx context.Context, copied location, ddl string) error {
	v, err := Verify(ctx, copied.dsn(), ddl)
	if err != nil {
		return err
	}
	if v.OK() {
		return nil
	}
	return &models.Error{
		Kind:   models.ErrCorrupt,
		Reason: "the copy was not kept, since it is not sound, as verify will say of the database too: " + strings.Join(v.Findings[:min(len(v.Findings), 3)], "; "),
	}
}
