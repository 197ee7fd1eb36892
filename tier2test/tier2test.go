// Package tier2test helps to test programs that use tier2. It opens a fresh store with a fixed
// clock for each test, and builds valid rows.
//
//	store := tier2test.Open(t)
//	tier2test.Save(t, store, tier2test.Receipt("build-1"), tier2test.PipelineMetric("build-1"))
//	report, err := yours.Summary(t.Context(), store)
//
// Each run of a test writes the same bytes: the caller chooses the ids, and the clock the
// times. The exceptions are durations of statements in the audit log, and generated ids.
package tier2test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Open opens a new database in a file in tb.TempDir, and closes it when the test ends. Each
// call returns a separate database, so tests may run in parallel. As in production, and unlike
// in memory, readers do not wait for transactions.
//
// The clock is a fixed Clock, unless opts include tier2.WithClock. On any error Open calls
// tb.Fatalf.
func Open(tb testing.TB, opts ...tier2.Option) *tier2.Store {
	tb.Helper()
	return open(tb, filepath.Join(tb.TempDir(), "tier2.db"), opts)
}

// PostgresEnv names the environment variable with the URL of a PostgreSQL database in
// which tests may create schemas, such as postgres://postgres@127.0.0.1:5432/test. A
// TestMain that starts a server should set it.
const PostgresEnv = pgtest.Env

// OpenPostgres opens a store in a new schema of PostgreSQL, which is dropped when the test
// ends. The options are those of Open. If PostgresEnv is unset, the test is skipped.
func OpenPostgres(tb testing.TB, opts ...tier2.Option) *tier2.Store {
	tb.Helper()
	return open(tb, PostgresDSN(tb), opts)
}

// PostgresDSN creates an empty schema, which is dropped when the test ends, and returns its
// URL for tier2.Open, for tests that open a store more than once. Commits do not wait for the
// disk (synchronous_commit is off). If PostgresEnv is unset, the test is skipped.
func PostgresDSN(tb testing.TB) string {
	tb.Helper()
	return pgtest.DSN(tb)
}

// open opens a store for tb, with a fixed clock unless opts include another one.
func open(tb testing.TB, dsn string, opts []tier2.Option) *tier2.Store {
	tb.Helper()
	clock := tier2.WithClock(new(Clock).Now)
	store, err := tier2.Open(context.Background(), dsn, slices.Insert(slices.Clone(opts), 0, clock)...)
	if err != nil {
		tb.Fatalf("tier2test: %v", err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Errorf("tier2test: close the store: %v", err)
		}
	})
	return store
}

// Clock is a clock that only the test advances. The zero value shows 2026-01-01 12:00:00 UTC.
// It is safe for concurrent use.
//
//	clock := new(tier2test.Clock)
//	store := tier2test.Open(t, tier2.WithClock(clock.Now))
type Clock struct {
	// Step is added to the clock by each call of Now, so that no two rows have the same
	// time. The times of rows are reproducible if only one goroutine writes.
	Step time.Duration

	mu     sync.Mutex
	passed time.Duration // since the first time
}

// Now returns the time of the clock, and then adds Step to it.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC).Add(c.passed)
	c.passed += c.Step
	return now
}

// Advance adds d to the clock. d may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.passed += d
}

// Receipt returns a valid receipt of the agent "coder": a generation that passed. The changes
// are applied to it in order. The store sets times that are zero to those of its clock.
func Receipt(executionID string, changes ...func(*models.Receipt)) *models.Receipt {
	return changed(&models.Receipt{
		ExecutionID: executionID, AgentID: "coder", Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, FilesGenerated: 3, DurationMS: 120,
	}, changes)
}

// PipelineMetric returns a valid timing of the emit stage of the execution. Save the receipt
// of the execution first.
func PipelineMetric(executionID string, changes ...func(*models.PipelineMetric)) *models.PipelineMetric {
	return changed(&models.PipelineMetric{
		ExecutionID: executionID, Stage: models.StageEmit, DurationMS: 20,
		InputSizeBytes: 1_000, OutputSizeBytes: 4_000, Status: models.StagePassed,
	}, changes)
}

// SLOViolation returns a valid violation by the execution: a first build of 20 s. Save the
// receipt of the execution first.
func SLOViolation(executionID string, changes ...func(*models.SLOViolation)) *models.SLOViolation {
	return changed(&models.SLOViolation{
		ExecutionID: executionID, Metric: repository.MetricFirstBuild, TargetValue: 15, ActualValue: 20,
		Severity: models.SeverityWarning, Description: "the first build took 20 s instead of 15 s",
	}, changes)
}

// AgentMemory returns a valid memory of an agent without errors.
func AgentMemory(agentID string, changes ...func(*models.AgentMemory)) *models.AgentMemory {
	return changed(&models.AgentMemory{AgentID: agentID, MemoryJSON: models.JSON(`{"step":1}`)}, changes)
}

// AuditEntry returns a valid entry, such as agents write with Audit.Record.
func AuditEntry(agentID string, changes ...func(*models.AuditEntry)) *models.AuditEntry {
	return changed(&models.AuditEntry{
		AgentID: agentID, Operation: "RDF normalization", Status: models.AuditCompleted, DurationMS: 20,
	}, changes)
}

// WorkflowSession returns a valid running session of two agents.
func WorkflowSession(sessionID string, changes ...func(*models.WorkflowSession)) *models.WorkflowSession {
	return changed(&models.WorkflowSession{SessionID: sessionID, Status: models.SessionRunning, AgentCount: 2}, changes)
}

// Collision returns a valid, unresolved collision of the agents "coder" and "reviewer" in the
// session. Save the session first.
func Collision(sessionID string, changes ...func(*models.Collision)) *models.Collision {
	return changed(&models.Collision{
		SessionID: sessionID, AgentID1: "coder", AgentID2: "reviewer", CollisionType: models.FileConflict,
		Description: "both wrote src/main.rs", Severity: models.SeverityWarning,
	}, changes)
}

func changed[M any](row *M, changes []func(*M)) *M {
	for _, change := range changes {
		change(row)
	}
	return row
}

// Save writes the rows in order and in one transaction, and sets their ids and times. If the
// store rejects a row, Save writes nothing and calls tb.Fatalf.
func Save(tb testing.TB, store *tier2.Store, rows ...models.Model) {
	tb.Helper()
	ctx := context.Background()
	err := store.Transaction(ctx, func(tx *tier2.Store) error {
		for i, row := range rows {
			if row == nil {
				return fmt.Errorf("row %d is nil", i)
			}
			if err := tx.DB().WithContext(ctx).Create(row).Error; err != nil {
				return fmt.Errorf("row %d: %w", i, err)
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatalf("tier2test: %v", err)
	}
}
