package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
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

// freePart is the fraction of free pages (1/freePart) from which VACUUM, which rewrites the
// whole file, is worth it.
const freePart = 4

// maintain updates the totals, rebuilds wrong ones, frees unused pages, refreshes the
// statistics of the query planner and empties the WAL. It reports each step that it did or
// skipped because other connections were in the way.
func (c *config) maintain(ctx context.Context, write, read *sql.DB, done backend.Done) error {
	var suspects []*total // found without blocking writers, since each query reads every row
	for _, t := range totals {
		wrong, err := t.isWrong(ctx, read)
		if err != nil {
			return translate(err)
		}
		if wrong {
			suspects = append(suspects, t)
		}
	}
	repair := func(ctx context.Context, db *sql.Conn, done backend.Done) error {
		return repairTotals(ctx, db, suspects, done)
	}
	for _, step := range []func(context.Context, *sql.Conn, backend.Done) error{repair, vacuum, analyze, c.checkpoint} {
		conn, err := write.Conn(ctx) // per step, so that writers can run in between
		if err == nil {
			err = step(ctx, conn, done)
			_ = conn.Close() // fails if the connection has left the pool
		}
		if err != nil {
			return translate(backend.Ended(ctx, err))
		}
	}
	return nil
}

// repairTotals updates the totals of the views. It rebuilds the suspects that are still wrong.
func repairTotals(ctx context.Context, db *sql.Conn, suspects []*total, done backend.Done) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, t := range suspects {
		wrong, err := t.isWrong(ctx, tx)
		if err == nil && wrong {
			err = t.empty(ctx, tx)
			done("totals: %s was not what %s adds up to, and is made anew", t.table, t.source)
		}
		if err != nil {
			return err
		}
	}
	if err := foldAll(ctx, tx); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	done("totals: up to date")
	return nil
}

// vacuum rewrites the file if many of its pages are free
// (https://www.sqlite.org/lang_vacuum.html). Its temporary copy is a file, while other
// temporary data is in memory.
func vacuum(ctx context.Context, db *sql.Conn, done backend.Done) error {
	var free, pages int64
	if err := db.QueryRowContext(ctx, "SELECT freelist_count, page_count FROM pragma_freelist_count, pragma_page_count").Scan(&free, &pages); err != nil {
		return err
	}
	if free*freePart < pages || free == 0 {
		done("vacuum: not needed, %d of %d pages are free", free, pages)
		return nil
	}
	err := during(ctx, db, "temp_store = FILE", "temp_store = MEMORY", func() error {
		_, err := db.ExecContext(ctx, "VACUUM")
		return err
	})
	switch {
	case isBusy(err):
		done("vacuum: left to another time, because others use the database; %d of %d pages are free", free, pages)
		return nil
	case err == nil:
		done("vacuum: %d of %d pages were free", free, pages)
	}
	return err
}

// analyze refreshes the statistics. It samples some hundred rows per index, so that the time
// does not grow with the table (https://www.sqlite.org/lang_analyze.html#approx).
func analyze(ctx context.Context, db *sql.Conn, done backend.Done) error {
	err := during(ctx, db, "analysis_limit = 400", "analysis_limit = 0", func() error {
		for _, statement := range []string{"ANALYZE", "PRAGMA optimize"} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case isBusy(err):
		done("statistics: left to another time, because others write")
		return nil
	case err == nil:
		done("statistics: refreshed")
	}
	return err
}

// checkpoint empties the WAL unless a reader still needs it. It waits for readers only briefly,
// since writers wait as well.
func (c *config) checkpoint(ctx context.Context, db *sql.Conn, done backend.Done) error {
	var busy, inLog, moved int64
	wait, restore := "busy_timeout = 100", fmt.Sprintf("busy_timeout = %d", c.BusyTimeout.Milliseconds())
	err := during(ctx, db, wait, restore, func() error {
		return db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved)
	})
	switch {
	case isBusy(err), err == nil && busy != 0:
		done("WAL: not emptied, because others use it")
		return nil
	case err == nil && inLog >= 0: // in WAL mode
		done("WAL: emptied")
	}
	return err
}

// during runs f with a pragma set and restores the pragma. If that fails, the connection
// leaves the pool.
func during(ctx context.Context, db *sql.Conn, set, restore string, f func() error) error {
	if _, err := db.ExecContext(ctx, "PRAGMA "+set); err != nil {
		return err
	}
	defer func() {
		if _, err := db.ExecContext(context.WithoutCancel(ctx), "PRAGMA "+restore); err != nil {
			_ = db.Raw(func(any) error { return driver.ErrBadConn }) // returns that error
		}
	}()
	return f()
}

func isBusy(err error) bool { return errors.Is(translate(err), models.ErrBusy) }

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
		// A connection of its own does not block writers (https://www.sqlite.org/lang_vacuum.html).
		db := openPool(s.where.uri("rw"), 1, busyTimeout(s.BusyTimeout))
		_, err := db.ExecContext(ctx, "VACUUM INTO ?", copied.attached())
		if err := errors.Join(err, db.Close()); err != nil {
			return err
		}
		if err := checkCopy(ctx, copied, s.Schema); err != nil {
			return err
		}
		return check(ctx, copied.dsn())
	})
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
