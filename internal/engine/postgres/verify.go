package postgres

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Verify checks the schema at a postgres:// URL, in one state of the database and without
// changing it. To get the expected definitions from the server, it creates schema.sql as
// temporary tables in a transaction that it rolls back; the role needs the privilege TEMPORARY,
// which PUBLIC has. An error means that the check failed to run. No error shows the password.
func Verify(ctx context.Context, dsn, _ string) (*backend.Verification, error) {
	server, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg := backend.Config{DSN: dsn}
	cfg.Fill()
	db := openPool(cfg, server, "")
	defer db.Close() //nolint:errcheck // the transaction is rolled back
	v, err := verify(ctx, db)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", where(server), translate(backend.Ended(ctx, err)))
	}
	return v, nil
}

func verify(ctx context.Context, db *sql.DB) (*backend.Verification, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	now, err := inspect(ctx, tx)
	if err != nil {
		return nil, err
	}
	v := backend.NewVerification()
	if now.schema == "" {
		v.Add("schema: no schema of the search_path exists")
		return v, nil
	}
	have, err := describe(ctx, tx, "quote_ident(current_schema())::regnamespace")
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, "SET LOCAL search_path = pg_temp; "+temporarySchema(), pgx.QueryExecModeSimpleProtocol); err != nil {
		return nil, err
	}
	want, err := describe(ctx, tx, "pg_my_temp_schema()")
	if err != nil {
		return nil, err
	}
	if _, err := tx.ExecContext(ctx, readableJSON); err != nil {
		return nil, err
	}
	if now.version != SchemaVersion {
		v.Add("schema: version %d, expected %d", now.version, SchemaVersion)
	}
	whole := compare(have, want, v)
	for _, table := range schema.Tables() {
		if !whole[table.Name] {
			continue // the queries need all columns
		}
		if err := rows(ctx, tx, now.schema, table, v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// readableJSON creates a function that reports whether the operators of the views can read a
// document: the type json accepts \u0000 and unpaired surrogates, the operators do not.
const readableJSON = `CREATE FUNCTION pg_temp.readable(document json) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM document ->> '';
  RETURN true;
EXCEPTION WHEN data_exception THEN
  RETURN false;
END
$$`

var functionName = regexp.MustCompile(`CREATE FUNCTION (\w+)\(`)

// temporarySchema returns schema.sql for pg_temp, where functions need their qualified name
// (https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH).
func temporarySchema() string {
	text := ddl
	for _, m := range functionName.FindAllStringSubmatch(ddl, -1) {
		text = regexp.MustCompile(`\b`+m[1]+`\(`).ReplaceAllString(text, "pg_temp."+m[1]+"(")
	}
	return text
}

// object is a table, column, constraint, index, view, trigger or function of a schema.
// The name of a column, constraint or trigger begins with its table's.
type object struct{ kind, name, definition string }

// objects lists the objects of a schema. The server generates the definitions from its catalog,
// so that equal definitions mean equal objects, however their SQL was written.
const objects = `
WITH ours AS (SELECT oid, relname, relkind FROM pg_catalog.pg_class WHERE relnamespace = %[1]s)
SELECT kind, name, definition FROM (
	SELECT 1 AS rank, 'table' AS kind, relname::text AS name, '' AS definition FROM ours WHERE relkind IN ('r', 'p')
	UNION ALL
	SELECT 2, 'column', relname || '.' || attname, concat_ws(' ', format_type(atttypid, atttypmod),
		CASE WHEN attcollation <> typcollation THEN 'COLLATE ' || attcollation::regcollation END,
		CASE WHEN attnotnull THEN 'NOT NULL' END, CASE WHEN attidentity <> '' THEN 'IDENTITY' END,
		'DEFAULT ' || pg_get_expr(adbin, adrelid))
	FROM ours JOIN pg_catalog.pg_attribute a ON attrelid = ours.oid AND attnum > 0 AND NOT attisdropped
	JOIN pg_catalog.pg_type t ON t.oid = atttypid
	LEFT JOIN pg_catalog.pg_attrdef ON adrelid = attrelid AND adnum = attnum
	WHERE relkind IN ('r', 'p')
	UNION ALL
	SELECT 3, 'constraint', relname || '.' || conname, pg_get_constraintdef(c.oid)
	FROM ours JOIN pg_catalog.pg_constraint c ON conrelid = ours.oid WHERE contype IN ('c', 'f', 'p', 'u', 'x')
	UNION ALL
	SELECT 4, 'index', relname, pg_get_indexdef(ours.oid, 0, true) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END
	FROM ours JOIN pg_catalog.pg_index ON indexrelid = ours.oid
	WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE conindid = ours.oid AND contype IN ('p', 'u', 'x'))
	UNION ALL
	SELECT 5, 'view', relname, pg_get_viewdef(ours.oid) FROM ours WHERE relkind = 'v'
	UNION ALL
	SELECT 6, 'trigger', relname || '.' || tgname, pg_get_triggerdef(t.oid, true) || ' ' || tgenabled::text
	FROM ours JOIN pg_catalog.pg_trigger t ON tgrelid = ours.oid WHERE NOT tgisinternal
	UNION ALL
	SELECT 7, 'function', proname, concat_ws(' ', provolatile, proconfig::text, prosrc) FROM pg_catalog.pg_proc WHERE pronamespace = %[1]s
) everything ORDER BY rank, name COLLATE "C"`

var temporary = regexp.MustCompile(`\bpg_temp(_\d+)?\.`)

func describe(ctx context.Context, tx *sql.Tx, namespace string) (list []object, err error) {
	var o object
	err = backend.Each(ctx, tx, []any{&o.kind, &o.name, &o.definition}, func() {
		o.definition = strings.Join(strings.Fields(temporary.ReplaceAllString(o.definition, "")), " ")
		list = append(list, o)
	}, fmt.Sprintf(objects, namespace))
	return list, err
}

// compare reports missing and different objects, and columns that users added to tables of the
// schema. Other additions are ignored. whole has the tables with all their columns.
func compare(have, want []object, v *backend.Verification) (whole map[string]bool) {
	definitions := make(map[string]string, len(have))
	for _, o := range have {
		definitions[o.kind+" "+o.name] = o.definition
	}
	whole = map[string]bool{}
	known := map[string]bool{}
	for _, o := range want {
		known[o.kind+" "+o.name] = true
		table, _, _ := strings.Cut(o.name, ".")
		got, exists := definitions[o.kind+" "+o.name]
		if o.kind == "table" {
			whole[table] = exists
		} else if _, exists := definitions["table "+table]; !exists && o.kind != "index" && o.kind != "view" && o.kind != "function" {
			continue // reported with the missing table
		}
		switch {
		case !exists:
			v.Add("schema: %s %s is missing", o.kind, o.name)
		case got != o.definition:
			v.Add("schema: %s %s is not as expected: %s (expected: %s)", o.kind, o.name, got, o.definition)
		}
		if o.kind == "column" && got != o.definition {
			whole[table] = false
		}
		if exists && !strings.HasPrefix(o.name, ownPrefix) {
			v.Count(o.kind)
		}
	}
	for _, o := range have {
		if table, _, _ := strings.Cut(o.name, "."); o.kind == "column" && known["table "+table] && !known["column "+o.name] {
			v.Add("schema: column %s is none of tier2's", o.name)
		}
	}
	return whole
}

// literal returns a text as a literal of SQL.
func literal(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// rows checks the rows of a table. They may break constraints that are NOT VALID, were dropped
// and added, or were bypassed with triggers off. The search_path must be pg_temp.
func rows(ctx context.Context, tx *sql.Tx, namespace string, table schema.Table, v *backend.Verification) error {
	name := pgx.Identifier{namespace, table.Name}.Sanitize()
	var conditions, documents []string
	add := func(condition, finding string) {
		conditions = append(conditions, fmt.Sprintf("(CASE WHEN %s THEN %s END)", condition, finding))
	}
	const checks = `SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_catalog.pg_constraint
		WHERE conrelid = $1::text::regclass AND contype = 'c' ORDER BY conname`
	var constraint, condition string
	if err := backend.Each(ctx, tx, []any{&constraint, &condition}, func() {
		add("NOT ("+condition+")", literal("check: %s row %s: breaks the constraint "+constraint))
	}, checks, table.Name); err != nil {
		return err
	}
	if p := table.Parent; p.Table != "" {
		column, parent := pgx.Identifier{p.Column}.Sanitize(), pgx.Identifier{namespace, p.Table}.Sanitize()
		add(fmt.Sprintf("ours.%[1]s IS NOT NULL AND NOT EXISTS (SELECT FROM %[2]s p WHERE p.%[1]s = ours.%[1]s)", column, parent),
			literal("foreign key: %s row %s names a row of "+p.Table+" that does not exist"))
	}
	for _, c := range table.Columns {
		column := pgx.Identifier{c.Name}.Sanitize()
		finding := literal("value: %s row %s: "+c.Name+" cannot be read: ") + " || " + column
		switch c.Kind {
		case schema.Time: // the years of models.Timestamp and ISO 8601
			add(column+" NOT BETWEEN '0001-01-01 00:00:00Z' AND '9999-12-31 23:59:59.999999Z'", finding)
		case schema.Float:
			add(column+" IN ('NaN', 'Infinity', '-Infinity')", finding)
		case schema.JSONText: // only documents with escapes can be unreadable
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
	const query = `SELECT finding, concat_ws(', ', %[1]s) FROM %[2]s ours, LATERAL (VALUES %[3]s) checked(finding)
		WHERE finding IS NOT NULL ORDER BY %[1]s, 1`
	var finding, row string
	return backend.Each(ctx, tx, []any{&finding, &row}, func() {
		v.Add("%s", strings.Replace(strings.Replace(finding, "%s", table.Name, 1), "%s", row, 1))
	}, fmt.Sprintf(query, strings.Join(key, ", "), name, strings.Join(conditions, ", ")))
}

// identity reports a counter below the largest id, with which the next insert would fail. It
// skips sequences that the role may not read.
func identity(ctx context.Context, tx *sql.Tx, name string, table schema.Table, v *backend.Verification) error {
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
