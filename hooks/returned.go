package hooks

import (
	"database/sql"
	"reflect"
	"slices"

	"gorm.io/gorm/clause"
	gormschema "gorm.io/gorm/schema"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// returned fills the caller's structs and maps with the values that an INSERT returns: the
// columns of the caller's clause.Returning or, without it, those with a default of the
// database, as GORM does.
type returned struct {
	write   *write
	columns []string // nil for all
	rows    [][]any  // per returned row, a value per column of it; see read
	names   []string // the columns of a returned row
}

// returned reads the RETURNING clause that the caller or GORM would use.
func (w *write) returned() *returned {
	s, r := w.db.Statement, &returned{write: w, columns: []string{}}
	if c, ok := s.Clauses["RETURNING"]; ok {
		given, _ := c.Expression.(clause.Returning)
		if len(given.Columns) == 0 {
			r.columns = nil
		}
		for _, column := range given.Columns {
			r.columns = append(r.columns, column.Name)
		}
		return r
	}
	if s.Schema != nil {
		for _, field := range s.Schema.FieldsWithDefaultDBValue {
			r.columns = append(r.columns, field.DBName)
		}
	}
	return r
}

// field returns the field of the caller's type that receives a column, or nil.
func (r *returned) field(column string) *gormschema.Field {
	s := r.write.db.Statement
	if s.Schema == nil || r.columns != nil && !slices.Contains(r.columns, column) {
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
	switch dest := s.Dest.(type) {
	case map[string]any:
		return r.fillMap(dest, after)
	case *map[string]any:
		return r.fillMap(*dest, after)
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
	if id := s.Schema.PrioritizedPrimaryField; id != nil && r.field(id.DBName) == nil {
		if i := slices.Index(r.names, id.DBName); i >= 0 {
			return id.Set(s.Context, v, *values[i].(*any))
		}
	}
	return nil
}

// fillMap gives a map its id.
func (r *returned) fillMap(dest map[string]any, after []schema.Row) error {
	if len(after) == 1 {
		dest["@id"] = after[0].ID()
	}
	return nil
}
