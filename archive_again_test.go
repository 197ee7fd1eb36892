package tier2_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// emitting saves an execution with a metric.
func emitting(t *testing.T, store *tier2.Store, id string) *models.Receipt {
	t.Helper()
	r := receipt("coder")
	r.ExecutionID = id
	r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, DurationMS: 1, Status: models.StagePassed}}
	require.NoError(t, store.Receipts.Create(t.Context(), r))
	return r
}

// TestArchiveRenamed: the entries of a row go with it, also those that name the execution
// that it was of before.
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
		// Of what stays to what goes, and the reverse.
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

// TestArchiveAgain: an execution that came back and changed, and one that has the name of
// one in the archive.
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
