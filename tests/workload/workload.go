// Package workload provides workers that use every feature of a store and record in
// journals which steps they start and which were acknowledged. Check compares a database
// with the journals: each acknowledged step is stored completely, with its audit entries,
// and counted in memory once; each other step is stored completely or not at all. Tests kill
// such workers, and the soak runs them for a long time.
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

// Worker runs steps one after the other on its own store.
type Worker struct {
	// Open opens the store; one kind of step closes and reopens it.
	Open func(ctx context.Context) (*tier2.Store, error)
	// Life names the worker. It is unique among all workers of the database and contains no
	// dot.
	Life    string
	Journal *Journal
	Rand    *rand.Rand
	// Reads makes the worker read as well, and compare the results with its own steps.
	Reads bool
	// Steps is the number of steps; 0 means until the context ends.
	Steps int

	store *tier2.Store
	n     int      // the current step
	own   []string // the last few hundred acknowledged receipts
	reads int64
}

// Shared is the id of the session in which all workers count their transactions. Start
// creates it.
const Shared = "shared"

// Start prepares a database for workers.
func Start(ctx context.Context, dsn string, opts ...tier2.Option) error {
	store, err := tier2.Open(ctx, dsn, opts...)
	if err != nil {
		return err
	}
	err = store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: Shared, AgentCount: agents})
	return errors.Join(err, store.Close())
}

// agents is the number of agents for which the workers save. It is small, so that workers
// update the same memories.
const agents = 5

// Run runs the steps. It returns nil when all steps are done or ctx ends, and an error if
// the journal cannot be written. Errors of the store go into the journal.
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
		// A running step ignores the end of ctx, which would leave its outcome unknown.
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

// id returns an id that names the current step.
func (w *Worker) id() string { return fmt.Sprintf("%s.%d", w.Life, w.n) }

// pick returns a random kind by weight, or the first kind if there is no receipt to update.
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

// receipt returns a receipt of an agent that all workers share.
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

// remember records the id of a receipt for later updates and reads.
func (w *Worker) remember(id string) {
	const kept = 200
	if len(w.own) < kept {
		w.own = append(w.own, id)
		return
	}
	w.own[w.Rand.IntN(kept)] = id
}

// read runs one of several reads, on the reading connections.
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
