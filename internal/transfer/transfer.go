// Package transfer copies all rows from one database, or a dump of one, to another, of
// the same or the other engine, as they are: ids and times are kept, and nothing is
// audited. Memory stays constant, whatever the size.
package transfer

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// A batch ends at as many rows or bytes of text, and is one transaction of the target.
const (
	batchRows  = 1000
	batchBytes = 4 << 20
)

// Table is what became of a table.
type Table struct {
	Name     string `json:"table"`
	Source   Digest `json:"source"`
	Target   Digest `json:"target"`
	Inserted int64  `json:"inserted"` // rows that the target did not have
	Updated  int64  `json:"updated"`  // rows that it had as they were at an earlier copy
	Equal    bool   `json:"equal"`    // whether both sides hold the same
}

// Report is what a copy did, table by table.
type Report struct {
	Tables []Table `json:"tables"`
	Equal  bool    `json:"equal"` // whether every table is
}

// Progress is how far a step has come, in rows of all tables.
type Progress struct {
	Step  string // checking, copying, comparing; of files also reading and exporting
	Table string
	Rows  int64
	Total int64 // of the source
}

// Source is what is copied.
type Source interface {
	// Count is the number of a table's rows.
	Count(ctx context.Context, table *schema.Table) (int64, error)
	// All is a table's rows in order of its key, each time the same.
	All(ctx context.Context, table *schema.Table) iter.Seq2[schema.Row, error]
	// Close ends it.
	Close() error
}

// Database is the Source of one state of a database, which must be another than to.
func Database(ctx context.Context, from, to backend.Bulk) (Source, error) {
	same, err := from.Same(ctx, to)
	if err == nil && same {
		err = &models.Error{Kind: models.ErrInvalid, Reason: "source and target are the same database"}
	}
	if err != nil {
		return nil, err
	}
	snapshot, err := from.Snapshot(ctx)
	return state{snapshot}, err
}

// state implements Source.
type state struct{ backend.Snapshot }

// All implements Source.
func (s state) All(ctx context.Context, table *schema.Table) iter.Seq2[schema.Row, error] {
	return s.Rows(ctx, table, nil, nil)
}

// transfer is one run.
type transfer struct {
	from     Source
	to       backend.Bulk
	tables   []schema.Table
	progress func(Progress)
	state    Progress
	// others: the target may hold rows that the source does not have, and those that it
	// has in another form are refused.
	others bool
	log    *schema.Table // of others: the tree of the audit log
	last   []any         // of others: the key of the last row
}

// Run copies the rows of tables, parents before children, from a source, which it
// closes, to another database. First it looks whether the target holds nothing but
// rows of the source, and refuses it with models.ErrConflict otherwise, unchanged.
// Then it adds what is missing and updates what differs, in batches, each a
// transaction; so whatever ends it, running it again does the rest. At the end it
// compares both sides; a difference is models.ErrConflict too, with the report.
func Run(ctx context.Context, tables []schema.Table, source Source, to backend.Bulk, progress func(Progress)) (*Report, error) {
	defer source.Close()
	t := &transfer{from: source, to: to, tables: tables, progress: progress}
	report, err := t.run(ctx)
	if err != nil {
		return nil, err
	}
	if err := source.Close(); err != nil {
		return nil, err
	}
	if err := t.compare(ctx, report); err != nil {
		return nil, err
	}
	return report, report.difference()
}

// Interrupted is err, which ended with the context, as callers get it: with what to do.
func Interrupted(ctx context.Context, doing string, err error) error {
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%s: %w; what was done stays, and doing it again does the rest", doing, ctx.Err())
	}
	return err
}

// run checks and copies.
func (t *transfer) run(ctx context.Context) (*Report, error) {
	for i := range t.tables {
		n, err := t.from.Count(ctx, &t.tables[i])
		if err != nil {
			return nil, err
		}
		t.state.Total += n
	}
	if err := t.check(ctx); err != nil {
		return nil, err
	}
	if err := t.reserve(ctx); err != nil {
		return nil, err
	}
	report := &Report{Tables: make([]Table, len(t.tables)), Equal: true}
	t.begin("copying")
	for i := range t.tables {
		report.Tables[i].Name = t.tables[i].Name
		if err := t.copy(ctx, &t.tables[i], &report.Tables[i]); err != nil {
			return nil, err
		}
	}
	return report, nil
}

// difference names the tables that are not equal.
func (r *Report) difference() error {
	var errs []error
	for _, table := range r.Tables {
		if !table.Equal {
			errs = append(errs, &models.Error{
				Table: table.Name, Kind: models.ErrConflict,
				Reason: "the target differs from the source after the copy; was it written meanwhile?",
			})
		}
	}
	return errors.Join(errs...)
}

func (t *transfer) begin(step string) { t.state.Step, t.state.Rows = step, 0 }

// advance reports rows of a table as done.
func (t *transfer) advance(table *schema.Table, rows int) {
	t.state.Table = table.Name
	t.state.Rows += int64(rows)
	if t.progress != nil {
		t.progress(t.state)
	}
}

// check refuses a target that holds other rows than the source's.
func (t *transfer) check(ctx context.Context) error {
	target, err := t.to.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer target.Close()
	t.begin("checking")
	for i := range t.tables {
		if err := t.checkTable(ctx, &t.tables[i], target); err != nil {
			return err
		}
	}
	return nil
}

func (t *transfer) checkTable(ctx context.Context, table *schema.Table, target backend.Snapshot) error {
	left, err := target.Count(ctx, table)
	if err != nil || left == 0 {
		return err
	}
	var after []any
	for batch, err := range batches(t.from.All(ctx, table)) {
		if err != nil {
			return err
		}
		upTo := table.KeyOf(batch[len(batch)-1])
		found, err := t.match(ctx, table, batch, target, after, upTo)
		if err != nil {
			return err
		}
		after = upTo
		t.advance(table, len(batch))
		if left -= found.rows; left == 0 {
			return nil
		}
	}
	_, err = t.match(ctx, table, nil, target, after, nil)
	return err
}

// compare reads the target again, in one state, and completes the report.
func (t *transfer) compare(ctx context.Context, report *Report) error {
	target, err := t.to.Snapshot(ctx)
	if err != nil {
		return err
	}
	defer target.Close()
	t.begin("comparing")
	for i := range t.tables {
		table, result, digest := &t.tables[i], &report.Tables[i], NewDigester()
		for batch, err := range batches(target.Rows(ctx, table, nil, nil)) {
			if err != nil {
				return err
			}
			for _, row := range batch {
				digest.Add(table, row)
			}
			t.advance(table, len(batch))
		}
		result.Target = digest.Sum()
		result.Equal = result.Source == result.Target
		report.Equal = report.Equal && result.Equal
	}
	return nil
}
