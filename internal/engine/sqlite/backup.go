package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/newfile"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// source is the open database that a backup reads.
type source struct {
	*config
	where location
	read  *sql.DB // closed with the store
}

// backup writes one state of the database to a new file at path. The file is written under
// another name, checked and flushed to the disk before it is renamed. It never replaces a file.
func (s *source) backup(ctx context.Context, path string, check func(ctx context.Context, dsn string) error) error {
	if err := s.read.PingContext(ctx); err != nil {
		return translate(err)
	}
	target, err := s.target(path)
	if err != nil {
		return err
	}
	if err := s.write(ctx, target, check); err != nil {
		return fmt.Errorf("back up to %s: %w", target, translate(backend.Ended(ctx, err)))
	}
	return nil
}

// companions are the suffixes of the files that SQLite keeps besides a database. It would use
// existing files with the name of a new database.
var companions = []string{"-journal", "-wal", "-shm"}

// target returns the location of a backup. It rejects existing files and the files of the
// database itself.
func (s *source) target(path string) (location, error) {
	target, err := locate(path)
	if err != nil {
		return location{}, err
	}
	mine, _ := os.Stat(s.where.path) // nil for a database in memory
	info, err := os.Stat(target.path)
	beside, ok := strings.CutPrefix(target.path, s.where.path)
	reason := ""
	switch {
	case target.memory != "":
		reason = "is no file that could be kept"
	case err == nil && info.IsDir():
		reason = "is a directory; name the file to be made"
	case err == nil && os.SameFile(info, mine):
		reason = "is the database itself"
	case ok && s.where.path != "" && slices.Contains(companions, beside):
		reason = "belongs to the database itself"
	}
	if reason != "" {
		return location{}, refuse.Value(models.ErrInvalid, path, reason)
	}
	for _, beside := range append([]string{""}, companions...) {
		if err := newfile.Free(target.path + beside); err != nil {
			return location{}, err
		}
	}
	return target, nil
}

// write creates the file, which gets its name after the checks.
func (s *source) write(ctx context.Context, target location, check func(ctx context.Context, dsn string) error) error {
	return newfile.Make(target.path, func(f *os.File) error {
		copied := location{path: f.Name()}
		defer func() {
			for _, beside := range companions {
				_ = os.Remove(copied.path + beside) // SQLite has removed most of them
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

// vacuumInto writes one state of the database into an empty file. It uses its own connection
// and does not block writers (https://www.sqlite.org/lang_vacuum.html).
func (s *source) vacuumInto(ctx context.Context, target location) error {
	db := openPool(s.where.uri("rw"), 1, busyTimeout(s.BusyTimeout))
	defer db.Close() //nolint:errcheck // the copy is checked
	_, err := db.ExecContext(ctx, "VACUUM INTO ?", target.attached())
	return err
}

// attached returns the URI of the file for ATTACH and VACUUM INTO. It names the VFS, because a
// connection to a database in memory would use its own.
func (l location) attached() string {
	vfs := "unix"
	if runtime.GOOS == "windows" {
		vfs = "win32"
	}
	name, _, _ := strings.Cut(l.uri("rw"), "?")
	return name + "?" + url.Values{"mode": {"rw"}, "vfs": {vfs}}.Encode()
}

// dsn returns the file: URI that Open takes, for any name of the file.
func (l location) dsn() string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(l.path)}).String()
}

// checkCopy returns models.ErrCorrupt if Verify finds something in the copy.
func checkCopy(ctx context.Context, copied location, ddl string) error {
	v, err := Verify(ctx, copied.dsn(), ddl)
	if err != nil || v.OK() {
		return err
	}
	return refuse.Because(models.ErrCorrupt, "the copy was not kept, since it is not sound, as verify will say of the database too: %s",
		strings.Join(v.Findings[:min(len(v.Findings), 3)], "; "))
}
