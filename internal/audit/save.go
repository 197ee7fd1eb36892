package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Save is a set of new rows that is written whole or not at all.
type Save struct {
	ctx    context.Context
	at     time.Time
	start  time.Time
	parts  [][]record // by table, in the order of the caller
	err    error
	failed *Entry        // the entry that a refusal leaves
	alone  bool          // its shared transaction was refused, perhaps because of another save
	done   chan struct{} // closed when err is final, or alone is set
}

// record is one row of a Save.
type record struct {
	schema.Record
	row   schema.Row
	given bool // the caller chose the id
}

// Create writes new rows, parents before children, and gives them their ids. If db is in a
// transaction, they are part of it, and a refused write undoes only its own part. Otherwise
// concurrent calls share a transaction (group commit).
//
// The error of a refused row is a *models.Error, and one failed entry is left. If ctx ends
// before the rows are being written, nothing is written and its error is returned.
func (l *Log) Create(ctx context.Context, db *gorm.DB, rows ...models.Model) error {
	s, err := l.NewSave(ctx, rows)
	if s == nil {
		return err
	}
	if _, ok := db.Statement.ConnPool.(gorm.TxCommitter); ok {
		return l.join(db.Statement.ConnPool, s)
	}
	if l.Pool == nil {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error { return l.join(tx.Statement.ConnPool, s) })
	}
	if l.Ungrouped {
		return l.saveAlone(s)
	}
	if err := l.group.join(ctx, s, l.lead); !s.alone {
		return err
	}
	return l.saveAlone(s)
}

// join writes s in a caller's transaction.
func (l *Log) join(pool gorm.ConnPool, s *Save) error {
	if s.err == nil {
		if err := l.saveIn(l.own(pool), s); err != nil {
			return err
		}
	}
	if tx := TxOf(pool); tx != nil && s.failed != nil {
		tx.Leave(*s.failed)
	}
	return s.err
}

// NewSave fills, validates and redacts rows. It returns nil if there is nothing to write. A
// save with an invalid row is refused when it is written.
func (l *Log) NewSave(ctx context.Context, rows []models.Model) (*Save, error) {
	if err := ctx.Err(); err != nil || len(rows) == 0 {
		return nil, err
	}
	if err := l.MayWrite(); err != nil {
		return nil, err
	}
	s := &Save{ctx: ctx, at: l.Now(), start: time.Now(), done: make(chan struct{})}
	for _, m := range rows {
		r := record{Record: schema.RecordOf(m)}
		r.given = *r.ID() != 0
		if n := len(s.parts); n > 0 && s.parts[n-1][0].Table == r.Table {
			s.parts[n-1] = append(s.parts[n-1], r)
		} else {
			s.parts = append(s.parts, []record{r})
		}
	}
	for _, part := range s.parts {
		if err := l.fill(s, part); err != nil {
			l.refuse(s, refusalOf(part, err))
			break
		}
	}
	return s, nil
}

func (l *Log) fill(s *Save, part []record) error {
	if part[0].Table != auditLog {
		if err := CheckContext(s.ctx); err != nil {
			return err
		}
	}
	for i, r := range part {
		if err := l.Fill(r.Record, s.at, r.Model.Validate); err != nil {
			return RowError(i, len(part), err)
		}
	}
	return nil
}

// Fill fills empty fields of a model, validates it and redacts secrets, before any SQL.
func (l *Log) Fill(r schema.Record, at time.Time, validate func() error) error {
	r.Prepare(at)
	if err := validate(); err != nil {
		return err
	}
	l.Redact.Record(r)
	return nil
}

// RowError says in which of several rows an error is.
func RowError(i, rows int, err error) error {
	if rows == 1 {
		return err
	}
	return fmt.Errorf("row %d of %d: %w", i+1, rows, err)
}

// Statement returns an INSERT of the save's rows, which are those of one table, and its
// arguments; nothing if a row is invalid, since the rows may then still have secrets.
func (s *Save) Statement(d *dialect.Dialect) (query string, args []any) {
	if s.err != nil {
		return "", nil
	}
	part := s.parts[0]
	rows := make([]schema.Row, len(part))
	for i, r := range part {
		rows[i] = r.Row()
	}
	stmt := insertion{d, part[0].Table, len(part), part[0].given, !part[0].given}
	return stmt.build(), stmt.args(rows)
}

// WriteIn writes s in a transaction. If it is refused, the caller undoes it and leaves the
// failed entry.
func (l *Log) WriteIn(pool gorm.ConnPool, s *Save) error {
	if s.err == nil {
		if err := l.write(s.ctx, pool, []*Save{s}); err != nil {
			l.fail(s, err)
		}
	}
	return s.err
}

// write inserts the rows of the saves, their entries and the memory of their agents.
func (l *Log) write(ctx context.Context, pool gorm.ConnPool, saves []*Save) error {
	if err := l.insertRows(ctx, pool, saves); err != nil {
		return err
	}
	owed := pending{log: l, pool: pool}
	for _, s := range saves {
		took := time.Since(s.start)
		for _, part := range s.parts {
			for i := range part {
				if err := owed.created(s, &part[i], took); err != nil {
					return l.translate(err)
				}
			}
		}
	}
	err := owed.write(ctx)
	if err != nil && len(saves) == 1 {
		err = refusalOf(saves[0].parts[0], l.translate(err))
	}
	return err
}

// created adds what a new row must write.
func (p *pending) created(s *Save, r *record, took time.Duration) error {
	if r.Table == auditLog { // an entry of the caller's own describes itself
		p.entries = append(p.entries, Entry{r.Row(), r.ID()})
		return nil
	}
	if len(s.parts) > 1 && r.Table.NaturalKey == "execution_id" {
		p.learn(r.Table.Text(r.row, "execution_id"), r.Table.Text(r.row, "agent_id"))
	}
	return p.add(s.ctx, Change{Table: r.Table, Action: Create, New: r.row}, event{at: s.at, took: took})
}

// insertRows inserts the rows of all saves, table by table, parents before children. Rows of
// audit_log are inserted later, with the other entries.
func (l *Log) insertRows(ctx context.Context, pool gorm.ConnPool, saves []*Save) error {
	for _, table := range schema.Models() {
		if table == auditLog {
			continue
		}
		var records []*record
		for _, s := range saves {
			for _, part := range s.parts {
				for i := range part {
					if part[i].Table == table {
						records = append(records, &part[i])
					}
				}
			}
		}
		if len(records) == 0 {
			continue
		}
		if err := l.insertRecords(ctx, pool, table, records); err != nil {
			return err
		}
	}
	return nil
}

func (l *Log) insertRecords(ctx context.Context, pool gorm.ConnPool, table *schema.Table, records []*record) error {
	rows, last := make([]schema.Row, len(records)), int64(0)
	for i, r := range records {
		r.row = r.Row()
		rows[i], last = r.row, max(last, *r.ID())
	}
	err := l.insert(ctx, pool, table, rows, func(i int, id int64) {
		*records[i].ID(), rows[i][0] = id, id
		last = max(last, id)
	})
	if err != nil {
		refused := make([]schema.Record, len(records))
		for i, r := range records {
			refused[i] = r.Record
		}
		return &refusal{refused, l.translate(err)}
	}
	if l.Inserted != nil {
		l.Inserted(ctx, pool, table.Name, last)
	}
	return nil
}

// refusal is an error, and the rows of which one caused it.
type refusal struct {
	records []schema.Record
	error
}

// refusalOf returns the refusal of a part.
func refusalOf(part []record, err error) *refusal {
	records := make([]schema.Record, len(part))
	for i, r := range part {
		records[i] = r.Record
	}
	return &refusal{records, err}
}

func (r *refusal) Unwrap() error { return r.error }

// fail sets the error of the save and takes back the ids that it gave.
func (l *Log) fail(s *Save, err error) {
	var cause *refusal
	if errors.As(err, &cause) {
		err = cause.error
	}
	s.err = l.ended(err, s.ctx)
	for _, part := range s.parts {
		for _, r := range part {
			if !r.given {
				*r.ID() = 0
			}
		}
	}
}

// refuse sets the error of the save, and the failed entry that it leaves.
func (l *Log) refuse(s *Save, err error) {
	l.fail(s, err)
	var cause *refusal
	if !errors.As(err, &cause) {
		return
	}
	e := l.Refused(s.ctx, Refusal{
		Table: cause.records[0].Table, Action: Create, Records: cause.records, At: s.at, Start: s.start, Err: s.err,
	})
	s.failed = &e
}

// Refusal is a write that was refused.
type Refusal struct {
	Table   *schema.Table
	Action  Action
	Records []schema.Record                 // the models to be written; nil if unknown
	Given   func(column string) (any, bool) // the values of a map to be written; nil for none
	At      time.Time
	Start   time.Time
	Err     error
}

// Refused returns the failed entry of a refusal. It completes the error with facts that the
// database did not state: SQLite does not name the foreign key, PostgreSQL not the column of
// a value out of range, and neither the value that a CHECK rejected.
func (l *Log) Refused(ctx context.Context, r Refusal) Entry {
	c := Change{Table: r.Table, Action: r.Action}
	agent := scope.Actor(ctx)
	if len(r.Records) > 0 && agent == "" {
		agent = r.Records[0].Agent()
	}
	if len(r.Records) == 1 {
		c.New = r.Records[0].Row()
	}
	r.complete(c.New)
	ev := event{agent: orSystem(agent), at: r.At, took: time.Since(r.Start), execution: refuse.CleanKey(scope.Execution(ctx))}
	message := l.Redact.Text(refuse.Clean(r.Err.Error()))
	document, err := contextJSON(c, ev.execution, l.Redact, "")
	if err != nil {
		document = "{}"
	}
	return newEntry(ev, r.Table.Name+"."+string(r.Action), models.AuditFailed, message, document)
}

// complete adds the table, column and value to the error. row is nil unless it was one.
func (r Refusal) complete(row schema.Row) {
	var e *models.Error
	if !errors.As(r.Err, &e) {
		return
	}
	if e.Table == "" {
		switch {
		case errors.Is(e.Kind, models.ErrInvalid):
			e.Table = r.Table.Name
		case errors.Is(e.Kind, models.ErrForeignKey):
			e.Table, e.Column = r.Table.Name, r.Table.NaturalKey
			if parent := r.Table.Parent; parent.Column != "" {
				e.Column, e.Constraint, e.Reason = parent.Column, parent.Constraint, "the row names a parent that does not exist"
			}
		}
	}
	if e.Value != nil || e.Table != r.Table.Name {
		return
	}
	if r.Given != nil {
		if v, ok := r.Given(e.Column); ok {
			e.Value = v
			return
		}
	}
	if i := r.Table.Index(e.Column); i >= 0 && row != nil {
		e.Value = row[i]
	}
}

// WriteFailed writes failed entries outside of any transaction. They report errors and must
// not hide them, so an error here only reaches the logger.
func (l *Log) WriteFailed(ctx context.Context, pool gorm.ConnPool, failed ...Entry) {
	for _, e := range failed {
		if err := l.insertEntries(ctx, pool, []Entry{e}); err != nil && !errors.Is(err, sql.ErrConnDone) {
			l.log.Error(ctx, "tier2: a failed audit entry could not be written: %v", err)
		}
	}
}
