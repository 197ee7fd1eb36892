package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// freePart is which part of the pages must be free for a VACUUM to be worth it: it writes
// the whole file anew.
const freePart = 4

// maintain folds what is left, makes totals anew that are wrong, gives back free pages,
// refreshes the statistics of the query planner and empties the WAL. It says each thing
// that it did, or had to leave to another time because others were in the way.
func (c *config) maintain(ctx context.Context, write, read *sql.DB, done engine.Done) error {
	suspects, err := wrongTotals(ctx, read)
	if err != nil {
		return translate(err)
	}
	mend := func(ctx context.Context, db *sql.Conn, done engine.Done) error {
		return mendTotals(ctx, db, suspects, done)
	}
	for _, step := range []func(context.Context, *sql.Conn, engine.Done) error{mend, vacuum, analyze, c.checkpoint} {
		conn, err := write.Conn(ctx) // anew each time, so that writers have their turn
		if err == nil {
			err = step(ctx, conn, done)
			conn.Close()
		}
		if ctx.Err() != nil && err != nil && !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
		if err != nil {
			return translate(err)
		}
	}
	return nil
}

// querier is a pool or a transaction.
type querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// wrongTotals are the tables of totals that are not what their rows add up to. It reads
// every row, which keeps no writer waiting.
func wrongTotals(ctx context.Context, db querier) (tables []string, err error) {
	for _, table := range slices.Sorted(maps.Keys(wrong)) {
		found, err := isWrong(ctx, db, table)
		if err != nil {
			return nil, err
		}
		if found {
			tables = append(tables, table)
		}
	}
	return tables, nil
}

func isWrong(ctx context.Context, db querier, table string) (bool, error) {
	var name string
	err := db.QueryRowContext(ctx, wrong[table]+" LIMIT 1").Scan(&name)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// mendTotals brings the totals of the views up to date, those that are suspect anew if
// they still are wrong.
func mendTotals(ctx context.Context, db *sql.Conn, suspects []string, done engine.Done) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, table := range suspects {
		found, err := isWrong(ctx, tx, table)
		if err == nil && found {
			err = empty(ctx, tx, table)
			done("totals: %s was not what %s adds up to, and is made anew", table, totalled[table])
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

// vacuum writes the file anew without its free pages, if they are many
// (https://www.sqlite.org/lang_vacuum.html). The copy that it makes for that lies in a
// file, and not in memory as everything else that is temporary.
func vacuum(ctx context.Context, db *sql.Conn, done engine.Done) error {
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
	if isBusy(err) {
		done("vacuum: left to another time, because others use the database; %d of %d pages are free", free, pages)
		return nil
	}
	if err == nil {
		done("vacuum: %d of %d pages were free", free, pages)
	}
	return err
}

// analyze refreshes the statistics from some hundred rows of each index, so that it takes
// no longer with a million (https://www.sqlite.org/lang_analyze.html#approx).
func analyze(ctx context.Context, db *sql.Conn, done engine.Done) error {
	err := during(ctx, db, "analysis_limit = 400", "analysis_limit = 0", func() error {
		for _, statement := range []string{"ANALYZE", "PRAGMA optimize"} {
			if _, err := db.ExecContext(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
	if isBusy(err) {
		done("statistics: left to another time, because others write")
		return nil
	}
	if err == nil {
		done("statistics: refreshed")
	}
	return err
}

// checkpoint empties the WAL, unless a reader still needs it: for that it waits a moment
// only, since writers would wait as well.
func (c *config) checkpoint(ctx context.Context, db *sql.Conn, done engine.Done) error {
	var busy, inLog, moved int64
	wait, restore := "busy_timeout = 100", fmt.Sprintf("busy_timeout = %d", c.BusyTimeout.Milliseconds())
	err := during(ctx, db, wait, restore, func() error {
		return db.QueryRowContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)").Scan(&busy, &inLog, &moved)
	})
	switch {
	case isBusy(err), err == nil && busy != 0:
		done("WAL: not emptied, because others use it")
		return nil
	case err == nil && inLog >= 0: // there is one
		done("WAL: emptied")
	}
	return err
}

// during runs f while a pragma has another value. A connection that cannot be set back is
// not used again.
func during(ctx context.Context, db *sql.Conn, set, restore string, f func() error) error {
	if _, err := db.ExecContext(ctx, "PRAGMA "+set); err != nil {
		return err
	}
	defer func() {
		if _, err := db.ExecContext(context.WithoutCancel(ctx), "PRAGMA "+restore); err != nil {
			db.Raw(func(any) error { return driver.ErrBadConn })
		}
	}()
	return f()
}

func isBusy(err error) bool { return errors.Is(translate(err), models.ErrBusy) }
