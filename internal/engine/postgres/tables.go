package postgres

import (
	"regexp"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// versionTable is the one table of the schema that SQLite does without.
const versionTable = ownPrefix + "schema"

// ownPrefix begins the names of what the store keeps beside the seven tables.
const ownPrefix = "tier2_"

var (
	tableText   = regexp.MustCompile(`(?ms)^CREATE TABLE (\w+) \(\n(.*?)^\)`)
	columnText  = regexp.MustCompile(`(?m)^  (\w+) (bigint|double precision|text|timestamptz|jsonb|json)\b(.*)$`)
	keyText     = regexp.MustCompile(`(?m)^  (?:CONSTRAINT \w+ )?PRIMARY KEY \(([^)]*)\)`)
	jsonChecked = regexp.MustCompile(`json_valid\((\w+)\)`)
)

// Tables are the tables of the schema that hold rows, parents before their children,
// as schema.sql defines them; SQLite's have the same names and columns.
func Tables() []engine.Table {
	var list []engine.Table
	for _, m := range tableText.FindAllStringSubmatch(schema, -1) {
		table := engine.Table{Name: m[1]}
		if table.Name == versionTable {
			continue
		}
		checked := map[string]bool{}
		for _, c := range jsonChecked.FindAllStringSubmatch(m[2], -1) {
			checked[c[1]] = true
		}
		for i, c := range columnText.FindAllStringSubmatch(m[2], -1) {
			column := engine.Column{Name: c[1], Type: engine.Type(c[2])}
			column.JSON = column.Type == engine.Document || column.Type == engine.JSONText || checked[column.Name]
			table.Columns = append(table.Columns, column)
			if strings.Contains(c[3], "PRIMARY KEY") {
				table.Key = []int{i}
			}
		}
		if key := keyText.FindStringSubmatch(m[2]); key != nil {
			for name := range strings.SplitSeq(key[1], ",") {
				table.Key = append(table.Key, slices.IndexFunc(table.Columns, func(c engine.Column) bool { return c.Name == strings.TrimSpace(name) }))
			}
		}
		list = append(list, table)
	}
	return list
}
