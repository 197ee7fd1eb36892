package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Verify checks a file against ddl, the text of schema.sql. It creates, upgrades and changes
// nothing. An error means that the check failed to run.
func Verify(ctx context.Context, dsn, ddl string) (*backend.Verification, error) {
	where, err := locate(dsn)
	if err != nil {
		return nil, err
	}
	if where.memory != "" {
		return nil, refuse.Value(models.ErrInvalid, dsn, "is no file that could be checked")
	}
	v := backend.NewVerification()
	switch info, err := os.Stat(where.path); {
	case errors.Is(err, fs.ErrNotExist):
		v.Add("file: %s does not exist", where)
		return v, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		v.Add("file: %s is no regular file", where)
		return v, nil
	}
	want, err := expected(ctx, ddl)
	if err != nil {
		return nil, err
	}
	// mode=rw creates no file and, unlike mode=ro, can read a WAL that a crash has left;
	// query_only prevents changes.
	db := openPool(where.uri("rw"), 1, busyTimeout(backend.DefaultBusyTimeout), "query_only(ON)")
	defer db.Close() //nolint:errcheck // only read
	for _, examine := range []func(context.Context, *sql.DB, *description, *backend.Verification) error{
		integrity, foreignKeys, compare, documents, values, checkTotals,
	} {
		err := examine(ctx, db, want, v)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if failed := translate(err); errors.Is(failed, models.ErrReadOnly) || errors.Is(failed, models.ErrBusy) {
			return nil, fmt.Errorf("verify %s: %w", where, failed) // not a problem of the content
		}
		if err != nil { // not a database, or too corrupt for the other checks
			v.Add("database: %v", err)
			break
		}
	}
	return v, nil
}

// integrity reports the problems that SQLite finds in the file, in CHECK and NOT NULL
// constraints, and between tables and indexes. quick_check would not compare the indexes
// (https://www.sqlite.org/pragma.html#pragma_integrity_check).
func integrity(ctx context.Context, db *sql.DB, _ *description, v *backend.Verification) error {
	var line string
	return backend.Each(ctx, db, []any{&line}, func() {
		if line != "ok" {
			v.Add("integrity_check: %s", strings.ReplaceAll(line, "\n", " "))
		}
	}, "PRAGMA integrity_check")
}

// foreignKeys reports each row without a parent.
func foreignKeys(ctx context.Context, db *sql.DB, _ *description, v *backend.Verification) error {
	var table, parent string
	var id, key sql.NullInt64
	return backend.Each(ctx, db, []any{&table, &id, &parent, &key}, func() {
		v.Add("foreign_key_check: %s row %d names a row of %s that does not exist", table, id.Int64, parent)
	}, "PRAGMA foreign_key_check")
}

// object is a table, index, view or trigger of a database.
type object struct{ kind, name, sql string }

// description is the schema of a database.
type description struct {
	version int
	objects []object // tables, then indexes, then views, in the order of their creation
}

// expected returns the schema of a new database.
func expected(ctx context.Context, ddl string) (*description, error) {
	db := openPool(location{memory: models.NewID()}.uri("rw"), 1)
	defer db.Close() //nolint:errcheck // in memory
	if _, err := db.ExecContext(ctx, ddl); err != nil {
		return nil, err
	}
	return describe(ctx, db)
}

func describe(ctx context.Context, db *sql.DB) (*description, error) {
	var d description
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&d.version); err != nil {
		return nil, err
	}
	var o object
	err := backend.Each(ctx, db, []any{&o.kind, &o.name, &o.sql}, func() { d.objects = append(d.objects, o) },
		`SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('table', 'index', 'view', 'trigger')
		AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type = 'view', type = 'index', rowid`)
	return &d, err
}

// compare reports differences in version and objects from the expected schema. It ignores
// objects that users added.
func compare(ctx context.Context, db *sql.DB, want *description, v *backend.Verification) error {
	have, err := describe(ctx, db)
	if err != nil {
		return err
	}
	if have.version != want.version {
		v.Add("schema: version %d, expected %d", have.version, want.version)
	}
	bySQL := make(map[string]string, len(have.objects))
	for _, o := range have.objects {
		bySQL[o.kind+" "+o.name] = o.sql
	}
	for _, o := range want.objects {
		switch got, ok := bySQL[o.kind+" "+o.name]; {
		case !ok:
			v.Add("schema: %s %s is missing", o.kind, o.name)
			continue
		case normal(got) != normal(o.sql):
			v.Add("schema: %s %s is not as expected: %s", o.kind, o.name, strings.Join(strings.Fields(got), " "))
		}
		if !strings.HasPrefix(o.name, "tier2_") { // only the seven tables, their indexes and views
			v.Count(o.kind)
		}
	}
	return nil
}

var (
	comments = regexp.MustCompile(`--[^\n]*`)
	spaces   = regexp.MustCompile(`\s*([(),])\s*|\s+`)
	quotes   = strings.NewReplacer("`", "", `"`, "", "[", "", "]", "")
)

// normal returns a statement without comments, quotes and differences in case and space:
// SQLite keeps the text of the statement and quotes names when a table is renamed.
func normal(statement string) string {
	s := spaces.ReplaceAllString(quotes.Replace(comments.ReplaceAllString(statement, " ")), " $1 ")
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	return strings.Replace(s, " if not exists", "", 1)
}

// documents checks every JSON document. compare has reported missing columns.
func documents(ctx context.Context, db *sql.DB, _ *description, v *backend.Verification) error {
	existing, err := backend.Texts(ctx, db, "SELECT m.name || '.' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'")
	if err != nil {
		return err
	}
	for _, table := range schema.Tables() {
		for _, c := range table.Columns {
			if !c.JSON || !slices.Contains(existing, table.Name+"."+c.Name) {
				continue
			}
			var n, id int64
			if err := db.QueryRowContext(ctx, "SELECT COUNT("+c.Name+") FROM "+table.Name).Scan(&n); err != nil {
				return err
			}
			v.Documents += n
			const invalid = "SELECT rowid FROM %[1]s WHERE %[2]s IS NOT NULL AND NOT json_valid(%[2]s) ORDER BY rowid"
			err := backend.Each(ctx, db, []any{&id}, func() { v.Add("json: %s row %d: %s is not valid JSON", table.Name, id, c.Name) },
				fmt.Sprintf(invalid, table.Name, c.Name))
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// unreadable lists the columns that may hold values of another type, each with the condition
// for such a value: SQLite accepts 2.5 and 'abc' in an integer column, and mattn's driver
// silently returns the year 1 for a datetime that it cannot parse. It omits the tree, which has
// no rowid; Audit.Verify checks the tree.
const unreadable = `SELECT m.name, c.name, CASE
	WHEN lower(c.type) = 'integer' THEN printf('typeof("%%w") NOT IN (''integer'', ''null'')', c.name)
	WHEN lower(c.type) = 'real' THEN printf('typeof("%%w") NOT IN (''real'', ''integer'', ''null'')', c.name)
	ELSE printf('"%%w" NOT GLOB ''[0-9][0-9][0-9][0-9]-*'' OR "%%w" IS NOT NULL AND julianday("%%w") IS NULL', c.name, c.name, c.name) END
	FROM sqlite_schema m, pragma_table_info(m.name) c
	WHERE m.type = 'table' AND m.name IN ('%s')
	AND NOT EXISTS (SELECT 1 FROM pragma_table_list(m.name) l WHERE l.wr)
	AND (lower(c.type) IN ('integer', 'real', 'datetime') OR c.name = 'timestamp') ORDER BY m.name, c.cid`

// values reports unreadable numbers and timestamps: one of them makes every listing of its
// table fail.
func values(ctx context.Context, db *sql.DB, want *description, v *backend.Verification) error {
	var names []string
	for _, o := range want.objects {
		if o.kind == "table" {
			names = append(names, o.name)
		}
	}
	type column struct{ table, name, condition string }
	var c column
	var columns []column
	err := backend.Each(ctx, db, []any{&c.table, &c.name, &c.condition}, func() { columns = append(columns, c) },
		fmt.Sprintf(unreadable, strings.Join(names, "', '")))
	if err != nil {
		return err
	}
	for _, c := range columns {
		var id int64
		var value string
		err := backend.Each(ctx, db, []any{&id, &value}, func() { v.Add("value: %s row %d: %s cannot be read: %q", c.table, id, c.name, value) },
			fmt.Sprintf("SELECT rowid, quote(%s) FROM %s WHERE %s ORDER BY rowid", c.name, c.table, c.condition))
		if err != nil {
			return err
		}
	}
	return nil
}
