package hooks

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm"
	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
)

// needsCapture reports whether a create may do something else than insert each of
// its structs, an upsert or an INSERT OR ..., or inserts what does not tell its row:
// maps, structs of the caller's own types, and not all columns of a struct.
func needsCapture(s *gorm.Statement) bool {
	if _, ok := s.Clauses["ON CONFLICT"]; ok {
		return true
	}
	if insert, ok := s.Clauses["INSERT"].Expression.(clause.Insert); ok && insert.Modifier != "" {
		return true
	}
	if _, ok := s.Clauses["RETURNING"]; ok { // the caller's, perhaps without the id
		return true
	}
	if len(s.Selects) > 0 || slices.ContainsFunc(s.Omits, func(name string) bool { return name != clause.Associations }) {
		return true
	}
	list := elements(s.ReflectValue)
	return s.Schema == nil || len(list) == 0 || !isModel(list[0])
}

// upsert runs such a create: what GORM's own callback does, but it reads the rows
// that stand in the way first, and takes from RETURNING what was really written.
func (w *write) upsert() ([]change, error) {
	db, s := w.db, w.db.Statement
	if s.Schema != nil && !s.Unscoped {
		for _, c := range s.Schema.CreateClauses {
			s.AddClause(c)
		}
	}
	s.AddClauseIfNotExists(clause.Insert{})
	values := callbacks.ConvertToCreateValues(s)
	if db.Error != nil {
		return nil, nil
	}
	w.plugin.redact.values(w.table, s, values)
	s.AddClause(values)
	delete(s.Clauses, "RETURNING")
	s.AddClause(clause.Returning{})
	s.SQL.Grow(256)
	s.Build(s.BuildClauses...)

	query := s.SQL.String()
	if expr := w.plugin.dialect.inserted; expr != "" {
		query += ", " + expr + " AS " + insertedColumn
	}
	var before, after []row
	err := w.plugin.dialect.exact(s.Context, s.ConnPool, func() (complete bool, err error) {
		if before, err = w.inTheWay(values); err != nil {
			return false, err
		}
		after, err = readRows(s.ConnPool.QueryContext(s.Context, query, s.Vars...))
		return allSeen(before, after), err
	})
	if err != nil {
		return nil, err
	}
	db.RowsAffected = int64(len(after))
	if s.Result != nil {
		s.Result.RowsAffected = db.RowsAffected
	}
	w.backfill(after)

	after = lastOf(after)
	if insert, ok := s.Clauses["INSERT"].Expression.(clause.Insert); ok && strings.Contains(strings.ToUpper(insert.Modifier), "REPLACE") {
		gone, err := w.gone(before)
		if err != nil {
			return nil, err
		}
		if after, err = selectByID(db, s.ConnPool, after); err != nil { // they may replace each other
			return nil, err
		}
		return append(gone, compare(before, after)...), nil
	}
	return compare(before, after), nil
}

// lastOf keeps, of rows that one statement wrote more than once, how they ended.
func lastOf(rows []row) []row {
	last := make(map[int64]row, len(rows))
	for _, r := range rows {
		last[r.id()] = r
	}
	return slices.DeleteFunc(slices.Clone(rows), func(r row) bool {
		now, there := last[r.id()]
		delete(last, r.id())
		if there {
			maps.Copy(r, now)
		}
		return !there
	})
}

// insertedColumn carries dialect.inserted among the columns of RETURNING.
const insertedColumn = "tier2_inserted"

// allSeen reports whether every row that an upsert updated was read before, and takes
// insertedColumn out of the rows.
func allSeen(before, after []row) bool {
	seen := make(map[int64]bool, len(before))
	for _, r := range before {
		seen[r.id()] = true
	}
	all := true
	for _, r := range after {
		if inserted, ok := r[insertedColumn]; ok && inserted == false && !seen[r.id()] {
			all = false
		}
		delete(r, insertedColumn)
	}
	return all
}

// inTheWay reads the rows that have the id or the natural key of a row to insert.
func (w *write) inTheWay(values clause.Values) ([]row, error) {
	var conditions []clause.Expression
	for i, column := range values.Columns {
		name := strings.ToLower(column.Name)
		if !slices.Contains([]string{"id", "rowid", "oid", "_rowid_"}, name) && (name != w.key || w.key == "") {
			continue
		}
		in := clause.IN{Column: clause.Column{Name: column.Name}}
		for _, v := range values.Values {
			if e, ok := v[i].(clause.Expr); ok && strings.EqualFold(e.SQL, "DEFAULT") { // the engine will choose
				continue
			}
			in.Values = append(in.Values, v[i])
		}
		if len(in.Values) > 0 {
			conditions = append(conditions, in)
		}
	}
	if len(conditions) == 0 {
		return nil, nil
	}
	return selectRows(w.db, w.db.Statement.ConnPool, w.plugin.dialect.lock, func(s *gorm.Statement) {
		s.Clauses["WHERE"] = clause.Clause{Name: "WHERE", Expression: clause.Where{Exprs: []clause.Expression{clause.Or(conditions...)}}}
		s.Build("WHERE")
	})
}

// gone lists the rows that INSERT OR REPLACE removed.
func (w *write) gone(before []row) ([]change, error) {
	left, err := selectByID(w.db, w.db.Statement.ConnPool, before)
	if err != nil {
		return nil, err
	}
	there := map[int64]bool{}
	for _, r := range left {
		there[r.id()] = true
	}
	var changes []change
	for _, r := range before {
		if !there[r.id()] {
			changes = append(changes, change{action: actionDelete, old: r})
		}
	}
	return changes, nil
}

// backfill gives the caller's structs and maps the ids that they now have: by the
// natural key where there is one, else in order if every element was written.
func (w *write) backfill(after []row) {
	s := w.db.Statement
	switch dest := s.Dest.(type) {
	case map[string]any:
		if len(after) == 1 {
			dest["@id"] = after[0].id()
		}
		return
	case *map[string]any:
		if len(after) == 1 {
			(*dest)["@id"] = after[0].id()
		}
		return
	}
	if s.Schema == nil || s.Schema.PrioritizedPrimaryField == nil {
		return
	}
	list := elements(s.ReflectValue)
	byKey := make(map[string]row, len(after))
	for _, r := range after {
		byKey[r.text(w.key)] = r
	}
	for i, v := range list {
		var r row
		if m := modelOf(v); m != nil && w.key != "" {
			record := recordIn(v)
			r = byKey[record.Table.Text(record.Row(), w.key)]
		} else if len(after) == len(list) {
			r = after[i]
		}
		if r != nil {
			_ = w.db.AddError(s.Schema.PrioritizedPrimaryField.Set(s.Context, v, r.id()))
		}
	}
}

// elements are the structs that a statement writes, whatever holds them; none if it
// writes maps.
func elements(v reflect.Value) []reflect.Value {
	switch v.Kind() {
	case reflect.Struct:
		return []reflect.Value{v}
	case reflect.Slice, reflect.Array:
		list := make([]reflect.Value, 0, v.Len())
		for i := range v.Len() {
			if e := reflect.Indirect(v.Index(i)); e.Kind() == reflect.Struct {
				list = append(list, e)
			}
		}
		return list
	}
	return nil
}
