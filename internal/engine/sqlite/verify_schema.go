package sqlite

import (
	"context"
	"database/sql"
	"regexp"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// object is a table, index, view or trigger of a database.
type object struct{ kind, name, sql string }

// description is the schema of a database.
type description struct {
	version int
	objects []object // tables, then indexes, then views, in the order they were made
}

func describe(ctx context.Context, db *sql.DB) (*description, error) {
	var d description
	if err := db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&d.version); err != nil {
		return nil, err
	}
	var o object
	err := each(ctx, db, func() { d.objects = append(d.objects, o) },
		`SELECT type, name, coalesce(sql, '') FROM sqlite_schema WHERE type IN ('table', 'index', 'view', 'trigger')
		AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY type = 'view', type = 'index', rowid`, &o.kind, &o.name, &o.sql)
	return &d, err
}

// tables are the names of the tables.
func (d *description) tables() (list []object) {
	for _, o := range d.objects {
		if o.kind == "table" {
			list = append(list, o)
		}
	}
	return list
}

// compare holds version and objects against those of a database made just now. What
// a user added beside them is no finding.
func compare(ctx context.Context, db *sql.DB, want *description, v *engine.Examination) error {
	have, err := describe(ctx, db)
	if err != nil {
		return err
	}
	if have.version != want.version {
		v.Add("schema: version %d, expected %d", have.version, want.version)
	}
	bySQL := make(map[string]string, len(have.objects))
	for _, o := range have.objects {
		bySQL[o.kind+" "+o.name] = o.sql
	}
	for _, o := range want.objects {
		switch got, there := bySQL[o.kind+" "+o.name]; {
		case !there:
			v.Add("schema: %s %s is missing", o.kind, o.name)
			continue
		case normal(got) != normal(o.sql):
			v.Add("schema: %s %s is not as expected: %s", o.kind, o.name, strings.Join(strings.Fields(got), " "))
		}
		if !strings.HasPrefix(o.name, "tier2_") { // what serves the views is no table of the seven
			v.Count(o.kind)
		}
	}
	return nil
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
