package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// foreignKey reads what pg_get_constraintdef says of one, for names that need no quotes.
var foreignKey = regexp.MustCompile(`^FOREIGN KEY \((\w+)\) REFERENCES (?:\w+\.)?(\w+)\((\w+)\)`)

// literal is a text as SQL writes it.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// rows examines a table's rows: what a constraint promises may not hold where one is
// NOT VALID or was made anew, or triggers were off. search_path is pg_temp.
func rows(ctx context.Context, tx *sql.Tx, namespace string, table schema.Table, v *engine.Examination) error {
	name := pgx.Identifier{namespace, table.Name}.Sanitize()
	var conditions, documents []string
	add := func(condition, finding string) {
		conditions = append(conditions, fmt.Sprintf("(CASE WHEN %s THEN %s END)", condition, finding))
	}
	checks, err := constraints(ctx, tx, table.Name, "c", "pg_get_expr(conbin, conrelid)")
	if err != nil {
		return err
	}
	for _, c := range checks {
		add("NOT ("+c[1]+")", literal("check: %s row %s: breaks the constraint "+c[0]))
	}
	parents, err := constraints(ctx, tx, table.Name, "f", "pg_get_constraintdef(oid)")
	if err != nil {
		return err
	}
	for _, c := range parents {
		m := foreignKey.FindStringSubmatch(c[1])
		if m == nil {
			return fmt.Errorf("the foreign key %s has an unknown form: %s", c[0], c[1])
		}
		child, parent, column := pgx.Identifier{m[1]}.Sanitize(), pgx.Identifier{namespace, m[2]}.Sanitize(), pgx.Identifier{m[3]}.Sanitize()
		add(fmt.Sprintf("ours.%[1]s IS NOT NULL AND NOT EXISTS (SELECT FROM %[2]s p WHERE p.%[3]s = ours.%[1]s)", child, parent, column),
			literal("foreign key: %s row %s names a row of "+m[2]+" that does not exist"))
	}
	for _, c := range table.Columns {
		column := pgx.Identifier{c.Name}.Sanitize()
		finding := literal("value: %s row %s: "+c.Name+" cannot be read: ") + " || " + column
		switch {
		case c.Kind == schema.Time: // models.Timestamp and ISO 8601 know these years
			add(column+" NOT BETWEEN '0001-01-01 00:00:00Z' AND '9999-12-31 23:59:59.999999Z'", finding)
		case c.Kind == schema.Float:
			add(column+" IN ('NaN', 'Infinity', '-Infinity')", finding)
		case c.Kind == schema.JSONText: // only escapes can make it unreadable
			add("strpos("+column+"::text, '\\u') > 0 AND NOT pg_temp.readable("+column+")", literal("json: %s row %s: "+c.Name+" cannot be read by the database's operators"))
		}
		if c.JSON {
			documents = append(documents, "count("+column+")")
		}
	}
	if len(documents) > 0 {
		var n int64
		if err := tx.QueryRowContext(ctx, "SELECT "+strings.Join(documents, " + ")+" FROM "+name).Scan(&n); err != nil {
			return err
		}
		v.Documents += n
	}
	if err := identity(ctx, tx, name, table, v); err != nil || len(conditions) == 0 {
		return err
	}
	key := make([]string, len(table.Key))
	for i, k := range table.Key {
		key[i] = "ours." + pgx.Identifier{table.Columns[k].Name}.Sanitize()
	}
	found, err := tx.QueryContext(ctx, fmt.Sprintf("SELECT finding, concat_ws(', ', %[1]s) FROM %[2]s ours, LATERAL (VALUES %[3]s) checked(finding) WHERE finding IS NOT NULL ORDER BY %[1]s, 1",
		strings.Join(key, ", "), name, strings.Join(conditions, ", ")))
	if err != nil {
		return err
	}
	defer found.Close()
	for found.Next() {
		var finding, row string
		if err := found.Scan(&finding, &row); err != nil {
			return err
		}
		v.Add("%s", strings.Replace(strings.Replace(finding, "%s", table.Name, 1), "%s", row, 1))
	}
	return found.Err()
}

// constraints are the names of a temporary table's constraints of a type, and what
// the server says of each.
func constraints(ctx context.Context, tx *sql.Tx, table, kind, expression string) (list [][2]string, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT conname, "+expression+" FROM pg_catalog.pg_constraint WHERE conrelid = $1::text::regclass AND contype = $2 ORDER BY conname", table, kind)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c [2]string
		if err := rows.Scan(&c[0], &c[1]); err != nil {
			return nil, err
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// identity reports a counter behind the rows: the next insert would be refused. It
// is unknown to a role that may not read the sequence.
func identity(ctx context.Context, tx *sql.Tx, name string, table schema.Table, v *engine.Examination) error {
	column := table.Columns[table.Key[0]]
	var largest, last sql.NullInt64
	if len(table.Key) != 1 || column.Kind != schema.Integer {
		return nil
	}
	const query = `SELECT max(%[1]s), (SELECT coalesce(pg_sequence_last_value(sequence), 0)
		FROM (SELECT pg_get_serial_sequence($1, $2)::regclass AS sequence) s WHERE has_sequence_privilege(sequence, 'USAGE, SELECT')) FROM %[2]s`
	err := tx.QueryRowContext(ctx, fmt.Sprintf(query, pgx.Identifier{column.Name}.Sanitize(), name), name, column.Name).Scan(&largest, &last)
	if err == nil && last.Valid && largest.Int64 > last.Int64 {
		v.Add("identity: %s.%s: the counter stands at %d, behind row %d", table.Name, column.Name, last.Int64, largest.Int64)
	}
	return err
}
