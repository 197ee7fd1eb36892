// Package workload is a mix of everything that a store does, done by workers that
// write down what they try and what was acknowledged, and a check that the database
// holds that and nothing else: each acknowledged step whole, with its audit entries and
// counted in memory once; each other step whole or not at all. Tests kill such workers,
// and the soak runs them for long.
package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Worker does steps, one after the other, against a store of its own.
type Worker struct {
	// Open opens the store; a step closes it and opens it again.
	Open func(ctx context.Context) (*tier2.Store, error)
	// Life names the worker. No other, before or after, may have the same, nor may it
	// contain a dot.
	Life    string
	Journal *Journal
	Rand    *rand.Rand
	// Reads makes it read as well, and compare with what it knows.
	Reads bool
	// Steps is after how many it ends; 0: when the context does.
	Steps int

	store *tier2.Store
	n     int      // the step at work
	own   []string // receipts that were acknowledged; the last some hundred
	reads int64
}

// Shared is the id of the session that all workers count their transactions in. It must
// be started before them.
const Shared = "shared"

// Start opens a database for workers.
func Start(ctx context.Context, dsn string, opts ...tier2.Option) error {
	store, err := tier2.Open(ctx, dsn, opts...)
	if err != nil {
		return err
	}
	err = store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: Shared, AgentCount: agents})
	return errors.Join(err, store.Close())
}

// agents is among how many agents the workers share their saves, so that they meet in
// the memories.
const agents = 5

// Run does steps until there are enough, ctx ends, which is no error, or the journal
// cannot be written.
// What the store refuses goes into the journal.
func (w *Worker) Run(ctx context.Context) (err error) {
	if w.store, err = w.Open(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.store.Close()) }()
	for ctx.Err() == nil && (w.Steps == 0 || w.n < w.Steps) {
		k := w.pick()
		if err := w.Journal.write(wordTry, kinds[k].name); err != nil {
			return err
		}
		// A step that has begun goes on when ctx ends: what it did would be unknown.
		word, detail := wordDone, error(nil)
		if failed := kinds[k].do(context.WithoutCancel(ctx), w, w.id()); failed != nil {
			word, detail = wordErr, failed
		}
		if err := w.Journal.write(word, detail); err != nil {
			return err
		}
		w.n++
		if !w.Reads {
			continue
		}
		if err := w.read(ctx); err != nil && ctx.Err() == nil {
			return fmt.Errorf("read: %w", err)
		}
	}
	return w.Journal.write(wordRead, w.reads)
}

// id names the step at work.
func (w *Worker) id() string { return fmt.Sprintf("%s.%d", w.Life, w.n) }

// pick chooses a kind by weight; the first when there is nothing yet to be updated.
func (w *Worker) pick() uint8 {
	if len(w.own) == 0 {
		return 0
	}
	at := w.Rand.IntN(weights)
	for i, k := range kinds {
		if at -= k.weight; at < 0 {
			return uint8(i)
		}
	}
	return 0
}

// receipt is one of an agent of all workers.
func (w *Worker) receipt(id string) *models.Receipt {
	r := &models.Receipt{
		ExecutionID: id, AgentID: fmt.Sprint("agent-", w.Rand.IntN(agents)), Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, DurationMS: w.Rand.Int64N(1000), ReceiptJSON: models.JSON(fmt.Sprintf(`{"execution_id":%q}`, id)),
	}
	if w.Rand.IntN(10) == 0 {
		r.Status, r.ErrorMessage = models.ReceiptFailed, "template not found"
	}
	return r
}

// remember keeps the id of a receipt that updates and reads may use.
func (w *Worker) remember(id string) {
	const kept = 200
	if len(w.own) < kept {
		w.own = append(w.own, id)
		return
	}
	w.own[w.Rand.IntN(kept)] = id
}

// read is one of several reads, through the readers' connections.
func (w *Worker) read(ctx context.Context) error {
	s := w.store
	err := func() error {
		switch w.Rand.IntN(8) {
		case 0, 1, 2:
			if len(w.own) == 0 {
				return nil
			}
			id := w.own[w.Rand.IntN(len(w.own))]
			r, err := s.Receipts.Get(ctx, id)
			if err == nil && r.ExecutionID != id {
				err = fmt.Errorf("asked for %s, got %s", id, r.ExecutionID)
			}
			return err
		case 3:
			_, _, err := s.Receipts.List(ctx, repository.ReceiptFilter{AgentID: "agent-1"})
			return err
		case 4:
			_, err := s.Sessions.Get(ctx, Shared)
			return err
		case 5:
			_, err := s.Reports.AgentPerformance(ctx)
			return err
		case 6:
			_, err := s.Reports.StagePerformance(ctx)
			return err
		default:
			if len(w.own) == 0 {
				return nil
			}
			_, err := s.Metrics.ByExecution(ctx, w.own[w.Rand.IntN(len(w.own))])
			return err
		}
	}()
	if err == nil {
		w.reads++
	}
	return err
}
