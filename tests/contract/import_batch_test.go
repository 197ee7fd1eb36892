package contract

import (
	"context"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// batch returns receipts of the given executions; a number after "=" is the number of files.
func batch(executions ...string) (docs [][]byte) {
	for _, execution := range executions {
		id, files, _ := strings.Cut(execution, "=")
		if files == "" {
			files = "47"
		}
		docs = append(docs, []byte(strings.NewReplacer("exec-1", id, "47", files).Replace(wrappedReceipt)))
	}
	return docs
}

// outcomes returns the outcome per document: new, same or the reason of the rejection.
func outcomes(list []repository.ImportOutcome) (words []string) {
	for _, o := range list {
		switch {
		case o.Err != nil && strings.Contains(o.Err.Error(), "boom"):
			words = append(words, "boom")
		case o.Err != nil:
			words = append(words, o.Err.Error())
		case o.Unchanged:
			words = append(words, "same")
		default:
			words = append(words, "new")
		}
	}
	return words
}

// importBatch: a batch stores the same rows, entries and memory as its documents do one by
// one, and returns the same outcomes.
func importBatch(t *T) {
	const other = `receipts.execution_id "b": is stored already, with other content`
	docs := append(batch("a", "b", "a", "b=48", "c"), []byte("{"), []byte(strings.Replace(wrappedReceipt, "builder", "", 1)))
	docs = append(docs, batch("d")...)
	batched, _ := openClock(t)
	single, _ := openClock(t)
	require.NoError(t, batched.Receipts.Create(t.Context(), receipt("c")))
	require.NoError(t, single.Receipts.Create(t.Context(), receipt("c")))
	got, err := batched.Executions.ImportBatch(t.Context(), docs, repository.ImportOptions{})
	require.NoError(t, err)
	want := []repository.ImportOutcome{}
	for _, doc := range docs {
		result, err := single.Executions.Import(t.Context(), doc, repository.ImportOptions{})
		want = append(want, repository.ImportOutcome{ImportResult: result, Err: err})
	}
	assert.Equal(t, outcomes(want), outcomes(got))
	assert.Equal(t, []string{"new", "new", "same", other, strings.Replace(other, `"b"`, `"c"`, 1)}, outcomes(got)[:5])
	assert.Equal(t, "new", outcomes(got)[7])
	assert.Equal(t, anew(t, single), anew(t, batched))
	for i := range got {
		if got[i].Err != nil {
			assert.Zero(t, got[i].ImportResult)
			continue
		}
		assert.Equal(t, want[i].Receipt.ExecutionID, got[i].Receipt.ExecutionID)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	none, err := batched.Executions.ImportBatch(cancelled, docs, repository.ImportOptions{})
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, none)
	_, err = batched.Executions.ImportBatch(t.Context(), nil, repository.ImportOptions{MaxBytes: -1})
	require.ErrorIs(t, err, models.ErrInvalid)
	none, err = batched.Executions.ImportBatch(t.Context(), nil, repository.ImportOptions{})
	require.NoError(t, err)
	assert.Empty(t, none)
	require.NoError(t, batched.Transaction(t.Context(), func(tx *tier2.Store) error {
		list, err := tx.Executions.ImportBatch(t.Context(), batch("e", "a", "f"), repository.ImportOptions{})
		require.NoError(t, err)
		assert.Equal(t, []string{"new", "same", "new"}, outcomes(list))
		return nil
	}))
}

// importBatchRefused: a document that the database rejects does not affect the other
// documents, and leaves the same failed entry as without a batch.
func importBatchRefused(t *T) {
	store := open(t)
	t.refuse(store.DB(), "receipts", "NEW.execution_id = 'b'")
	list, err := store.Executions.ImportBatch(t.Context(), batch("a", "b", "c"), repository.ImportOptions{})
	require.NoError(t, err)
	assert.Equal(t, []string{"new", "boom", "new"}, outcomes(list))
	assert.EqualValues(t, 2, counts(t, store)["receipts"])
	failed, _, err := store.Audit.List(t.Context(), repository.AuditFilter{Status: models.AuditFailed})
	require.NoError(t, err)
	assert.Len(t, failed, 1)
}
