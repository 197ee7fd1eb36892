package hooks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// inserted are the columns that an INSERT sets, in the order of values: all but id.
func inserted(table string) []schema.Column { return schema.Named(table).Columns[1:] }

// values appends what a model puts into the columns of inserted.
func values(args []any, m models.Model) []any {
	switch m := m.(type) {
	case *models.Receipt:
		return append(args, m.ExecutionID, m.AgentID, string(m.Operation), string(m.Status), m.Timestamp.String(), m.CreatedAt,
			m.ManifestHash, m.OntologyHash, m.FilesGenerated, m.FilesModified, m.DurationMS, document(m.ReceiptJSON), m.ErrorMessage, m.Environment)
	case *models.AgentMemory:
		return append(args, m.AgentID, document(m.MemoryJSON), document(m.CollisionHistory), m.RetryCount, m.LastError, m.UpdatedAt, m.CreatedAt)
	case *models.AuditEntry:
		return append(args, m.Timestamp.String(), m.AgentID, m.Operation, string(m.Status), m.DurationMS, m.ErrorMessage, document(m.ContextJSON), m.CreatedAt)
	case *models.WorkflowSession:
		return append(args, m.SessionID, m.StartTime, orNull(m.EndTime), string(m.Status), m.AgentCount, orNull(m.TotalDurationMS),
			m.SuccessfulOperations, m.FailedOperations, document(m.ContextJSON), m.CreatedAt)
	case *models.Collision:
		return append(args, m.SessionID, m.AgentID1, m.AgentID2, string(m.CollisionType), m.Description, m.Resolution, string(m.Severity),
			m.Timestamp.String(), m.CreatedAt)
	case *models.PipelineMetric:
		return append(args, m.ExecutionID, string(m.Stage), m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes, string(m.Status), m.ErrorMessage,
			m.Timestamp.String(), m.CreatedAt)
	case *models.SLOViolation:
		return append(args, m.ExecutionID, m.Metric, m.TargetValue, m.ActualValue, string(m.Severity), m.Description, m.Timestamp.String(), m.CreatedAt)
	}
	panic(fmt.Sprintf("no columns are known for %T", m))
}

// identity is where a model keeps its id.
func identity(m models.Model) *int64 {
	switch m := m.(type) {
	case *models.Receipt:
		return &m.ID
	case *models.AgentMemory:
		return &m.ID
	case *models.AuditEntry:
		return &m.ID
	case *models.WorkflowSession:
		return &m.ID
	case *models.Collision:
		return &m.ID
	case *models.PipelineMetric:
		return &m.ID
	case *models.SLOViolation:
		return &m.ID
	}
	panic(fmt.Sprintf("no id is known for %T", m))
}

// document is validated JSON as its column takes it.
func document(j models.JSON) any {
	if j == nil {
		return nil
	}
	return string(j)
}

func orNull[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// insertSizes are how many rows one INSERT takes: few sizes, so that the statements
// stay prepared. SQLite allows 32,766 parameters in one, PostgreSQL 65,535.
var insertSizes = [...]int{64, 32, 16, 8, 4, 2, 1}

// insertRows inserts models of one table, gives them their ids and keeps their values.
func (d *dialect) insertRows(ctx context.Context, pool gorm.ConnPool, rows []models.Model, kept map[models.Model][]any) error {
	return d.insert(ctx, pool, rows[0].TableName(), len(rows),
		func(i int, args []any) []any {
			start := len(args)
			args = values(args, rows[i])
			kept[rows[i]] = args[start:len(args):len(args)]
			return args
		},
		func(i int, id int64) { *identity(rows[i]) = id })
}

// insertEntries inserts entries in their order.
func (d *dialect) insertEntries(ctx context.Context, pool gorm.ConnPool, entries []entry) error {
	var setID func(i int, id int64)
	if slices.ContainsFunc(entries, func(e entry) bool { return e.of != nil }) {
		setID = func(i int, id int64) {
			if of := entries[i].of; of != nil {
				of.ID = id
			}
		}
	}
	return d.insert(ctx, pool, "audit_log", len(entries), func(i int, args []any) []any { return entries[i].values(args) }, setID)
}

// insert inserts n rows, some at a time. setID gets the id of each; nil if nobody asks.
func (d *dialect) insert(ctx context.Context, pool gorm.ConnPool, table string, n int, values func(i int, args []any) []any, setID func(i int, id int64)) error {
	for start := 0; start < n; {
		size := 0
		for _, size = range insertSizes {
			if size <= n-start {
				break
			}
		}
		args := make([]any, 0, size*len(inserted(table)))
		for i := start; i < start+size; i++ {
			args = values(i, args)
		}
		got, err := d.insertSome(ctx, pool, statementKey{d, table, size, setID != nil}, args, func(i int, id int64) { setID(start+i, id) })
		if err == nil && got != size {
			err = &models.Error{Table: table, Kind: models.ErrInvalid,
				Reason: fmt.Sprintf("%d of %d rows were not inserted: a trigger of this database ignored them", size-got, size)}
		}
		if err != nil {
			return err
		}
		start += size
	}
	return nil
}

// insertSome sends one INSERT and says how many rows it inserted.
func (d *dialect) insertSome(ctx context.Context, pool gorm.ConnPool, key statementKey, args []any, setID func(i int, id int64)) (int, error) {
	if key.ids {
		return d.insertIDs(ctx, pool, key.text(), key.rows, args, setID)
	}
	result, err := pool.ExecContext(ctx, key.text(), args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	return int(n), err
}

// statements keeps the text of each INSERT.
var statements sync.Map

// statementKey says which INSERT it is.
type statementKey struct {
	d     *dialect
	table string
	rows  int
	ids   bool // whether it gives the ids of its rows
}

// text is INSERT INTO table (...) VALUES (...), (...).
func (k statementKey) text() string {
	if text, ok := statements.Load(k); ok {
		return text.(string)
	}
	var b strings.Builder
	names := make([]string, len(inserted(k.table)))
	for i, c := range inserted(k.table) {
		names[i] = c.Name
	}
	fmt.Fprintf(&b, "INSERT INTO %s (%s) VALUES ", k.table, strings.Join(names, ", "))
	n := 0
	for i := range k.rows {
		if i > 0 {
			b.WriteString(", ")
		}
		for j := range names {
			n++
			b.WriteString(map[bool]string{true: "(", false: ", "}[j == 0])
			b.WriteString(k.d.placeholder(n))
		}
		b.WriteByte(')')
	}
	if k.ids {
		b.WriteString(k.d.returningID)
	}
	statements.Store(k, b.String())
	return b.String()
}

func questionMark(int) string { return "?" }

func dollar(n int) string { return "$" + strconv.Itoa(n) }

// lastInsertID gives the ids of an INSERT that ran alone in its database: they follow
// each other (https://www.sqlite.org/autoinc.html).
func lastInsertID(ctx context.Context, pool gorm.ConnPool, query string, rows int, args []any, setID func(i int, id int64)) (int, error) {
	result, err := pool.ExecContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	n, err := result.RowsAffected()
	if err != nil || n != int64(rows) {
		return int(n), err
	}
	last, err := result.LastInsertId()
	for i := range rows {
		setID(i, last-n+1+int64(i))
	}
	return rows, err
}

// returnedID gives the ids of RETURNING id, in the order of the rows.
func returnedID(ctx context.Context, pool gorm.ConnPool, query string, _ int, args []any, setID func(i int, id int64)) (n int, err error) {
	rows, err := pool.QueryContext(ctx, query, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for ; rows.Next(); n++ {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return n, err
		}
		setID(n, id)
	}
	return n, rows.Err()
}
