package tier2test_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// noon is the first time of every clock.
var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

var engines = map[string]func(testing.TB, ...tier2.Option) *tier2.Store{
	"File":     tier2test.Open,
	"Postgres": tier2test.OpenPostgres,
}

// oneOfEach returns a row of each model, parents first.
func oneOfEach() []models.Model {
	return []models.Model{
		tier2test.Receipt("build-1"), tier2test.AgentMemory("planner"), tier2test.AuditEntry("coder"),
		tier2test.WorkflowSession("session-1"), tier2test.Collision("session-1"),
		tier2test.PipelineMetric("build-1"), tier2test.SLOViolation("build-1"),
	}
}

// TestOpen checks that each call returns a separate database.
func TestOpen(t *testing.T) {
	t.Parallel()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for range 2 {
				store := open(t)
				tier2test.Save(t, store, oneOfEach()...)
				for _, m := range models.All() {
					var rows []map[string]any
					require.NoError(t, store.DB().Model(m).Find(&rows).Error)
					assert.NotEmpty(t, rows, m.TableName())
				}
			}
		})
	}
}

// TestSameEachTime checks that ids and times do not depend on the run.
func TestSameEachTime(t *testing.T) {
	t.Parallel()
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var runs [2]string
			for i := range runs {
				rows := oneOfEach()
				tier2test.Save(t, open(t), rows...)
				text, err := json.Marshal(rows)
				require.NoError(t, err)
				runs[i] = string(text)
			}
			assert.Equal(t, runs[0], runs[1])
			assert.Contains(t, runs[0], `"Timestamp":"2026-01-01T12:00:00.000000Z"`)
		})
	}
}

func TestOpenTakesOptions(t *testing.T) {
	t.Parallel()
	clock := &tier2test.Clock{Step: time.Minute}
	anchor := filepath.Join(t.TempDir(), "anchor")
	opts := make([]tier2.Option, 0, 8) // with capacity for an append that would overwrite the caller's slice
	opts = append(opts, tier2.WithClock(clock.Now), tier2.WithAnchor(anchor))
	store := tier2test.Open(t, opts...)
	before := clock.Now()
	tier2test.Save(t, store, tier2test.Receipt("build-1"))
	got, err := store.Receipts.Get(t.Context(), "build-1")
	require.NoError(t, err)
	assert.True(t, got.Timestamp.After(before), "%v", got.Timestamp)
	_, err = store.Audit.Seal(t.Context())
	require.NoError(t, err)
	assert.FileExists(t, anchor)
}

func TestStoreIsClosedAtTheEnd(t *testing.T) {
	t.Parallel()
	var store *tier2.Store
	require.Empty(t, run(func(tb testing.TB) { store = tier2test.Open(tb) }))
	_, err := store.Receipts.Get(t.Context(), "build-1")
	require.ErrorIs(t, err, models.ErrClosed)
	assert.Empty(t, run(func(tb testing.TB) { require.NoError(t, tier2test.Open(tb).Close()) }), "a test may close it")
}

// TestFailures checks that errors fail the caller's test with a message.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		do   func(tb testing.TB)
		want []string
	}{
		"Option": {func(tb testing.TB) { tier2test.Open(tb, tier2.WithReaders(0)) }, []string{"readers", "1 to 1000"}},
		"Row": {func(tb testing.TB) {
			tier2test.Save(tb, tier2test.Open(tb), tier2test.Receipt("build-1", func(r *models.Receipt) { r.Status = "done" }))
		}, []string{"receipts.status", "done", "passed"}},
		"Parent": {func(tb testing.TB) { tier2test.Save(tb, tier2test.Open(tb), tier2test.PipelineMetric("build-1")) },
			[]string{"pipeline_metrics.execution_id"}},
		"Closed": {func(tb testing.TB) {
			store := tier2test.Open(tb)
			require.NoError(t, store.Close())
			tier2test.Save(tb, store, tier2test.Receipt("build-1"))
		}, []string{models.ErrClosed.Error()}},
		"Nil": {func(tb testing.TB) { tier2test.Save(tb, tier2test.Open(tb), tier2test.Receipt("build-1"), nil) },
			[]string{"row 1 is nil"}},
		"NilReceipt": {func(tb testing.TB) { tier2test.Save(tb, tier2test.Open(tb), (*models.Receipt)(nil)) }, []string{"row 0: invalid value"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failure := run(tt.do)
			assert.Contains(t, failure, "tier2test: ")
			for _, want := range tt.want {
				assert.Contains(t, failure, want)
			}
		})
	}
}

// TestSaveAllOrNone checks that Save writes no row if the store rejects one.
func TestSaveAllOrNone(t *testing.T) {
	t.Parallel()
	store := tier2test.Open(t)
	refused := run(func(tb testing.TB) {
		tier2test.Save(tb, store, tier2test.Receipt("build-1"), tier2test.Receipt("build-1"))
	})
	assert.Contains(t, refused, "receipts.execution_id")
	_, err := store.Receipts.Get(t.Context(), "build-1")
	require.ErrorIs(t, err, models.ErrNotFound)
}

// TestRows checks that the rows are valid, and that changes are applied.
func TestRows(t *testing.T) {
	t.Parallel()
	made := oneOfEach()
	require.Len(t, made, len(models.All()))
	for i, row := range made {
		assert.IsType(t, models.All()[i], row)
		schema.Prepare(row, noon)
		assert.NoError(t, row.Validate(), row.TableName())
	}
	r := tier2test.Receipt("build-1",
		func(r *models.Receipt) { r.DurationMS = 7 },
		func(r *models.Receipt) { r.DurationMS++ })
	assert.EqualValues(t, 8, r.DurationMS)
	assert.NotSame(t, r, tier2test.Receipt("build-1"))
}

func TestClock(t *testing.T) {
	t.Parallel()
	still := new(tier2test.Clock)
	assert.Equal(t, noon, still.Now())
	assert.Equal(t, noon, still.Now())
	still.Advance(time.Hour)
	assert.Equal(t, noon.Add(time.Hour), still.Now())
	still.Advance(-2 * time.Hour)
	assert.Equal(t, noon.Add(-time.Hour), still.Now())

	steps := &tier2test.Clock{Step: time.Second}
	assert.Equal(t, noon, steps.Now())
	assert.Equal(t, noon.Add(time.Second), steps.Now())
	steps.Advance(time.Minute)
	assert.Equal(t, noon.Add(time.Minute+2*time.Second), steps.Now())
}
