package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// steps upgrade the schema from the version of their key to a newer one. Each runs inside the
// transaction of migrate, with foreign keys off, and sets user_version.
var steps = map[int]func(ctx context.Context, conn *sql.Conn, ddl string) error{
	0: fromSeed,
	2: fromTwo,
	3: fromThree,
}

// indexName matches the indexes that schema.sql creates. The database itself cannot tell them
// from indexes that users added.
var indexName = regexp.MustCompile("INDEX IF NOT EXISTS `([a-z0-9_]+)`")

// fromTwo rebuilds the indexes in ascending order, in which inserts append and pages stay
// full, and adds the totals of the views.
func fromTwo(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	if ids := u.texts("SELECT id FROM audit_log WHERE context_json IS NOT NULL AND NOT json_valid(context_json) ORDER BY id"); len(ids) > 0 {
		return unkeepable{refuse.Invalid("audit_log", "context_json", nil, "is not valid JSON, "+listed(ids))}
	}
	for _, name := range indexName.FindAllStringSubmatch(ddl, -1) {
		u.exec("DROP INDEX IF EXISTS " + quote(name[1]))
	}
	u.exec(ddl)
	u.fold()
	return u.err
}

// fromThree adds the tables and triggers that prove the audit log.
func fromThree(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	u.exec(ddl)
	return u.err
}

// fold computes the totals.
func (u *upgrade) fold() {
	if u.err == nil {
		u.fail(foldAll(u.ctx, u.conn))
	}
}

// asidePrefix begins the names of the old tables while their rows are copied.
const asidePrefix = "tier2_upgrade_"

// seedViews are replaced, because the seed's recent_executions does not count audit entries.
var seedViews = []string{"recent_executions", "agent_performance_summary", "pipeline_stage_performance"}

// fromSeed upgrades schema 1.0.0 (inline UNIQUE, unnamed CHECKs, plain foreign keys). It
// rebuilds the tables, since SQLite cannot alter constraints
// (https://www.sqlite.org/lang_altertable.html#otheralter). Rows keep their ids and
// AUTOINCREMENT its counters; tables, indexes, triggers and views that users added stay.
func fromSeed(ctx context.Context, conn *sql.Conn, ddl string) error {
	u := &upgrade{ctx: ctx, conn: conn}
	// The legacy rename keeps the table's name in references and views, and accepts broken
	// views.
	u.exec("PRAGMA legacy_alter_table=ON")
	//nolint:errcheck // no error: the pragma only sets a flag of the connection
	defer conn.ExecContext(context.WithoutCancel(ctx), "PRAGMA legacy_alter_table=OFF")

	for _, m := range models.All() {
		u.tables = append(u.tables, u.texts("SELECT name FROM sqlite_schema WHERE type = 'table' AND name = ?", m.TableName())...)
	}
	u.checkForeignKeys()
	added := u.setAside()
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
	u.checkForeignKeys() // again, for the final definitions of the tables
	for _, statement := range added {
		u.exec(statement)
	}
	u.fold()
	return u.result()
}

// upgrade is one run of a step. After the first error of SQL its methods do nothing.
type upgrade struct {
	ctx        context.Context
	conn       *sql.Conn
	tables     []string // tables of the old schema, parents first
	err        error
	unkeepable unkeepable
}

func (u *upgrade) exec(query string, args ...any) {
	if u.err != nil {
		return
	}
	_, err := u.conn.ExecContext(u.ctx, query, args...)
	u.fail(err)
}

func (u *upgrade) fail(err error) {
	if err != nil {
		u.err = fmt.Errorf("upgrade: %w", translate(err))
	}
}

// texts returns the only column of a query.
func (u *upgrade) texts(query string, args ...any) []string {
	if u.err != nil {
		return nil
	}
	list, err := backend.Texts(u.ctx, u.conn, query, args...)
	u.fail(err)
	return list
}

// setAside renames the old tables and drops the views, indexes and triggers on them. It
// returns the SQL of the indexes and triggers that users added.
func (u *upgrade) setAside() (added []string) {
	for _, view := range seedViews {
		u.exec("DROP VIEW IF EXISTS `" + view + "`")
	}
	for _, table := range u.tables {
		for _, kind := range []string{"index", "trigger"} {
			const of = " FROM sqlite_schema WHERE type = ? AND tbl_name = ? AND sql IS NOT NULL"
			added = append(added, u.texts("SELECT sql"+of+" AND name NOT LIKE ?", kind, table, "idx_"+table+"_%")...)
			for _, name := range u.texts("SELECT name"+of, kind, table) {
				u.exec("DROP " + kind + " " + quote(name))
			}
		}
		u.exec("ALTER TABLE " + quote(table) + " RENAME TO " + quote(asidePrefix+table))
	}
	return added
}

// copy copies the rows and the counter of a table and drops the old table.
func (u *upgrade) copy(table string) {
	old := asidePrefix + table
	names := u.columns(old)
	for i, name := range names {
		names[i] = quote(name)
	}
	list := strings.Join(names, ", ")
	u.exec("INSERT INTO " + quote(table) + " (" + list + ") SELECT " + list + " FROM " + quote(old) + " ORDER BY id")
	// The counter may be ahead of the highest id.
	u.exec("DELETE FROM sqlite_sequence WHERE name = ? AND EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)", table, old)
	u.exec("UPDATE sqlite_sequence SET name = ? WHERE name = ?", table, old)
	u.exec("DROP TABLE " + quote(old))
}

func (u *upgrade) columns(table string) []string {
	return u.texts("SELECT name FROM pragma_table_info(?) ORDER BY cid", table)
}

// result returns the first error of SQL, or all rows that cannot be kept.
func (u *upgrade) result() error {
	if u.err != nil || len(u.unkeepable) == 0 {
		return u.err
	}
	return u.unkeepable
}

// unkeepable lists the columns and rows that an upgrade would lose, as *models.Error.
type unkeepable []error

// Error implements error.
func (e unkeepable) Error() string {
	lines := []string{"the database is of an older schema and cannot be upgraded; nothing was changed. Correct or delete first:"}
	for _, err := range e {
		lines = append(lines, "  "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// Unwrap implements errors.Is and errors.As for each part.
func (e unkeepable) Unwrap() []error { return slices.Clone(e) }

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// listedIDs is the largest number of ids that an error lists.
const listedIDs = 100

// namedCheck matches the CHECK constraints of a table's SQL, one per line. SQLite has no PRAGMA
// for them.
var namedCheck = regexp.MustCompile("(?m)^\\s*CONSTRAINT `(\\w+)` CHECK \\((.*)\\),?$")

// check collects the columns and rows of the old table that the new table rejects, for each
// constraint, so that the error lists every row.
func (u *upgrade) check(table string) {
	old := asidePrefix + table
	have, known, before := u.columns(old), u.columns(table), len(u.unkeepable)
	invalid := func(column, reason string) *models.Error { return refuse.Invalid(table, column, nil, reason) }
	for _, column := range have {
		if !slices.Contains(known, column) {
			u.refuse(invalid(column, "the new schema has no such column, so its values would be lost"))
		}
	}
	required := u.texts("SELECT name FROM pragma_table_info(?) WHERE \"notnull\" OR pk", table)
	for _, column := range required {
		if !slices.Contains(have, column) {
			u.refuse(invalid(column, "the old table has no such column"))
		}
	}
	if u.err != nil || len(u.unkeepable) > before {
		return
	}
	for _, column := range required {
		u.refuseRows(invalid(column, "must not be NULL"), quote(column)+" IS NULL")
	}
	for _, column := range u.texts("SELECT i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE l.\"unique\"", table) {
		same := quote(column) + " IN (SELECT " + quote(column) + " FROM " + quote(old) + " GROUP BY 1 HAVING COUNT(*) > 1)"
		u.refuseRows(&models.Error{Table: table, Column: column, Kind: models.ErrDuplicate, Reason: "must be unique"}, same)
	}
	for _, kind := range []string{"integer", "real"} { // SQLite accepts 2.5 and 'abc' in both
		for _, column := range u.texts("SELECT name FROM pragma_table_info(?) WHERE lower(type) = ?", table, kind) {
			if slices.Contains(have, column) {
				u.refuseRows(invalid(column, "is not of type "+kind), "typeof("+quote(column)+") NOT IN ('integer', 'null', '"+kind+"')")
			}
		}
	}
	if slices.Contains(have, "timestamp") {
		u.refuseRows(invalid("timestamp", "is no ISO 8601 time"),
			"timestamp NOT GLOB '[0-9][0-9][0-9][0-9]-*' OR julianday(timestamp) IS NULL")
	}
	for _, ddl := range u.texts("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", table) {
		for _, m := range namedCheck.FindAllStringSubmatch(ddl, -1) {
			if e := backend.CheckFailed(m[1]); slices.Contains(have, e.Column) {
				u.refuseRows(e, "NOT ("+m[2]+")")
			}
		}
	}
}

// checkForeignKeys collects the children without a parent.
func (u *upgrade) checkForeignKeys() {
	for _, table := range u.tables {
		ids := u.texts("SELECT rowid FROM pragma_foreign_key_check(?) ORDER BY 1", table)
		for _, parent := range u.texts("SELECT DISTINCT parent FROM pragma_foreign_key_check(?)", table) {
			u.refuse(&models.Error{Table: table, Kind: models.ErrForeignKey, Reason: "names a row of " + parent + " that does not exist, " + listed(ids)})
		}
	}
}

// refuseRows adds e if rows of the old table meet the condition.
func (u *upgrade) refuseRows(e *models.Error, condition string) {
	if ids := u.texts("SELECT id FROM " + quote(asidePrefix+e.Table) + " WHERE " + condition + " ORDER BY id"); len(ids) > 0 {
		e.Reason += ", " + listed(ids)
		u.refuse(e)
	}
}

func (u *upgrade) refuse(e *models.Error) { u.unkeepable = append(u.unkeepable, e) }

func listed(ids []string) string {
	more := ""
	if len(ids) > listedIDs {
		more = fmt.Sprintf(" and %d more", len(ids)-listedIDs)
		ids = ids[:listedIDs]
	}
	return "in the rows with id " + strings.Join(ids, ", ") + more
}
