package hooks

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Writer creates rows of the models, with the audit entries and the memory that the
// plugin would write, by constant SQL instead of GORM's: no callbacks of GORM run.
//
// It commits in groups: goroutines that save while a transaction is being committed
// share the next one. Each has its own outcome, and a nil error means committed. A
// goroutine that is alone waits for nobody.
type Writer struct {
	plugin    *Plugin
	pool      *sql.DB
	log       logger.Interface
	translate func(error) error
	explain   func(query string, args ...any) string
	busy      time.Duration
	group     group
}

// NewWriter is a Writer on the database of db, where a Plugin must be installed.
// At most leaders shared transactions run at once; an engine with one writer needs one.
// busy is how long the connections of db wait for another's lock.
func NewWriter(db *gorm.DB, leaders int, busy time.Duration) (*Writer, error) {
	plugin, ok := db.Plugins[(*Plugin)(nil).Name()].(*Plugin)
	if !ok {
		return nil, errors.New("tier2 hooks: the plugin is not installed")
	}
	pool, err := db.DB()
	if err != nil {
		return nil, err
	}
	w := &Writer{plugin: plugin, pool: pool, log: db.Logger, explain: db.Dialector.Explain, busy: busy, translate: translator(db)}
	w.group.leaders = make(chan struct{}, leaders)
	return w, nil
}

// Create writes new rows, all or none, parents before children, and gives them their
// ids. If db is in a transaction it is part of that, and a refused write takes back
// only its own part; else it is grouped. Rows whose id is set are left to GORM.
//
// The error of a row that was refused is a *models.Error, as GORM's would be, and
// leaves one failed entry. When ctx ends before the rows are being written, they are
// not, and its error is returned.
func (w *Writer) Create(ctx context.Context, db *gorm.DB, rows ...models.Model) error {
	if slices.ContainsFunc(rows, func(m models.Model) bool { return *identity(m) != 0 }) {
		return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
			for _, m := range rows {
				if err := tx.Omit(clause.Associations).Create(m).Error; err != nil {
					return err
				}
			}
			return nil
		})
	}
	s, err := w.prepare(ctx, rows)
	if s == nil {
		return err
	}
	if _, ok := db.Statement.ConnPool.(gorm.TxCommitter); ok {
		return w.join(db.Statement.ConnPool, s)
	}
	if err := w.group.join(ctx, s, w.lead); !s.alone {
		return err
	}
	return w.saveAlone(s)
}

// join writes s in a caller's transaction.
func (w *Writer) join(pool gorm.ConnPool, s *save) error {
	if s.err == nil {
		if err := w.saveIn(w.wrap(pool), s); err != nil {
			return err
		}
	}
	if t := currentTx(pool); t != nil && s.failed != nil {
		t.failures = append(t.failures, *s.failed)
	}
	return s.err
}

// save is one call of Create.
type save struct {
	ctx    context.Context
	redact *redactor
	at     time.Time
	start  time.Time
	parts  [][]models.Model // by table, in order
	err    error
	failed *entry        // what a refusal leaves
	alone  bool          // the transaction that it shared was refused; not for its sake, maybe
	done   chan struct{} // closed when err is final, or alone is set
}

// prepare fills and validates the rows. A refused save has its err set already.
func (w *Writer) prepare(ctx context.Context, rows []models.Model) (*save, error) {
	if err := ctx.Err(); err != nil || len(rows) == 0 {
		return nil, err
	}
	if err := w.plugin.mayWrite(); err != nil {
		return nil, err
	}
	s := &save{ctx: ctx, redact: &w.plugin.redact, at: w.plugin.now(), start: time.Now(), done: make(chan struct{})}
	for start, i := 0, 1; i <= len(rows); i++ {
		if i == len(rows) || rows[i].TableName() != rows[start].TableName() {
			s.parts = append(s.parts, rows[start:i:i])
			start = i
		}
	}
	for _, part := range s.parts {
		if err := checkContext(ctx); err != nil && part[0].TableName() != "audit_log" {
			s.refuse(&refusal{part, err})
			return s, nil
		}
		for i, m := range part {
			schema.Prepare(m, s.at)
			if err := m.Validate(); err != nil {
				if len(part) > 1 {
					err = fmt.Errorf("row %d of %d: %w", i+1, len(part), err)
				}
				s.refuse(&refusal{part, err})
				return s, nil
			}
			w.plugin.redact.model(m)
		}
	}
	return s, nil
}

// refusal is an error, and the rows of which one caused it.
type refusal struct {
	rows []models.Model
	error
}

func (r *refusal) Unwrap() error { return r.error }

// fail sets the error of the save. The rows lose ids that were not kept.
func (s *save) fail(err error) {
	s.err = s.because(err)
	for _, part := range s.parts {
		for _, m := range part {
			*identity(m) = 0
		}
	}
}

// because names the end of the context as the reason why a connection is gone: pgx
// closes the one whose statement a context ended, and the next may only find that.
func (s *save) because(err error) error {
	if ended := s.ctx.Err(); ended != nil && errors.Is(err, models.ErrUnavailable) && !errors.Is(err, ended) {
		return errors.Join(ended, err)
	}
	return err
}

// refuse sets the error of the save, and the failed entry that it leaves.
func (s *save) refuse(err error) {
	s.fail(err)
	var cause *refusal
	if !errors.As(err, &cause) {
		return
	}
	s.err = s.because(cause.error)
	table, r := cause.rows[0].TableName(), row{}
	agent := Actor(s.ctx)
	if agent == "" {
		agent = schema.RecordOf(cause.rows[0]).Agent()
	}
	if len(cause.rows) == 1 {
		r = rowOf(cause.rows[0])
		blame(s.err, table, naturalKeys[table])
		nameValue(s.err, table, r)
	}
	c := change{action: actionCreate, new: r, execution: Execution(s.ctx)}
	e := failedEntry(table, orSystem(agent), s.at, time.Since(s.start), c, s.err, s.redact)
	s.failed = &e
}

// insert writes the rows of the saves, what each owes, and the memory of their agents.
func (w *Writer) insert(ctx context.Context, pool gorm.ConnPool, saves []*save) error {
	d := w.plugin.dialect
	kept := map[models.Model][]any{}
	if err := w.insertParts(ctx, pool, saves, kept); err != nil {
		return err
	}
	owed := debt{redact: &w.plugin.redact}
	agents := agentFinder{pool: pool, dialect: d}
	for _, s := range saves {
		took := time.Since(s.start)
		for _, part := range s.parts {
			for _, m := range part {
				if own, ok := m.(*models.AuditEntry); ok {
					owed.entries = append(owed.entries, entryOf(own))
					continue
				}
				c := createdModel(m)
				c.values, c.execution = kept[m], Execution(s.ctx)
				if len(s.parts) > 1 {
					agents.learn(c.new)
				}
				agent, err := agents.of(s.ctx, c.new)
				if err != nil {
					return w.translate(err)
				}
				if err := owed.add(m.TableName(), agent, s.at, took, c); err != nil {
					return err
				}
			}
		}
	}
	err := owed.pay(ctx, pool, d)
	if err != nil && len(saves) == 1 {
		err = &refusal{saves[0].parts[0], w.translate(err)}
	}
	return err
}

// insertOrder are the tables with the parents before their children; audit_log is
// written with what the rows owe.
var insertOrder = []string{"receipts", "workflow_sessions", "agent_memory", "pipeline_metrics", "slo_violations", "collision_detection"}

// insertParts inserts the rows of all saves, table by table.
func (w *Writer) insertParts(ctx context.Context, pool gorm.ConnPool, saves []*save, kept map[models.Model][]any) error {
	for _, table := range insertOrder {
		var rows []models.Model
		for _, s := range saves {
			for _, part := range s.parts {
				switch {
				case part[0].TableName() != table:
				case rows == nil:
					rows = part
				default:
					rows = append(rows, part...)
				}
			}
		}
		if len(rows) == 0 {
			continue
		}
		if err := w.plugin.dialect.insertRows(ctx, pool, rows, kept); err != nil {
			return &refusal{rows, w.translate(err)}
		}
		w.plugin.created(ctx, pool, table, *identity(rows[len(rows)-1]))
	}
	return nil
}
