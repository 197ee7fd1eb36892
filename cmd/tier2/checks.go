package main

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2"
)

// quickCheck reports what SQLite itself finds wrong with the file and its CHECK and
// NOT NULL constraints (https://www.sqlite.org/pragma.html#pragma_quick_check).
func quickCheck(ctx context.Context, db *sql.DB, r *report) error {
	rows, err := db.QueryContext(ctx, "PRAGMA quick_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			return err
		}
		if line != "ok" {
			r.add("quick_check: %s", strings.ReplaceAll(line, "\n", " "))
		}
	}
	return rows.Err()
}

// foreignKeys reports each row whose parent does not exist.
func foreignKeys(ctx context.Context, db *sql.DB, r *report) error {
	rows, err := db.QueryContext(ctx, "PRAGMA foreign_key_check")
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var table, parent string
		var id, key sql.NullInt64
		if err := rows.Scan(&table, &id, &parent, &key); err != nil {
			return err
		}
		r.add("foreign_key_check: %s row %d names a row of %s that does not exist", table, id.Int64, parent)
	}
	return rows.Err()
}

// object is a table, index or view of a database.
type object struct{ kind, name, sql string }

// schema compares version and objects with those of a database made just now. What
// a user added beside them is no finding.
func schema(ctx context.Context, db *sql.DB, r *report) error {
	fresh, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		return err
	}
	defer fresh.Close()
	model, err := fresh.DB().DB()
	if err != nil {
		return err
	}
	want, version, err := objects(ctx, model)
	if err != nil {
		return err
	}
	have, current, err := objects(ctx, db)
	if err != nil {
		return err
	}
	if current != version {
		r.add("schema: version %d, expected %d", current, version)
	}
	bySQL := make(map[string]string, len(have))
	for _, o := range have {
		bySQL[o.kind+" "+o.name] = o.sql
	}
	for _, o := range want {
		switch got, there := bySQL[o.kind+" "+o.name]; {
		case !there:
			r.add("schema: %s %s is missing", o.kind, o.name)
			continue
		case normal(got) != normal(o.sql):
			r.add("schema: %s %s is not as expected: %s", o.kind, o.name, strings.Join(strings.Fields(got), " "))
		}
		switch o.kind {
		case "table":
			r.Tables++
		case "index":
			r.Indexes++
		case "view":
			r.Views++
		}
	}
	return nil
}

func objects(ctx context.Context, db *sql.DB) (list []object, version int, err error) {
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
		return nil, 0, err
	}
	rows, err := db.QueryContext(ctx, `SELECT type, name, sql FROM sqlite_master
		WHERE type IN ('table', 'index', 'view') AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type = 'view', type = 'index', name`)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var o object
		var text sql.NullString
		if err := rows.Scan(&o.kind, &o.name, &text); err != nil {
			return nil, 0, err
		}
		o.sql = text.String
		list = append(list, o)
	}
	return list, version, rows.Err()
}

var (
	comments = regexp.MustCompile(`--[^\n]*`)
	spaces   = regexp.MustCompile(`\s*([(),])\s*|\s+`)
	quotes   = strings.NewReplacer("`", "", `"`, "", "[", "", "]", "")
)

// normal is a statement without what makes no difference: SQLite keeps the text as
// it was typed, and quotes names anew when a table is renamed.
func normal(statement string) string {
	s := spaces.ReplaceAllString(quotes.Replace(comments.ReplaceAllString(statement, " ")), " $1 ")
	s = strings.ToLower(strings.Join(strings.Fields(s), " "))
	return strings.Replace(s, " if not exists", "", 1)
}

// jsonColumns are all columns that hold JSON.
var jsonColumns = []struct{ table, column string }{
	{"receipts", "receipt_json"}, {"agent_memory", "memory_json"}, {"agent_memory", "collision_history"},
	{"audit_log", "context_json"}, {"workflow_sessions", "context_json"},
}

// documents parses every JSON document. A column that is missing is a finding of
// schema already.
func documents(ctx context.Context, db *sql.DB, r *report) error {
	for _, c := range jsonColumns {
		var there bool
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM pragma_table_info(?) WHERE name = ?", c.table, c.column).Scan(&there)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		if err := columnDocuments(ctx, db, r, c.table, c.column); err != nil {
			return err
		}
	}
	return nil
}

func columnDocuments(ctx context.Context, db *sql.DB, r *report, table, column string) error {
	var n int64
	if err := db.QueryRowContext(ctx, fmt.Sprintf("SELECT COUNT(%s) FROM %s", column, table)).Scan(&n); err != nil {
		return err
	}
	r.Documents += n
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT rowid FROM %[1]s WHERE %[2]s IS NOT NULL AND NOT json_valid(%[2]s) ORDER BY rowid", table, column))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		r.add("json: %s row %d: %s is not valid JSON", table, id, column)
	}
	return rows.Err()
}
