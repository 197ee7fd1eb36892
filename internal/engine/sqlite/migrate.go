package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// SchemaVersion is the PRAGMA user_version that schema.sql sets.
const SchemaVersion = 4

// state describes a database before migrate.
type state struct {
	version int
	tables  []string // without SQLite's own
}

// migrate creates or upgrades the schema in one immediate transaction. If several processes
// start at once, one of them does it.
func (c *config) migrate(ctx context.Context, db *sql.DB) error {
	return c.retry(ctx, func() error {
		conn, err := db.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // it only returns the connection to the pool
		now, err := inspect(ctx, conn)
		if err != nil {
			return err
		}
		if done, err := now.current(); done || err != nil {
			return err
		}
		if c.ReadOnly && len(now.tables) > 0 {
			return backend.Older(now.version, SchemaVersion)
		}
		// Upgrades rebuild parents that have children and run foreign_key_check instead.
		// The pragma has no effect inside a transaction.
		if _, err := conn.ExecContext(ctx, "PRAGMA foreign_keys=OFF"); err != nil {
			return err
		}
		if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return err
		}
		if err := c.apply(ctx, conn); err != nil {
			_, rollback := conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
			if rollback != nil && strings.Contains(rollback.Error(), "no transaction is active") {
				rollback = nil // SQLite has rolled back by itself
			}
			return errors.Join(err, rollback)
		}
		_, err = conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA foreign_keys=ON")
		return err
	})
}

// apply creates or upgrades the schema inside the transaction, and commits. It inspects the
// database again, because another process may have done so while this one waited for the lock.
func (c *config) apply(ctx context.Context, conn *sql.Conn) error {
	for done := false; !done; {
		now, err := inspect(ctx, conn)
		if err == nil {
			done, err = now.current()
		}
		switch {
		case done || err != nil:
		case len(now.tables) == 0 && c.Existing:
			err = refuse.Because(models.ErrNotFound, "is empty: there is no tier2 database in it")
		case len(now.tables) == 0:
			_, err = conn.ExecContext(ctx, c.Schema)
			done = true
		default:
			err = steps[now.version](ctx, conn, c.Schema)
		}
		if err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

func inspect(ctx context.Context, conn *sql.Conn) (s state, err error) {
	if err = conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&s.version); err == nil {
		const tables = `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`
		s.tables, err = backend.Texts(ctx, conn, tables)
	}
	return s, err
}

// current reports whether the schema is up to date. It returns an error if the database must
// not be changed.
func (s state) current() (bool, error) {
	var missing []string
	for _, m := range models.All() {
		if !slices.Contains(s.tables, m.TableName()) {
			missing = append(missing, m.TableName())
		}
	}
	_, upgradable := steps[s.version]
	if err := backend.CheckVersion(s.version, SchemaVersion, upgradable); err != nil {
		return false, err
	}
	switch {
	case s.version > 0 && len(missing) > 0:
		return false, refuse.Because(models.ErrInvalid,
			"the database says schema version %d, but lacks the tables %s", s.version, strings.Join(missing, ", "))
	case s.version == 0 && len(missing) == len(models.All()) && len(s.tables) > 0:
		return false, refuse.Because(models.ErrInvalid,
			"the database belongs to another program: it holds %s, and no table of tier2", strings.Join(s.tables, ", "))
	}
	return s.version == SchemaVersion, nil
}

// enableWAL switches the file to WAL. It retries, because SQLite returns busy without waiting
// while another connection does the same.
func (c *config) enableWAL(ctx context.Context, db *sql.DB) error {
	return c.retry(ctx, func() error {
		var mode string
		if err := db.QueryRowContext(ctx, "PRAGMA journal_mode=WAL").Scan(&mode); err != nil {
			return err
		}
		if mode != "wal" {
			return fmt.Errorf("the file system does not support WAL: the journal mode stays %q", mode)
		}
		return nil
	})
}

// retry repeats f while the database is busy, until the busy timeout.
func (c *config) retry(ctx context.Context, f func() error) error {
	for deadline := time.Now().Add(c.BusyTimeout); ; {
		err := f()
		if !isBusy(err) || time.Now().After(deadline) {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
}
