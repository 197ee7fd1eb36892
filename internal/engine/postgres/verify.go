package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Verify examines the schema at a postgres:// URL, in one state of the database,
// without changing it. What the schema should be is asked of the server itself,
// which is given schema.sql as temporary tables, in a transaction that is rolled
// back: the role needs the right to make those (TEMPORARY, which PUBLIC has). An
// error means that the check could not be made. None shows the password.
func Verify(ctx context.Context, dsn string) (*engine.Verification, error) {
	server, err := parse(dsn)
	if err != nil {
		return nil, err
	}
	cfg := engine.Config{DSN: dsn}
	cfg.Fill()
	db := openPool(cfg, server, "")
	defer db.Close()
	v, err := verify(ctx, db)
	if err != nil {
		if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
			err = errors.Join(ctx.Err(), err)
		}
		return nil, fmt.Errorf("verify %s: %w", where(server), translate(err))
	}
	return v, nil
}

func verify(ctx context.Context, db *sql.DB) (*engine.Verification, error) {
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead})
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	now, err := inspect(ctx, tx)
	if err != nil {
		return nil, err
	}
	v := engine.NewExamination()
	if now.schema == "" {
		v.Add("schema: no schema of the search_path exists")
		return &v.Verification, nil
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
			continue // its rows cannot be asked for what is not there
		}
		if err := rows(ctx, tx, now.schema, table, v); err != nil {
			return nil, err
		}
	}
	return &v.Verification, nil
}

// readableJSON tells whether the operators that the views use can read a document: the type json
// takes \u0000 and halves of surrogate pairs, and they do not.
const readableJSON = `CREATE FUNCTION pg_temp.readable(document json) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  PERFORM document ->> '';
  RETURN true;
EXCEPTION WHEN data_exception THEN
  RETURN false;
END
$$`

var functionName = regexp.MustCompile(`CREATE FUNCTION (\w+)\(`)

// temporarySchema is schema.sql for pg_temp, where functions are found by their full
// name only (https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-SEARCH-PATH).
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

// objects lists a schema. The definitions are what the server makes of its catalog,
// so that equal ones mean equal objects, in whichever words they were made.
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

func describe(ctx context.Context, tx *sql.Tx, namespace string) ([]object, error) {
	rows, err := tx.QueryContext(ctx, fmt.Sprintf(objects, namespace))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []object
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name, &o.definition); err != nil {
			return nil, err
		}
		o.definition = strings.Join(strings.Fields(temporary.ReplaceAllString(o.definition, "")), " ")
		list = append(list, o)
	}
	return list, rows.Err()
}

// compare reports what is missing or other than it should be, and which tables have
// all their columns. What a user added beside them is no finding, but in our tables.
func compare(have, want []object, v *engine.Examination) (whole map[string]bool) {
	definitions := make(map[string]string, len(have))
	for _, o := range have {
		definitions[o.kind+" "+o.name] = o.definition
	}
	whole = map[string]bool{}
	known := map[string]bool{}
	for _, o := range want {
		known[o.kind+" "+o.name] = true
		table, _, _ := strings.Cut(o.name, ".")
		got, there := definitions[o.kind+" "+o.name]
		if o.kind == "table" {
			whole[table] = there
		} else if _, there := definitions["table "+table]; !there && o.kind != "index" && o.kind != "view" && o.kind != "function" {
			continue // the table is what is missing
		}
		switch {
		case !there:
			v.Add("schema: %s %s is missing", o.kind, o.name)
		case got != o.definition:
			v.Add("schema: %s %s is not as expected: %s (expected: %s)", o.kind, o.name, got, o.definition)
		}
		if o.kind == "column" && got != o.definition {
			whole[table] = false
		}
		if there && !strings.HasPrefix(o.name, ownPrefix) {
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
