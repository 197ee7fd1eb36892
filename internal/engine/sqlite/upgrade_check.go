package sqlite

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// listedIDs is how many ids an error names before it only counts.
const listedIDs = 100

// namedCheck reads the constraints of schema.sql, one a line.
var namedCheck = regexp.MustCompile("(?m)^\\s*CONSTRAINT `(\\w+)` CHECK \\((.*)\\),?$")

// check collects what the new table would refuse of the old one: constraint by
// constraint, so that every row is listed and not only the first.
func (u *upgrade) check(table string) {
	old := asidePrefix + table
	have, known := u.columns(old), u.columns(table)
	before := len(u.rows)
	for _, column := range have {
		if !slices.Contains(known, column) {
			u.refuse(&models.Error{Table: table, Column: column, Kind: models.ErrInvalid, Reason: "the new schema has no such column, so its values would be lost"})
		}
	}
	required := u.texts("SELECT name FROM pragma_table_info(?) WHERE \"notnull\" OR pk", table)
	for _, column := range required {
		if !slices.Contains(have, column) {
			u.refuse(&models.Error{Table: table, Column: column, Kind: models.ErrInvalid, Reason: "the old table has no such column"})
		}
	}
	if u.err != nil || len(u.rows) > before {
		return
	}
	for _, column := range required {
		u.refuseRows(&models.Error{Table: table, Column: column, Kind: models.ErrInvalid, Reason: "must not be NULL"}, quote(column)+" IS NULL")
	}
	for _, column := range u.texts("SELECT i.name FROM pragma_index_list(?) l, pragma_index_info(l.name) i WHERE l.\"unique\"", table) {
		same := quote(column) + " IN (SELECT " + quote(column) + " FROM " + quote(old) + " GROUP BY 1 HAVING COUNT(*) > 1)"
		u.refuseRows(&models.Error{Table: table, Column: column, Kind: models.ErrDuplicate, Reason: "must be unique"}, same)
	}
	for _, kind := range []string{"integer", "real"} { // SQLite takes 2.5 and 'abc' in either
		for _, column := range u.texts("SELECT name FROM pragma_table_info(?) WHERE lower(type) = ?", table, kind) {
			if slices.Contains(have, column) {
				u.refuseRows(&models.Error{Table: table, Column: column, Kind: models.ErrInvalid, Reason: "is not of type " + kind},
					"typeof("+quote(column)+") NOT IN ('integer', 'null', '"+kind+"')")
			}
		}
	}
	if slices.Contains(have, "timestamp") {
		u.refuseRows(&models.Error{Table: table, Column: "timestamp", Kind: models.ErrInvalid, Reason: "is no ISO 8601 time"},
			"timestamp NOT GLOB '[0-9][0-9][0-9][0-9]-*' OR julianday(timestamp) IS NULL")
	}
	for _, ddl := range u.texts("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?", table) {
		for _, m := range namedCheck.FindAllStringSubmatch(ddl, -1) {
			if e := engine.CheckFailed(m[1]); slices.Contains(have, e.Column) {
				u.refuseRows(e, "NOT ("+m[2]+")")
			}
		}
	}
}

// checkForeignKeys collects the children whose parent does not exist.
func (u *upgrade) checkForeignKeys() {
	for _, table := range u.tables {
		ids := u.texts("SELECT rowid FROM pragma_foreign_key_check(?) ORDER BY 1", table)
		for _, parent := range u.texts("SELECT DISTINCT parent FROM pragma_foreign_key_check(?)", table) {
			u.refuse(&models.Error{Table: table, Kind: models.ErrForeignKey, Reason: "names a row of " + parent + " that does not exist, " + listed(ids)})
		}
	}
}

// refuseRows adds e for the rows of the old table that meet the condition, if any.
func (u *upgrade) refuseRows(e *models.Error, condition string) {
	if ids := u.texts("SELECT id FROM " + quote(asidePrefix+e.Table) + " WHERE " + condition + " ORDER BY id"); len(ids) > 0 {
		e.Reason += ", " + listed(ids)
		u.refuse(e)
	}
}

func (u *upgrade) refuse(e *models.Error) { u.rows = append(u.rows, e) }

func listed(ids []string) string {
	more := ""
	if len(ids) > listedIDs {
		more = fmt.Sprintf(" and %d more", len(ids)-listedIDs)
		ids = ids[:listedIDs]
	}
	return "in the rows with id " + strings.Join(ids, ", ") + more
}
