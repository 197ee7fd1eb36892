package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Verify examines the file as it is, without making, upgrading or changing it. An
// error means that the check itself could not be made.
func Verify(ctx context.Context, dsn, ddl string) (*engine.Verification, error) {
	where, err := locate(dsn)
	if err != nil {
		return nil, err
	}
	if where.memory != "" {
		return nil, &models.Error{Value: dsn, Reason: "is no file that could be checked", Kind: models.ErrInvalid}
	}
	v := engine.NewExamination()
	switch info, err := os.Stat(where.path); {
	case errors.Is(err, fs.ErrNotExist):
		v.Add("file: %s does not exist", where)
		return &v.Verification, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		v.Add("file: %s is no regular file", where)
		return &v.Verification, nil
	}
	fresh, err := Open(ctx, engine.Config{DSN: ":memory:"}, ddl)
	if err != nil {
		return nil, err
	}
	defer fresh.Close()
	model, err := fresh.Write.DB()
	if err != nil {
		return nil, err
	}
	want, err := describe(ctx, model)
	if err != nil {
		return nil, err
	}
	// mode=rw makes no file, and unlike mode=ro can read a WAL that a crash left
	// behind; query_only keeps the rows and the schema from being changed.
	db := openPool(where.uri("rw"), 1, busyTimeout(engine.DefaultBusyTimeout), "query_only(ON)")
	defer db.Close()
	for _, examine := range []func(context.Context, *sql.DB, *description, *engine.Examination) error{
		integrity, foreignKeys, compare, documents, values, checkTotals,
	} {
		err := examine(ctx, db, want, v)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if failed := translate(err); errors.Is(failed, models.ErrReadOnly) || errors.Is(failed, models.ErrBusy) {
			return nil, fmt.Errorf("verify %s: %w", where, failed) // which says nothing of what is in it
		}
		if err != nil { // no database, or so corrupt that nothing else can be asked
			v.Add("database: %v", err)
			break
		}
	}
	return &v.Verification, nil
}

// each calls f for each row of a query, whose values it scans into dest. It ends
// before the next query, since there is one connection.
func each(ctx context.Context, db *sql.DB, f func(), query string, dest ...any) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		f()
	}
	return rows.Err()
}

// integrity reports what SQLite itself finds wrong with the file, its CHECK and NOT NULL
// constraints, and between tables and indexes, which quick_check does not compare
// (https://www.sqlite.org/pragma.html#pragma_integrity_check).
func integrity(ctx context.Context, db *sql.DB, _ *description, v *engine.Examination) error {
	var line string
	return each(ctx, db, func() {
		if line != "ok" {
			v.Add("integrity_check: %s", strings.ReplaceAll(line, "\n", " "))
		}
	}, "PRAGMA integrity_check", &line)
}

// foreignKeys reports each row whose parent does not exist.
func foreignKeys(ctx context.Context, db *sql.DB, _ *description, v *engine.Examination) error {
	var table, parent string
	var id, key sql.NullInt64
	return each(ctx, db, func() {
		v.Add("foreign_key_check: %s row %d names a row of %s that does not exist", table, id.Int64, parent)
	}, "PRAGMA foreign_key_check", &table, &id, &parent, &key)
}
