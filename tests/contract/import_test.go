package contract

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var importCases = cases{
	"AtOnce":   importAtOnce,
	"Batch":    importBatch,
	"BatchDB":  importBatchRefused,
	"Flat":     importFlat,
	"Refused":  importRefused,
	"SameKeys": importSameKeys,
	"Variants": importVariants,
	"Wrapped":  importWrapped,
}

const wrappedReceipt = `{
  "receipt": {
    "execution_id": "exec-1", "agent_id": "builder", "operation": "generation", "status": "passed",
    "timestamp": "2026-01-29T17:25:27Z", "hashes": {"manifest": "` + anyHash + `", "ontology": "` + anyHash + `"},
    "files_generated": 47, "files_modified": 12,
    "pipeline_stages": {
      "μ₁_normalize": {"status": "completed", "duration_ms": 400}, "μ₂_extract": {"status": "success", "duration_ms": 500},
      "μ₃_emit": {"status": "passed", "duration_ms": 600}, "μ₄_canonicalize": {"status": "completed", "duration_ms": 300},
      "μ₅_receipt": {"status": "completed", "duration_ms": 200}
    },
    "total_duration_ms": 2500, "determinism_guarantee": true
  }
}
`

const flatReceipt = `{
  "execution_id": "exec-2", "timestamp": "2026-01-24T15:32:41Z", "manifest_hash": "` + anyHash + `",
  "ontology": {"path": "auth.ttl", "hash": "` + anyHash + `", "triples_count": 1000},
  "pipeline": {
    "μ₁_normalize": {"duration_ms": 4000, "triples_loaded": 89, "status": "success"},
    "μ₂_extract": {"duration_ms": 1001, "status": "success"}, "μ₃_emit": {"duration_ms": 58, "status": "success"},
    "μ₄_canonicalize": {"duration_ms": 12, "status": "success"}, "μ₅_receipt": {"duration_ms": 2, "status": "success"}
  },
  "files_generated": [{"path": "a.rs"}, {"path": "b.rs"}, {"path": "c.rs"}],
  "statistics": {"total_duration_ms": 31000, "memory_peak_mb": 100.5}
}`

func importWrapped(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	result, err := store.Executions.Import(ctx, []byte(wrappedReceipt), repository.ImportOptions{AgentID: "not this one", Operation: models.OperationWatch})
	require.NoError(t, err)
	assert.False(t, result.Unchanged)

	got, err := store.Receipts.Get(ctx, "exec-1")
	require.NoError(t, err)
	assert.Equal(t, wrappedReceipt, got.ReceiptJSON.String(), "the file is kept byte for byte")
	want := *got // filled by the database
	want.ExecutionID, want.AgentID, want.Operation, want.Status = "exec-1", "builder", models.OperationGeneration, models.ReceiptPassed
	want.ManifestHash, want.OntologyHash, want.FilesGenerated, want.FilesModified, want.DurationMS = anyHash, anyHash, 47, 12, 2500
	want.ErrorMessage, want.Environment = "", ""
	assert.Equal(t, want, *got)
	assert.Equal(t, "2026-01-29T17:25:27.000000Z", got.Timestamp.String())

	metrics, err := store.Metrics.ByExecution(ctx, "exec-1")
	require.NoError(t, err)
	require.Len(t, metrics, 5)
	for i, want := range []struct {
		ms int64
		at string
	}{{400, "27.000000Z"}, {500, "27.400000Z"}, {600, "27.900000Z"}, {300, "28.500000Z"}, {200, "28.800000Z"}} {
		assert.Equal(t, models.Stages()[i], metrics[i].Stage)
		assert.Equal(t, models.StagePassed, metrics[i].Status)
		assert.Equal(t, want.ms, metrics[i].DurationMS)
		assert.True(t, strings.HasSuffix(metrics[i].Timestamp.String(), want.at), metrics[i].Timestamp)
	}
	assert.Empty(t, result.Receipt.Violations, "2.5 s are fine for a first build")
	memory, err := store.Memory.Get(ctx, "builder")
	require.NoError(t, err)
	assert.Contains(t, memory.MemoryJSON.String(), "exec-1")
	stored := counts(t, store)
	assert.EqualValues(t, 6, stored["audit_log"], "an entry for the receipt and each metric")

	for _, same := range []string{wrappedReceipt, strings.TrimSpace(wrappedReceipt), "\n" + wrappedReceipt} {
		result, err = store.Executions.Import(ctx, []byte(same), repository.ImportOptions{})
		require.NoError(t, err)
		assert.True(t, result.Unchanged)
		assert.Equal(t, got.ID, result.Receipt.ID)
	}
	_, err = store.Executions.Import(ctx, []byte(strings.Replace(wrappedReceipt, "47", "48", 1)), repository.ImportOptions{})
	require.ErrorIs(t, err, models.ErrDuplicate)
	var refusal *models.Error
	require.ErrorAs(t, err, &refusal)
	assert.Equal(t, []any{"receipts", "execution_id", "exec-1"}, []any{refusal.Table, refusal.Column, refusal.Value})
	assert.Equal(t, stored, counts(t, store))
}

func importFlat(t *T) {
	store, _ := openClock(t)
	ctx := t.Context()
	_, err := store.Executions.Import(ctx, []byte(flatReceipt), repository.ImportOptions{})
	require.ErrorIs(t, err, models.ErrInvalid)
	require.ErrorContains(t, err, "--agent")

	result, err := store.Executions.Import(ctx, []byte(flatReceipt), repository.ImportOptions{AgentID: "importer"})
	require.NoError(t, err)
	got, err := store.Receipts.Get(ctx, "exec-2")
	require.NoError(t, err)
	assert.Equal(t, []any{"importer", models.OperationGeneration, models.ReceiptPassed, anyHash, anyHash, int64(3), int64(0), int64(31000)},
		[]any{got.AgentID, got.Operation, got.Status, got.ManifestHash, got.OntologyHash, got.FilesGenerated, got.FilesModified, got.DurationMS})
	missed := map[string]float64{}
	for _, v := range result.Receipt.Violations {
		missed[v.Metric+" "+string(v.Severity)] = v.ActualValue
	}
	assert.Equal(t, map[string]float64{"first_build critical": 31, "rdf_processing warning": 5.001, "generation_memory warning": 100.5}, missed)

	other, _ := openClock(t)
	result, err = other.Executions.Import(ctx, []byte(flatReceipt), repository.ImportOptions{AgentID: "a", Operation: models.OperationDryRun, Targets: []repository.Target{}})
	require.NoError(t, err)
	assert.Equal(t, models.OperationDryRun, result.Receipt.Operation)
	assert.Empty(t, result.Receipt.Violations)
}

func importVariants(t *T) {
	stages := func(status string) string {
		return `"execution_id":"x","agent_id":"a","timestamp":"2026-01-01T00:00:00+01:00",` + status + `"pipeline":{"μ₁_normalize":{"status":"success","duration_ms":1.6,"input_size_bytes":7,"output_size_bytes":9},"μ₃_emit":{"status":"failed","duration_ms":2,"error":"no template"}}`
	}
	for name, tt := range map[string]struct {
		doc   string
		opts  repository.ImportOptions
		check func(t *T, r *models.Receipt)
	}{
		"StatusFromStages": {doc: "{" + stages("") + "}", check: func(t *T, r *models.Receipt) {
			assert.Equal(t, models.ReceiptFailed, r.Status)
			assert.Equal(t, "μ₃_emit: no template", r.ErrorMessage)
			assert.EqualValues(t, 4, r.DurationMS, "the sum of the stages, if the receipt says none")
			assert.Equal(t, []int64{2, 7, 9}, []int64{r.Metrics[0].DurationMS, r.Metrics[0].InputSizeBytes, r.Metrics[0].OutputSizeBytes})
			assert.Equal(t, models.StageFailed, r.Metrics[1].Status)
			assert.Equal(t, "no template", r.Metrics[1].ErrorMessage)
			assert.Equal(t, "2025-12-31T23:00:00.000000Z", r.Timestamp.String())
		}},
		"OwnStatus": {doc: "{" + stages(`"status":"partial","error":"half","environment":"dev",`) + "}", check: func(t *T, r *models.Receipt) {
			assert.Equal(t, []any{models.ReceiptPartial, "half", "dev"}, []any{r.Status, r.ErrorMessage, r.Environment})
		}},
		"StatusWord": {doc: "{" + stages(`"status":"success",`) + "}", check: func(t *T, r *models.Receipt) {
			assert.Equal(t, models.ReceiptPassed, r.Status)
			assert.Empty(t, r.ErrorMessage)
		}},
		"Nulls": {doc: "{" + stages(`"status":null,"operation":null,"statistics":null,"files_generated":null,"hashes":null,`) + "}", check: func(t *T, r *models.Receipt) {
			assert.Equal(t, models.ReceiptFailed, r.Status)
		}},
		"At": {
			doc:  strings.Replace("{"+stages("")+"}", `"timestamp":"2026-01-01T00:00:00+01:00",`, "", 1),
			opts: repository.ImportOptions{At: noon},
			check: func(t *T, r *models.Receipt) {
				assert.Equal(t, models.At(noon), r.Timestamp)
			},
		},
		"OwnTime": {doc: "{" + stages("") + "}", opts: repository.ImportOptions{At: noon}, check: func(t *T, r *models.Receipt) {
			assert.Equal(t, "2025-12-31T23:00:00.000000Z", r.Timestamp.String())
		}},
		"Mapped": {
			doc:  "{" + stages(`"operation":"error-recovery",`) + "}",
			opts: repository.ImportOptions{Map: map[string]models.Operation{"error-recovery": models.OperationValidation}},
			check: func(t *T, r *models.Receipt) {
				assert.Equal(t, models.OperationValidation, r.Operation)
				assert.Contains(t, r.ReceiptJSON.String(), "error-recovery")
			},
		},
	} {
		t.Run(name, func(t *T) {
			t.Parallel()
			store, _ := openClock(t)
			result, err := store.Executions.Import(t.Context(), []byte(tt.doc), tt.opts)
			require.NoError(t, err)
			tt.check(t, result.Receipt)
		})
	}
}

// importSameKeys: the same key in several objects is valid, and so is text that looks like a
// key.
func importSameKeys(t *T) {
	store, _ := openClock(t)
	doc := strings.Replace(wrappedReceipt, "true", `[{"a": {"a": "a"}}, {"a": ["a", "a"]}, {"b": "\"a\": ", "A": 1, "a": 2}, {}, []]`, 1)
	_, err := store.Executions.Import(t.Context(), []byte(doc), repository.ImportOptions{MaxBytes: len(doc)})
	require.NoError(t, err)
	assert.EqualValues(t, 1, counts(t, store)["receipts"])
}

// importAtOnce: of concurrent imports of one receipt, one stores it and the others find it
// unchanged.
func importAtOnce(t *T) {
	store, _ := openClock(t)
	var stored atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			result, err := store.Executions.Import(t.Context(), []byte(wrappedReceipt), repository.ImportOptions{})
			if assert.NoError(t, err) && !result.Unchanged {
				stored.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, stored.Load())
	assert.EqualValues(t, 5, counts(t, store)["pipeline_metrics"])
	assert.NotContains(t, strings.Join(entries(t, store), "\n"), "failed", "a race that ended well is no failure")
}
