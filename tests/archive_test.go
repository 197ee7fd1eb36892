package tests

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// archives runs a case per pair of engines, with a live store, its clock, and the DSN of
// an archive that does not exist yet.
func archives(t *testing.T, test func(t *testing.T, live *tier2.Store, now *time.Time, archive string)) {
	t.Helper()
	for from := range engines {
		for to := range engines {
			archivesFrom(t, from, to, test)
		}
	}
}

// archivesAcross runs a case from SQLite to PostgreSQL and from PostgreSQL to SQLite.
func archivesAcross(t *testing.T, test func(t *testing.T, live *tier2.Store, now *time.Time, archive string)) {
	t.Helper()
	archivesFrom(t, "SQLite", "Postgres", test)
	archivesFrom(t, "Postgres", "SQLite", test)
}

func archivesFrom(t *testing.T, from, to string, test func(t *testing.T, live *tier2.Store, now *time.Time, archive string)) {
	t.Helper()
	t.Run(from+"To"+to, func(t *testing.T) {
		t.Parallel()
		now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
		live := open(t, engines[from](t), tier2.WithClock(func() time.Time { return now }))
		test(t, live, &now, engines[to](t))
	})
}

// healthy requires that a database verifies, alone and together with its archives.
func healthy(t *testing.T, dsn string, live *tier2.Store, archive ...string) {
	t.Helper()
	if dsn != "" {
		verifyWhole(t, dsn)
	}
	for _, opts := range []ledger.VerifyOptions{{}, {Archives: archive}} {
		report, err := live.Audit.Verify(t.Context(), opts)
		require.NoError(t, err)
		require.Empty(t, report.Findings)
	}
}

// recorded returns every row of every table, without the entries that retention adds.
func recorded(t *testing.T, store *tier2.Store) (list []map[string]any) {
	t.Helper()
	for _, m := range models.All() {
		q := store.DB().Table(m.TableName()).Order("id")
		if m.TableName() == "audit_log" {
			q = q.Where("operation NOT LIKE 'audit_log.%'")
		}
		var found []map[string]any
		require.NoError(t, q.Find(&found).Error)
		list = append(list, found...)
	}
	return list
}

// TestArchive: old executions move completely, and Restore brings them back unchanged.
func TestArchive(t *testing.T) {
	t.Parallel()
	archives(t, func(t *testing.T, live *tier2.Store, now *time.Time, path string) {
		ctx := hooks.WithActor(t.Context(), "keeper")
		for range 3 {
			run(t, live, "coder", true)
		}
		require.NoError(t, live.Memory.Put(t.Context(), "coder", models.JSON(`{"k":1}`)))
		*now = now.AddDate(0, 6, 0)
		border := *now
		run(t, live, "coder", false)
		before, all := counts(t, live), recorded(t, live)

		for range 2 {
			dry, err := live.Archive(ctx, border, path, tier2.ArchiveOptions{DryRun: true})
			require.NoError(t, err)
			assert.EqualValues(t, 3, dry.Executions)
		}
		assert.Equal(t, before, counts(t, live))

		var steps []tier2.ArchiveReport
		report, err := live.Archive(ctx, border, path, tier2.ArchiveOptions{Progress: func(r tier2.ArchiveReport) { steps = append(steps, r) }})
		require.NoError(t, err)
		// Of each: started, completed, 5 stages, a violation, and the refused receipt.
		assert.Equal(t, tier2.ArchiveReport{Executions: 3, Metrics: 15, Violations: report.Violations, Entries: report.Entries}, report)
		assert.Positive(t, report.Violations)
		assert.Equal(t, []tier2.ArchiveReport{report}, steps)
		after := counts(t, live)
		assert.Equal(t, map[string]int64{
			"receipts": before["receipts"] - 3, "pipeline_metrics": before["pipeline_metrics"] - 15, "slo_violations": before["slo_violations"] - report.Violations,
			"audit_log": before["audit_log"] - report.Entries + 1, "agent_memory": before["agent_memory"], "workflow_sessions": 0, "collision_detection": 0,
		}, after)
		said, _, err := live.Audit.List(ctx, repository.AuditFilter{Operation: ledger.OperationArchive})
		require.NoError(t, err)
		require.Len(t, said, 1)
		assert.Equal(t, "keeper", said[0].AgentID)
		healthy(t, path, live, path)

		archive, err := tier2.Open(t.Context(), path)
		require.NoError(t, err)
		assert.EqualValues(t, 3, counts(t, archive)["receipts"])
		old, err := archive.Reports.RecentExecutions(t.Context())
		require.NoError(t, err)
		assert.Len(t, old, 3)
		for name, err := range map[string]error{
			"Create": archive.Receipts.Create(t.Context(), receipt("coder")),
			"GORM":   archive.DB().Create(receipt("coder")).Error,
			"Memory": archive.Memory.Put(t.Context(), "coder", models.JSON(`{}`)),
			"Delete": archive.DB().Where("1 = 1").Delete(&models.PipelineMetric{}).Error,
		} {
			assert.ErrorIs(t, err, models.ErrReadOnly, name)
		}
		_, err = archive.Audit.Seal(t.Context())
		require.ErrorIs(t, err, models.ErrReadOnly)
		assert.EqualValues(t, 3, counts(t, archive)["receipts"])
		require.NoError(t, archive.Close())

		again, err := live.Archive(ctx, border, path, tier2.ArchiveOptions{})
		require.NoError(t, err)
		assert.Zero(t, again)
		restored, err := live.Restore(ctx, path, tier2.RestoreOptions{Executions: []string{old[1].ExecutionID}})
		require.NoError(t, err)
		assert.EqualValues(t, 1, restored.Executions)
		healthy(t, path, live, path)
		restored, err = live.Restore(ctx, path, tier2.RestoreOptions{})
		require.NoError(t, err)
		assert.EqualValues(t, 2, restored.Executions)
		healthy(t, path, live, path)
		restored, err = live.Restore(ctx, path, tier2.RestoreOptions{})
		require.NoError(t, err)
		assert.Zero(t, restored)
		assert.Equal(t, all, recorded(t, live))
		before["audit_log"] += 3
		assert.Equal(t, before, counts(t, live))

		*now = now.AddDate(0, 6, 0)
		report, err = live.Archive(ctx, *now, path, tier2.ArchiveOptions{})
		require.NoError(t, err)
		assert.EqualValues(t, 4, report.Executions, "into the same archive")
		healthy(t, path, live, path)
	})
}

// TestArchive_Tampered: a store and its archive together find changes in either.
func TestArchive_Tampered(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statement   string
		alone, both []ledger.Kind // findings of the archive alone, and of both together
	}{
		"Edited":  {"UPDATE audit_log SET agent_id = 'eve' WHERE id = 1", []ledger.Kind{ledger.Edited}, []ledger.Kind{ledger.Edited}},
		"Deleted": {"DELETE FROM audit_log WHERE id = 1", []ledger.Kind{ledger.Missing}, []ledger.Kind{ledger.Missing}},
		"Hidden":  {"DELETE FROM audit_log WHERE id = 1; DELETE FROM tier2_audit_tree WHERE entry_id = 1", nil, []ledger.Kind{ledger.Missing}},
		"Added":   {"INSERT INTO audit_log (id, timestamp, agent_id, operation, status) VALUES (-1, '2026-01-01', 'eve', 'o', 'failed')", []ledger.Kind{ledger.Inserted}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "archive.db")
			live := open(t, filepath.Join(t.TempDir(), "tier2.db"))
			run(t, live, "coder", true)
			_, err := live.Archive(t.Context(), time.Now(), path, tier2.ArchiveOptions{})
			require.NoError(t, err)
			tampered(t, path, tt.statement)
			assert.Equal(t, tt.alone, kinds(t, path, ledger.VerifyOptions{}))
			report, err := live.Audit.Verify(t.Context(), ledger.VerifyOptions{Archives: []string{path}})
			require.NoError(t, err)
			var both []ledger.Kind
			for _, f := range report.Findings {
				both = append(both, f.Kind)
			}
			assert.Equal(t, tt.both, both)
		})
	}
}

// TestArchive_Refused: a rejected call moves, creates and changes nothing.
// TestArchive_Busy: saving and reading while executions move loses nothing.
func TestArchive_Busy(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			live, path := open(t, dsn(t)), filepath.Join(t.TempDir(), "archive.db")
			var names []string
			for range 250 {
				r := receipt("coder")
				require.NoError(t, live.Receipts.Create(t.Context(), r))
				names = append(names, r.ExecutionID)
			}
			border := time.Now()
			done := make(chan error)
			go func() {
				var err error
				for i := 0; i < len(names) && err == nil; i += 10 { // each of these may be archived by now
					if err = live.Receipts.Create(t.Context(), receipt("writer")); err == nil {
						err = live.DB().Model(&models.Receipt{}).Where("execution_id = ?", names[i]).Update("environment", "changed").Error
					}
				}
				done <- err
			}()
			report, err := live.Archive(t.Context(), border, path, tier2.ArchiveOptions{})
			require.NoError(t, err)
			require.NoError(t, <-done)
			rest, err := live.Archive(t.Context(), border, path, tier2.ArchiveOptions{})
			require.NoError(t, err)
			assert.EqualValues(t, 250, report.Executions+rest.Executions)
			assert.Zero(t, rest.Kept)
			assert.EqualValues(t, 25, counts(t, live)["receipts"])
			_, err = live.Audit.Seal(t.Context())
			require.NoError(t, err)
			healthy(t, path, live, path)
		})
	}
}

// emitting stores an execution with one metric.
func emitting(t *testing.T, store *tier2.Store, id string) *models.Receipt {
	t.Helper()
	r := receipt("coder")
	r.ExecutionID = id
	r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, DurationMS: 1, Status: models.StagePassed}}
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	return r
}

// TestArchiveRenamed: the entries of a row move with it, including entries that name the
// execution to which the row belonged before.
func TestArchiveRenamed(t *testing.T) {
	t.Parallel()
	archivesAcross(t, func(t *testing.T, live *tier2.Store, now *time.Time, path string) {
		first := emitting(t, live, "first")
		require.NoError(t, live.Metrics.Record(t.Context(), &models.PipelineMetric{ExecutionID: "first", Stage: models.StageExtract, DurationMS: 1, Status: models.StagePassed}))
		*now = now.AddDate(0, 0, 1)
		border := *now
		*now = now.AddDate(0, 0, 1)
		staying := receipt("coder")
		staying.ExecutionID = "staying"
		require.NoError(t, live.Receipts.Create(t.Context(), staying))
		require.NoError(t, live.Metrics.Record(t.Context(), &models.PipelineMetric{ExecutionID: "staying", Stage: models.StageEmit, DurationMS: 1, Status: models.StagePassed}))
		// From an execution that stays to one that moves, and the reverse.
		require.NoError(t, live.DB().Model(&models.PipelineMetric{}).Where("id = 3").Update("execution_id", "first").Error)
		require.NoError(t, live.DB().Model(&models.PipelineMetric{}).Where("id = 2").Update("execution_id", "staying").Error)
		alone := receipt("coder")
		alone.ExecutionID, alone.Timestamp = "old name", first.Timestamp
		require.NoError(t, live.Receipts.Create(t.Context(), alone))
		require.NoError(t, live.DB().Model(alone).Update("execution_id", "new name").Error)
		all := recorded(t, live)

		report, err := live.Archive(t.Context(), border, path, tier2.ArchiveOptions{})
		require.NoError(t, err)
		assert.Equal(t, [2]int64{2, 2}, [2]int64{report.Executions, report.Metrics})
		healthy(t, path, live, path)
		_, err = live.Restore(t.Context(), path, tier2.RestoreOptions{})
		require.NoError(t, err)
		healthy(t, path, live, path)
		assert.Equal(t, all, recorded(t, live))
	})
}

// TestArchiveAgain archives an execution that was restored and changed, and a new
// execution whose name exists in the archive.
func TestArchiveAgain(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, live *tier2.Store, archive func() tier2.ArchiveReport, path string){
		"MetricDeleted": func(t *testing.T, live *tier2.Store, archive func() tier2.ArchiveReport, path string) {
			_, err := live.Restore(t.Context(), path, tier2.RestoreOptions{})
			require.NoError(t, err)
			require.NoError(t, live.DB().Delete(&models.PipelineMetric{}, 1).Error)
			assert.EqualValues(t, 1, archive().Executions)
			report, err := live.Restore(t.Context(), path, tier2.RestoreOptions{})
			require.NoError(t, err)
			assert.Equal(t, [2]int64{1, 0}, [2]int64{report.Executions, report.Metrics}, "what was deleted stays so")
		},
		"Deleted": func(t *testing.T, live *tier2.Store, _ func() tier2.ArchiveReport, path string) {
			_, err := live.Restore(t.Context(), path, tier2.RestoreOptions{})
			require.NoError(t, err)
			require.NoError(t, live.DB().Delete(&models.PipelineMetric{}, 1).Error)
			require.NoError(t, live.Receipts.Delete(t.Context(), "x"))
			report, err := live.Restore(t.Context(), path, tier2.RestoreOptions{})
			require.NoError(t, err)
			assert.Zero(t, report)
			_, err = live.Receipts.Get(t.Context(), "x")
			require.ErrorIs(t, err, models.ErrNotFound)
		},
		"SameName": func(t *testing.T, live *tier2.Store, archive func() tier2.ArchiveReport, path string) {
			emitting(t, live, "x")
			emitting(t, live, "y")
			report := archive()
			assert.Equal(t, [2]int64{1, 1}, [2]int64{report.Executions, report.Kept})
			_, err := live.Restore(t.Context(), path, tier2.RestoreOptions{Executions: []string{"x"}})
			require.ErrorIs(t, err, models.ErrConflict)
			_, err = live.Receipts.Get(t.Context(), "x")
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			archivesAcross(t, func(t *testing.T, live *tier2.Store, now *time.Time, path string) {
				emitting(t, live, "x")
				archive := func() tier2.ArchiveReport {
					*now = now.AddDate(0, 0, 1)
					report, err := live.Archive(t.Context(), *now, path, tier2.ArchiveOptions{})
					require.NoError(t, err)
					return report
				}
				assert.EqualValues(t, 1, archive().Executions)
				test(t, live, archive, path)
				healthy(t, path, live, path)
			})
		})
	}
}
