package engine_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	gormschema "gorm.io/gorm/schema"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// described returns the facts in schema.Tables that a database has as well, one per line.
func described(typeOf func(schema.Column) string) (facts []string) {
	for _, t := range schema.Tables() {
		facts = append(facts, "table "+t.Name)
	}
	for _, t := range schema.Tables() {
		for _, c := range t.Columns {
			facts = append(facts, fmt.Sprintf("column %s.%s %s json=%t", t.Name, c.Name, typeOf(c), c.JSON))
		}
		facts = append(facts, fmt.Sprintf("key %s(%s)", t.Name, t.KeyTitle()))
		if t.NaturalKey != "" {
			facts = append(facts, fmt.Sprintf("unique %s(%s)", t.Name, t.NaturalKey))
		}
		if p := t.Parent; p.Table != "" {
			facts = append(facts, fmt.Sprintf("parent %s.%s -> %s.%s %s", t.Name, p.Column, p.Table, p.Column, p.Constraint))
		}
	}
	return facts
}

// sqliteType returns the type of a column in schema.sql.
func sqliteType(c schema.Column) string {
	switch c.Kind {
	case schema.Integer:
		return "integer"
	case schema.Float:
		return "real"
	case schema.Time:
		if c.Name != "timestamp" {
			return "datetime"
		}
	}
	return "text"
}

// found runs queries that return facts: one for the tables, the others for each table.
func found(t *testing.T, db *gorm.DB, tables string, queries ...string) (facts []string) {
	t.Helper()
	list := func(query string, args ...any) (lines []string) {
		require.NoError(t, db.Raw(query, args...).Scan(&lines).Error)
		return lines
	}
	facts = list(tables)
	for _, line := range list(tables) {
		for _, query := range queries {
			facts = append(facts, list(query, sql.Named("t", strings.TrimPrefix(line, "table ")))...)
		}
	}
	return facts
}

func openEngine(t *testing.T, dsn, schemaSQL string) *gorm.DB {
	t.Helper()
	h, err := engine.For(dsn).Open(t.Context(), backend.Config{DSN: dsn, Schema: schemaSQL})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, h.Close()) })
	return h.Read
}

var parentSQL = regexp.MustCompile("CONSTRAINT `(\\w+)` FOREIGN KEY \\(`(\\w+)`\\) REFERENCES `(\\w+)`\\(`(\\w+)`\\)")

// sqliteFacts returns the facts of a new database with the given schema.
func sqliteFacts(t *testing.T, schemaSQL string) (facts []string) {
	t.Helper()
	list := found(t, openEngine(t, ":memory:", schemaSQL),
		`SELECT 'table ' || name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
			AND name NOT IN ('tier2_folded', 'tier2_agent_totals', 'tier2_stage_totals') ORDER BY rowid`,
		`SELECT format('column %s.%s %s json=%s', @t, c.name, lower(c.type),
				CASE WHEN m.sql LIKE '%json_valid(' || c.name || ')%' THEN 'true' ELSE 'false' END)
			FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name = @t ORDER BY c.cid`,
		`SELECT format('key %s(%s)', @t, group_concat(name, ', ')) FROM (SELECT name FROM pragma_table_info(@t) WHERE pk ORDER BY pk)`,
		`SELECT format('unique %s(%s)', @t, (SELECT group_concat(name, ', ') FROM pragma_index_info(l.name)))
			FROM pragma_index_list(@t) l WHERE l."unique" AND l.origin = 'c' AND NOT l.partial`,
		`SELECT 'sql ' || name || ' ' || sql FROM sqlite_schema WHERE type = 'table' AND name = @t`,
	)
	for _, fact := range list {
		if rest, ok := strings.CutPrefix(fact, "sql "); ok { // SQLite has no PRAGMA for the name of a constraint
			table, ddl, _ := strings.Cut(rest, " ")
			for _, m := range parentSQL.FindAllStringSubmatch(ddl, -1) {
				facts = append(facts, fmt.Sprintf("parent %s.%s -> %s.%s %s", table, m[2], m[3], m[4], m[1]))
			}
			continue
		}
		facts = append(facts, fact)
	}
	return facts
}

func schemaText(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "schema.sql"))
	require.NoError(t, err)
	return string(text)
}

// TestTablesEqualSQLite compares schema.Tables with schema.sql.
func TestTablesEqualSQLite(t *testing.T) {
	t.Parallel()
	assert.Equal(t, described(sqliteType), sqliteFacts(t, schemaText(t)))
}

// TestTablesEqualPostgres compares schema.Tables with the schema of PostgreSQL.
func TestTablesEqualPostgres(t *testing.T) {
	t.Parallel()
	db := openEngine(t, pgtest.DSN(t), "")
	assert.Equal(t, described(func(c schema.Column) string { return c.Kind.String() }), found(t, db,
		`SELECT 'table ' || relname FROM pg_class WHERE relnamespace = quote_ident(current_schema())::regnamespace
			AND relkind = 'r' AND relname <> 'tier2_schema' ORDER BY oid`,
		`SELECT format('column %s.%s %s json=%s', CAST(@t AS text), attname, replace(format_type(atttypid, atttypmod), 'timestamp with time zone', 'timestamptz'),
				CAST(atttypid IN ('json'::regtype, 'jsonb'::regtype) OR EXISTS (SELECT FROM pg_constraint
					WHERE conrelid = attrelid AND contype = 'c' AND attnum = ANY (conkey) AND pg_get_constraintdef(oid) LIKE '%json_valid(%') AS text))
			FROM pg_attribute WHERE attrelid = CAST(@t AS regclass) AND attnum > 0 ORDER BY attnum`,
		`SELECT format('key %s(%s)', CAST(@t AS text), string_agg(attname, ', ' ORDER BY array_position(indkey, attnum)))
			FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey) WHERE indrelid = CAST(@t AS regclass) AND indisprimary`,
		`SELECT format('unique %s(%s)', CAST(@t AS text), string_agg(attname, ', ' ORDER BY array_position(indkey, attnum)))
			FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY (indkey)
			WHERE indrelid = CAST(@t AS regclass) AND indisunique AND NOT indisprimary AND indpred IS NULL GROUP BY indexrelid`,
		`SELECT format('parent %s.%s -> %s.%s %s', CAST(@t AS text), child.attname, confrelid::regclass, parent.attname, conname)
			FROM pg_constraint JOIN pg_attribute child ON child.attrelid = conrelid AND child.attnum = conkey[1]
			JOIN pg_attribute parent ON parent.attrelid = confrelid AND parent.attnum = confkey[1]
			WHERE conrelid = CAST(@t AS regclass) AND contype = 'f' ORDER BY conname`,
	))
}

// TestTablesEqualModels compares schema.Tables with the structs of the models and their GORM
// tags.
func TestTablesEqualModels(t *testing.T) {
	t.Parallel()
	var cache sync.Map
	audited := map[string]bool{}
	parents := map[string]schema.Parent{}
	for _, m := range models.All() {
		audited[m.TableName()] = true
		parsed, err := gormschema.Parse(m, &cache, gormschema.NamingStrategy{})
		require.NoError(t, err)
		for _, relation := range parsed.Relationships.Relations {
			if c := relation.ParseConstraint(); c != nil {
				assert.Equal(t, c.ForeignKeys[0].DBName, c.References[0].DBName)
				parents[c.Schema.Table] = schema.Parent{Table: c.ReferenceSchema.Table, Column: c.ForeignKeys[0].DBName, Constraint: c.Name}
			}
		}
		record := schema.RecordOf(m)
		require.Same(t, m, record.Model)
		require.Equal(t, m.TableName(), record.Table.Name)
		require.Equal(t, parsed.DBNames, record.Table.Names())
		require.Len(t, record.Fields, len(record.Table.Columns))
		assert.Equal(t, parsed.PrimaryFieldDBNames, record.Table.KeyNames())
		checks := ""
		for _, check := range parsed.ParseCheckConstraints() {
			checks += check.Constraint + "\n"
		}
		var agents []string
		for i, column := range record.Table.Columns {
			name := record.Table.Name + "." + column.Name
			field := reflect.ValueOf(m).Elem().FieldByIndex(parsed.LookUpField(column.Name).StructField.Index)
			assert.Equal(t, field.Addr().Pointer(), reflect.ValueOf(record.Fields[i]).Pointer(), "the field of %s", name)
			assert.Contains(t, kindsOf(record.Fields[i]), column.Kind, name)
			if column.Kind == schema.Time {
				assert.Equal(t, column.Name == "timestamp", field.Type() == reflect.TypeFor[models.Timestamp](), name)
			}
			assert.Equal(t, strings.Contains(checks, "json_valid("+column.Name+")"), column.JSON, name)
			if strings.HasPrefix(column.Name, "agent_id") {
				agents = append(agents, column.Name)
			}
		}
		assert.Equal(t, agents, record.Table.Agents, record.Table.Name)
		unique := ""
		for _, index := range parsed.ParseIndexes() {
			if index.Class == "UNIQUE" && index.Where == "" {
				require.Len(t, index.Fields, 1)
				unique += index.Fields[0].DBName
			}
		}
		assert.Equal(t, unique, record.Table.NaturalKey, record.Table.Name)
	}
	for _, table := range schema.Tables() {
		assert.Equal(t, parents[table.Name], table.Parent, table.Name)
		assert.Equal(t, audited[table.Name], schema.Audited(table.Name) != nil, table.Name)
	}
}

// kindsOf returns the kinds of a column that a field can hold.
func kindsOf(field any) []schema.Kind {
	switch field.(type) {
	case *int64, **int64:
		return []schema.Kind{schema.Integer}
	case *float64:
		return []schema.Kind{schema.Float}
	case *string:
		return []schema.Kind{schema.Text}
	case *models.JSON:
		return []schema.Kind{schema.Document, schema.JSONText, schema.Text}
	case *models.Timestamp, *time.Time, **time.Time:
		return []schema.Kind{schema.Time}
	}
	return nil
}

// TestTablesDrift changes schema.sql in one place at a time, which the comparison must find.
func TestTablesDrift(t *testing.T) {
	t.Parallel()
	text := schemaText(t)
	for _, tt := range []struct{ name, old, new string }{
		{"Type", "`input_size_bytes` integer", "`input_size_bytes` text"},
		{"Column", "  `environment` text,\n", ""},
		{"Order", "  `manifest_hash` text,\n  `ontology_hash` text,\n", "  `ontology_hash` text,\n  `manifest_hash` text,\n"},
		{"JSON", "CHECK (context_json IS NULL OR json_valid(context_json))", "CHECK (true)"},
		{"ForeignKey", "REFERENCES `workflow_sessions`(`session_id`)", "REFERENCES `receipts`(`execution_id`)"},
		{"Constraint", "`fk_receipts_metrics`", "`fk_metrics`"},
		{"Unique", "UNIQUE INDEX IF NOT EXISTS `idx_receipts_execution_id`", "INDEX IF NOT EXISTS `idx_receipts_execution_id`"},
		{"Key", "PRIMARY KEY (`level`,`n`)", "PRIMARY KEY (`n`,`level`)"},
		{"Table", "CREATE TABLE IF NOT EXISTS `tier2_archive`", "CREATE TABLE IF NOT EXISTS `archive`"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, text, tt.old)
			assert.NotEqual(t, described(sqliteType), sqliteFacts(t, strings.Replace(text, tt.old, tt.new, 1)))
		})
	}
}
