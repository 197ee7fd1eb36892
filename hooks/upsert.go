package hooks

import (
	"database/sql"
	"reflect"
	"slices"
	"strings"

	"gorm.io/gorm/callbacks"
	"gorm.io/gorm/clause"
	gormschema "gorm.io/gorm/schema"

	"github.com/seanchatmangpt/ggen/tier2/internal/audit"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// upsert runs a create that is not plain. It does what GORM's own callback does, but first
// reads the rows with the same keys, and takes from RETURNING the rows that were written.
func (w *write) upsert() ([]audit.Change, error) {
	db, s := w.db, w.db.Statement
	if s.Schema != nil && !s.Unscoped {
		for _, c := range s.Schema.CreateClauses {
			s.AddClause(c)
		}
	}
	s.AddClauseIfNotExists(clause.Insert{})
	values := callbacks.ConvertToCreateValues(s)
	if db.Error != nil {
		return nil, db.Error
	}
	redactor{w.log.Redact, w.table}.insert(values, s.Clauses)
	s.AddClause(values)
	back := w.returned()
	delete(s.Clauses, "RETURNING")
	s.AddClause(clause.Returning{})
	s.SQL.Grow(256)
	s.Build(s.BuildClauses...)

	query := s.SQL.String()
	if expr := w.log.Dialect.Inserted; expr != "" {
		query += ", " + expr + " AS " + insertedColumn
	}
	var before, after audit.Set
	err := w.exact(func() (complete bool, err error) {
		if before, err = w.conflicting(values); err != nil {
			return false, err
		}
		back.rows = nil
		after, err = audit.QueryEach(s.Context, s.ConnPool, w.table, back.read, query, s.Vars...)
		return allSeen(before, &after), err
	})
	if err != nil {
		return nil, err
	}
	w.setAffected(len(after.Rows))
	_ = db.AddError(back.fill(after.Rows))
	return w.upserted(before, after)
}

// upserted returns what an upsert changed.
func (w *write) upserted(before, after audit.Set) ([]audit.Change, error) {
	s := w.db.Statement
	after.Rows = lastOf(after.Rows)
	insert, ok := s.Clauses["INSERT"].Expression.(clause.Insert)
	if !ok || !strings.Contains(strings.ToUpper(insert.Modifier), "REPLACE") {
		return audit.Compare(before, after), nil
	}
	left, err := w.selectByID(s.ConnPool, before.Rows)
	if err != nil {
		return nil, err
	}
	removed, there := before, idSet(left.Rows)
	removed.Rows = slices.DeleteFunc(slices.Clone(before.Rows), func(r schema.Row) bool { return there[r.ID()] })
	if after, err = w.selectByID(s.ConnPool, after.Rows); err != nil { // they may replace each other
		return nil, err
	}
	return append(removed.Deleted(), audit.Compare(before, after)...), nil
}

// lastOf returns the rows without earlier versions of a row that the statement wrote twice.
// Each row has the place of its first version.
func lastOf(rows []schema.Row) []schema.Row {
	last := make(map[int64]schema.Row, len(rows))
	for _, r := range rows {
		last[r.ID()] = r
	}
	var list []schema.Row
	for _, r := range rows {
		if newest, ok := last[r.ID()]; ok {
			list = append(list, newest)
			delete(last, r.ID())
		}
	}
	return list
}

// insertedColumn carries Dialect.Inserted at the end of the columns of RETURNING.
const insertedColumn = "tier2_inserted"

// allSeen reports whether every row that an upsert updated was read before, and removes
// insertedColumn from the rows.
func allSeen(before audit.Set, after *audit.Set) bool {
	n := len(after.Extra)
	if n == 0 || after.Extra[n-1] != insertedColumn {
		return true
	}
	after.Extra = after.Extra[:n-1]
	seen, all := idSet(before.Rows), true
	for i, r := range after.Rows {
		end := len(r) - 1
		if r[end] == false && !seen[r.ID()] {
			all = false
		}
		after.Rows[i] = r[:end:end]
	}
	return all
}

// conflicting reads the rows that have the id or the natural key of a row to insert.
func (w *write) conflicting(values clause.Values) (audit.Set, error) {
	var conditions []clause.Expression
	for i, column := range values.Columns {
		name := strings.ToLower(column.Name)
		if !slices.Contains([]string{"id", "rowid", "oid", "_rowid_"}, name) && (name != w.table.NaturalKey || name == "") {
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
		return audit.Set{Table: w.table}, nil
	}
	where := clause.Clause{Name: "WHERE", Expression: clause.Where{Exprs: []clause.Expression{clause.Or(conditions...)}}}
	return w.selectWhere(w.db.Statement.ConnPool, where, true)
}

// exactAttempts is how often exact runs an attempt.
const exactAttempts = 10

// exact runs attempt until it reports that it saw the old values of all the rows that it
// changed. On an engine that excludes other writers, one attempt is enough. Otherwise each
// runs in a savepoint and is undone if another transaction added rows between the reading
// and the writing; the next attempt finds these rows and locks them.
func (w *write) exact(attempt func() (complete bool, err error)) error {
	if w.log.Dialect.Exclusive() {
		_, err := attempt()
		return err
	}
	exec := func(query string) error {
		_, err := w.db.Statement.ConnPool.ExecContext(w.db.Statement.Context, query+" tier2_exact")
		return err
	}
	for range exactAttempts {
		if err := exec("SAVEPOINT"); err != nil {
			return err
		}
		complete, err := attempt()
		if err != nil {
			return err
		}
		if complete {
			return exec("RELEASE SAVEPOINT")
		}
		if err := exec("ROLLBACK TO SAVEPOINT"); err != nil {
			return err
		}
	}
	return &models.Error{Kind: models.ErrRetry, Reason: "other transactions kept changing the same rows; try again"}
}

// returned fills the caller's structs and maps with the values that an INSERT returns: the
// columns of the caller's clause.Returning or, without it, those with a default of the
// database, as GORM does. The id is always among them.
type returned struct {
	write   *write
	columns []string // those to fill, unless all
	all     bool
	rows    [][]any  // per returned row, a value per column of it; see read
	names   []string // the columns of a returned row
}

// returned reads the RETURNING clause that the caller or GORM would use.
func (w *write) returned() *returned {
	s, r := w.db.Statement, &returned{write: w}
	if s.Schema != nil && s.Schema.PrioritizedPrimaryField != nil {
		r.columns = append(r.columns, s.Schema.PrioritizedPrimaryField.DBName)
	}
	c, asked := s.Clauses["RETURNING"]
	if given, _ := c.Expression.(clause.Returning); asked {
		r.all = len(given.Columns) == 0
		for _, column := range given.Columns {
			r.columns = append(r.columns, column.Name)
		}
	} else if s.Schema != nil {
		for _, field := range s.Schema.FieldsWithDefaultDBValue {
			r.columns = append(r.columns, field.DBName)
		}
	}
	return r
}

// field returns the field of the caller's type that receives a column, or nil.
func (r *returned) field(column string) *gormschema.Field {
	s := r.write.db.Statement
	if s.Schema == nil || !r.all && !slices.Contains(r.columns, column) {
		return nil
	}
	if field := s.Schema.LookUpField(column); field != nil && field.Readable {
		return field
	}
	return nil
}

// read scans one returned row as GORM scans it into the fields.
func (r *returned) read(rows *sql.Rows) (err error) {
	if r.names, err = rows.Columns(); err != nil {
		return err
	}
	values := make([]any, len(r.names))
	for i, name := range r.names {
		if field := r.field(name); field != nil {
			values[i] = field.NewValuePool.Get()
		} else {
			values[i] = new(any)
		}
	}
	r.rows = append(r.rows, values)
	return rows.Scan(values...)
}

// fill sets the fields of each struct from its row: the one with its natural key if there is
// one, else in order if every struct was written. A map gets its id under "@id".
func (r *returned) fill(after []schema.Row) error {
	s := r.write.db.Statement
	if reflect.Indirect(reflect.ValueOf(s.Dest)).Kind() == reflect.Map && len(after) == 1 {
		given(s.Dest)[0]["@id"] = after[0].ID()
	}
	if s.Schema == nil {
		return nil
	}
	table := r.write.table
	byKey := make(map[string]int, len(after))
	for i, row := range after {
		byKey[table.Text(row, table.NaturalKey)] = i
	}
	list := elements(s.ReflectValue)
	for i, v := range list {
		at, ok := i, len(after) == len(list)
		if m, _ := schema.ModelIn(v); m != nil && table.NaturalKey != "" {
			at, ok = byKey[table.Text(schema.RecordOf(m).Row(), table.NaturalKey)]
		}
		if !ok {
			continue
		}
		if err := r.set(v, r.rows[at]); err != nil {
			return err
		}
	}
	return nil
}

// set sets the fields of a struct.
func (r *returned) set(v reflect.Value, values []any) error {
	s := r.write.db.Statement
	for i, name := range r.names {
		if field := r.field(name); field != nil {
			if err := field.Set(s.Context, v, values[i]); err != nil {
				return err
			}
		}
	}
	return nil
}
