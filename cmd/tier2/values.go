package main

import (
	"context"
	"database/sql"
	"fmt"
)

// unreadable are the columns that SQLite lets hold what no program can read as
// their type, since it takes 2.5 and 'abc' in an integer column, and their condition.
const unreadable = `SELECT m.name, c.name, CASE
	WHEN lower(c.type) = 'integer' THEN printf('typeof("%w") NOT IN (''integer'', ''null'')', c.name)
	WHEN lower(c.type) = 'real' THEN printf('typeof("%w") NOT IN (''real'', ''integer'', ''null'')', c.name)
	ELSE printf('"%w" NOT GLOB ''[0-9][0-9][0-9][0-9]-*'' OR julianday("%w") IS NULL', c.name, c.name) END
	FROM sqlite_master m, pragma_table_info(m.name) c
	WHERE m.type = 'table' AND m.name IN ('receipts', 'agent_memory', 'audit_log', 'workflow_sessions',
		'collision_detection', 'pipeline_metrics', 'slo_violations')
	AND (lower(c.type) IN ('integer', 'real') OR c.name = 'timestamp') ORDER BY m.name, c.cid`

// values reports numbers and timestamps that cannot be read as such: one of them
// makes every listing of its table fail.
func values(ctx context.Context, db *sql.DB, r *report) error {
	rows, err := db.QueryContext(ctx, unreadable)
	if err != nil {
		return err
	}
	defer rows.Close()
	var columns [][3]string
	for rows.Next() {
		var c [3]string
		if err := rows.Scan(&c[0], &c[1], &c[2]); err != nil {
			return err
		}
		columns = append(columns, c)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close() // there is one connection
	for _, c := range columns {
		if err := columnValues(ctx, db, r, c[0], c[1], c[2]); err != nil {
			return err
		}
	}
	return nil
}

func columnValues(ctx context.Context, db *sql.DB, r *report, table, column, condition string) error {
	rows, err := db.QueryContext(ctx, fmt.Sprintf("SELECT rowid, quote(%s) FROM %s WHERE %s ORDER BY rowid", column, table, condition))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		var value string
		if err := rows.Scan(&id, &value); err != nil {
			return err
		}
		r.add("value: %s row %d: %s cannot be read: %q", table, id, column, value)
	}
	return rows.Err()
}
