package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// steps lead from a version of the schema to a newer one. Each runs inside migrate's
// transaction, with foreign keys off, and sets user_version.
var steps = map[int]func(ctx context.Context, conn *sql.Conn, ddl string) error{
	0: fromSeed,
	2: fromTwo,
	3: fromThree,
}

// indexName finds the indexes that a schema makes.
var indexName = regexp.MustCompile("INDEX IF NOT EXISTS `([a-z0-9_]+)`")

// fromTwo makes the indexes again, in ascending order, where newer rows are appended
// and pages stay full, and adds the totals of the views.
func fromTwo(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	if ids := u.texts("SELECT id FROM audit_log WHERE context_json IS NOT NULL AND NOT json_valid(context_json) ORDER BY id"); len(ids) > 0 {
		u.refuse(&models.Error{Table: "audit_log", Column: "context_json", Kind: models.ErrInvalid, Reason: "is not valid JSON, " + listed(ids)})
		return u.result()
	}
	for _, name := range indexName.FindAllStringSubmatch(ddl, -1) {
		u.exec("DROP INDEX IF EXISTS " + quote(name[1]))
	}
	u.exec(ddl)
	u.fold()
	return u.err
}

// fromThree adds what proves the audit log.
func fromThree(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	u.exec(ddl)
	return u.err
}

// fold fills the totals.
func (u *upgrade) fold() {
	if u.err == nil {
		if err := foldAll(u.ctx, u.conn); err != nil {
			u.err = fmt.Errorf("upgrade: %w", translate(err))
		}
	}
}

// asidePrefix names the old tables while the rows are copied out of them.
const asidePrefix = "tier2_upgrade_"

// seedViews are replaced: the seed's recent_executions counts no audit entry.
var seedViews = []string{"recent_executions", "agent_performance_summary", "pipeline_stage_performance"}

// fromSeed turns schema 1.0.0 (inline UNIQUE, unnamed CHECKs, plain FKs) into
// schema. Tables are rebuilt, since SQLite cannot alter constraints
// (https://www.sqlite.org/lang_altertable.html#otheralter): rows keep their ids,
// AUTOINCREMENT its counters, and tables, indexes, triggers and views of others stay.
func fromSeed(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	// With the legacy rename, references and views keep the name that the new table
	// will have, and a broken view is no obstacle.
	u.exec("PRAGMA legacy_alter_table=ON")
	defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA legacy_alter_table=OFF")

	u.findTables()
	u.checkForeignKeys()
	foreign := u.setAside()
	u.exec(ddl)
	for _, table := range u.tables {
		u.check(table)
	}
	if err := u.result(); err != nil {
		return err
	}
	for _, table := range u.tables {
		u.copy(table)
	}
	u.checkForeignKeys() // once more: now for the table definitions that stay
	for _, statement := range foreign {
		u.exec(statement)
	}
	u.fold()
	return u.result()
}

// upgrade is one run of a step; after the first error of SQL it does nothing more.
type upgrade struct {
	ctx    context.Context
	conn   *sql.Conn
	tables []string // those of the old schema, parents first
	err    error
	rows   []error // what cannot be kept
}

func (u *upgrade) exec(query string, args ...any) {
	if u.err != nil {
		return
	}
	if _, err := u.conn.ExecContext(u.ctx, query, args...); err != nil {
		u.err = fmt.Errorf("upgrade: %w", translate(err))
	}
}

// texts runs a query for its first column.
func (u *upgrade) texts(query string, args ...any) []string {
	if u.err != nil {
		return nil
	}
	rows, err := u.conn.QueryContext(u.ctx, query, args...)
	if err != nil {
		u.err = fmt.Errorf("upgrade: %w", translate(err))
		return nil
	}
	defer rows.Close()
	var list []string
	for rows.Next() && u.err == nil {
		var s string
		u.err = rows.Scan(&s)
		list = append(list, s)
	}
	if u.err == nil {
		u.err = rows.Err()
	}
	return list
}

func (u *upgrade) findTables() {
	for _, m := range models.All() {
		u.tables = append(u.tables, u.texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?", m.TableName())...)
	}
}

// setAside renames the old tables and drops what hangs on them. It returns the SQL
// of the indexes and triggers that are not the seed's.
func (u *upgrade) setAside() (foreign []string) {
	for _, view := range seedViews {
		u.exec("DROP VIEW IF EXISTS `" + view + "`")
	}
	for _, table := range u.tables {
		for _, kind := range []string{"index", "trigger"} {
			const of = " FROM sqlite_schema WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL"
			foreign = append(foreign, u.texts("SELECT sql"+of+" AND name NOT LIKE ?", kind, table, "idx_"+table+"_%")...)
			for _, name := range u.texts("SELECT name"+of, kind, table) {
				u.exec("DROP " + kind + " " + quote(name))
			}
		}
		u.exec("ALTER TABLE " + quote(table) + " RENAME TO " + quote(asidePrefix+table))
	}
	return foreign
}

// copy moves a table's rows and counter, and drops what was set aside.
func (u *upgrade) copy(table string) {
	old := asidePrefix + table
	names := u.columns(old)
	for i, name := range names {
		names[i] = quote(name)
	}
	list := strings.Join(names, ", ")
	u.exec("INSERT INTO " + quote(table) + " (" + list + ") SELECT " + list + " FROM " + quote(old) + " ORDER BY id")
	// The counter may be ahead of the highest id that is left.
	u.exec("DELETE FROM sqlite_sequence WHERE name = ? AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)", table, old)
	u.exec("UPDATE sqlite_sequence SET name = ? WHERE name = ?", table, old)
	u.exec("DROP TABLE " + quote(old))
}

func (u *upgrade) columns(table string) []string {
	return u.texts("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
}

// result is the first error of SQL, or all the rows that cannot be kept.
func (u *upgrade) result() error {
	if u.err != nil || len(u.rows) == 0 {
		return u.err
	}
	return &unkeepable{rows: u.rows}
}

// unkeepable lists what an upgrade would lose. Each part is a *models.Error.
type unkeepable struct{ rows []error }

// Error implements error.
func (e *unkeepable) Error() string {
	lines := []string{"the database is of an older schema and cannot be upgraded; nothing was changed. Correct or delete first:"}
	for _, err := range e.rows {
		lines = append(lines, "  "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap implements errors.Is and errors.As for each part.
func (e *unkeepable) Unwrap() []error { return slices.Clone(e.rows) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
