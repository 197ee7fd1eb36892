package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// jsonChecked finds the columns that hold JSON in a table's definition.
var jsonChecked = regexp.MustCompile(`json_valid\((\w+)\)`)

// documents parses every JSON document. A column that is missing is a finding of
// compare already.
func documents(ctx context.Context, db *sql.DB, want *description, v *engine.Examination) error {
	for _, table := range want.tables() {
		for _, m := range jsonChecked.FindAllStringSubmatch(table.sql, -1) {
			if err := columnDocuments(ctx, db, v, table.name, m[1]); err != nil {
				return err
			}
		}
	}
	return nil
}

func columnDocuments(ctx context.Context, db *sql.DB, v *engine.Examination, table, column string) error {
	var there bool
	err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_table_info(?) WHERE name = ?", table, column).Scan(&there)
	if err != nil || !there {
		return err
	}
	var n, id int64
	if err := db.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(%s) FROM %s", column, table)).Scan(&n); err != nil {
		return err
	}
	v.Documents += n
	return each(ctx, db, func() { v.Add("json: %s row %d: %s is not valid JSON", table, id, column) },
		fmt.Sprintf("SELECT rowid FROM %[1]s WHERE %[2]s IS NOT NULL AND NOT json_valid(%[2]s) ORDER BY rowid", table, column), &id)
}

// unreadable are the columns of our tables that SQLite lets hold what no program can
// read as their type, since it takes 2.5 and 'abc' in an integer column, and their
// condition. Of a datetime that it cannot read mattn's driver makes the year 1, silently.
// The tree, which has no rowid, is checked as a whole.
const unreadable = `SELECT m.name, c.name, CASE
	WHEN lower(c.type) = 'integer' THEN printf('typeof("%%w") NOT IN (''integer'', ''null'')', c.name)
	WHEN lower(c.type) = 'real' THEN printf('typeof("%%w") NOT IN (''real'', ''integer'', ''null'')', c.name)
	ELSE printf('"%%w" NOT GLOB ''[0-9][0-9][0-9][0-9]-*'' OR "%%w" IS NOT NULL AND julianday("%%w") IS NULL', c.name, c.name, c.name) END
	FROM sqlite_schema m, pragma_table_info(m.name) c
	WHERE m.type = 'table' AND m.name IN ('%s')
	AND NOT EXISTS (SELECT 1 FROM pragma_table_list(m.name) l WHERE l.wr)
	AND (lower(c.type) IN ('integer', 'real', 'datetime') OR c.name = 'timestamp') ORDER BY m.name, c.cid`

// values reports numbers and timestamps that cannot be read as such: one of them
// makes every listing of its table fail.
func values(ctx context.Context, db *sql.DB, want *description, v *engine.Examination) error {
	var names []string
	for _, table := range want.tables() {
		names = append(names, table.name)
	}
	type column struct{ table, name, condition string }
	var c column
	var columns []column
	err := each(ctx, db, func() { columns = append(columns, c) },
		fmt.Sprintf(unreadable, strings.Join(names, "', '")), &c.table, &c.name, &c.condition)
	if err != nil {
		return err
	}
	for _, c := range columns {
		var id int64
		var value string
		err := each(ctx, db, func() { v.Add("value: %s row %d: %s cannot be read: %q", c.table, id, c.name, value) },
			fmt.Sprintf("SELECT rowid, quote(%s) FROM %s WHERE %s ORDER BY rowid", c.name, c.table, c.condition), &id, &value)
		if err != nil {
			return err
		}
	}
	return nil
}
