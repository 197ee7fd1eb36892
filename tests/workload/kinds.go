package workload

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// kind is a kind of step.
type kind struct {
	name   string
	weight int // its frequency, relative to the other kinds
	// commits is how many audit entries the step has written after each of its
	// commits; the last commit acknowledges the step.
	commits []uint8
	do      func(ctx context.Context, w *Worker, id string) error
}

// by is the prefix of the environment of a receipt that a step has changed, so that the
// audit entry names the step.
const by = "by:"

var kinds = []kind{
	{"create", 8, []uint8{4}, func(ctx context.Context, w *Worker, id string) error {
		r := w.receipt(id)
		r.Metrics = []models.PipelineMetric{metric(models.StageNormalize), metric(models.StageEmit)}
		r.Violations = []models.SLOViolation{{Metric: repository.MetricFirstBuild, TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning}}
		err := w.store.Receipts.Create(ctx, r)
		if err == nil {
			w.remember(id)
		}
		return err
	}},
	{"batch", 2, []uint8{2 * batch}, func(ctx context.Context, w *Worker, id string) error {
		rows := make([]*models.Receipt, batch)
		for i := range rows {
			rows[i] = w.receipt(fmt.Sprintf("%s.%d", id, i))
			rows[i].Metrics = []models.PipelineMetric{metric(models.StageReceipt)}
		}
		return w.store.Receipts.CreateBatch(ctx, rows)
	}},
	{"update", 4, []uint8{1}, func(ctx context.Context, w *Worker, id string) error {
		target := w.own[w.Rand.IntN(len(w.own))]
		return w.store.DB().WithContext(ctx).Model(&models.Receipt{}).Where("execution_id = ?", target).Update("environment", by+id).Error
	}},
	{"upsert", 2, []uint8{1, 2, 3}, func(ctx context.Context, w *Worker, id string) error {
		r := w.receipt(id)
		if err := w.store.Receipts.Upsert(ctx, r); err != nil {
			return err
		}
		r.DurationMS++
		if err := w.store.Receipts.Upsert(ctx, r); err != nil {
			return err
		}
		return w.store.Receipts.Delete(ctx, id)
	}},
	{"transaction", 4, []uint8{3}, func(ctx context.Context, w *Worker, id string) error {
		for {
			err := w.store.Transaction(ctx, func(tx *tier2.Store) error { return transaction(ctx, w, tx, id) })
			if !errors.Is(err, models.ErrRetry) {
				return err
			}
		}
	}},
	{"children", 2, []uint8{1, 2, 4}, func(ctx context.Context, w *Worker, id string) error {
		if err := w.store.Receipts.Create(ctx, w.receipt(id)); err != nil {
			return err
		}
		m := metric(models.StageExtract)
		m.ExecutionID = id
		if err := w.store.Metrics.Record(ctx, &m); err != nil {
			return err
		}
		_, err := w.store.Violations.Check(ctx, id, repository.DefaultTargets(), map[string]float64{
			repository.MetricFirstBuild: 20, repository.MetricCLIScaffolding: 7,
		})
		return err
	}},
	{"execution", 2, []uint8{1, 5}, func(ctx context.Context, w *Worker, id string) error {
		e, err := w.store.Executions.Begin(ctx, "agent-0", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: id})
		if err != nil {
			return err
		}
		for _, stage := range models.Stages()[:2] {
			if err := e.Stage(ctx, stage, func(context.Context, *repository.StageResult) error { return nil }); err != nil {
				return err
			}
		}
		_, err = e.Finish(ctx, repository.Outcome{})
		return err
	}},
	{"session", 2, []uint8{1, 2, 3}, func(ctx context.Context, w *Worker, id string) error {
		if err := w.store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: id, AgentCount: 2}); err != nil {
			return err
		}
		err := w.store.Collisions.Report(ctx, &models.Collision{
			SessionID: id, AgentID1: "agent-0", AgentID2: "agent-1", CollisionType: models.FileConflict,
			Description: "both wrote main.rs", Severity: models.SeverityWarning,
		})
		if err != nil {
			return err
		}
		_, err = w.store.Sessions.Finish(ctx, id)
		return err
	}},
	{"memory", 2, []uint8{0}, func(ctx context.Context, w *Worker, id string) error {
		return w.store.Memory.Merge(ctx, memoryOf(w.Life), models.JSON(fmt.Sprintf(`{"last":%d}`, w.n)))
	}},
	{"maintain", 1, []uint8{0}, func(ctx context.Context, w *Worker, _ string) error {
		if w.Rand.IntN(20) > 0 {
			return nil
		}
		return w.store.Maintain(ctx)
	}},
	{"reopen", 1, []uint8{0}, func(ctx context.Context, w *Worker, _ string) error {
		if w.Rand.IntN(4) > 0 {
			return nil
		}
		store, err := w.Open(ctx)
		if err != nil {
			return err
		}
		err = w.store.Close()
		w.store = store
		return err
	}},
}

const batch = 10

var weights = func() (sum int) {
	for _, k := range kinds {
		sum += k.weight
	}
	return sum
}()

func kindNamed(name string) (uint8, bool) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	return uint8(i), i >= 0
}

// transaction creates a receipt, records it in the audit log and counts it in the shared
// session.
func transaction(ctx context.Context, w *Worker, tx *tier2.Store, id string) error {
	r := w.receipt(id)
	r.Metrics = []models.PipelineMetric{metric(models.StageCanonicalize)}
	if err := tx.Receipts.Create(ctx, r); err != nil {
		return err
	}
	note := &models.AuditEntry{
		AgentID: r.AgentID, Operation: "note", Status: models.AuditCompleted,
		ContextJSON: models.JSON(fmt.Sprintf(`{"execution_id":%q}`, id)),
	}
	if err := tx.Audit.Record(ctx, note); err != nil {
		return err
	}
	return tx.Sessions.AddOutcome(ctx, Shared, 1, 0)
}

func metric(stage models.Stage) models.PipelineMetric {
	return models.PipelineMetric{Stage: stage, Status: models.StagePassed, DurationMS: 1}
}

// memoryOf returns the agent whose memory belongs to one life.
func memoryOf(life string) string { return "memory-" + life }
