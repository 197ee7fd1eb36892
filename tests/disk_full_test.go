package tests

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// limit lets the database of a store grow by the given number of pages from now on; a
// negative number removes the limit.
func limit(t *testing.T, store *tier2.Store, pages int) {
	t.Helper()
	var n int
	require.NoError(t, store.DB().Raw("PRAGMA page_count").Scan(&n).Error)
	if n += pages; pages < 0 {
		n = 1 << 30
	}
	require.NoError(t, store.DB().Raw(fmt.Sprint("PRAGMA max_page_count = ", n)).Scan(&n).Error)
}

// content returns every row of every table in canonical form, except for the entries of
// rejected writes.
func content(t *testing.T, store *tier2.Store) []string {
	t.Helper()
	list, err := dumpRows(t.Context(), store)
	require.NoError(t, err)
	return slices.DeleteFunc(list, func(row string) bool {
		return strings.HasPrefix(row, "audit_log") && strings.Contains(row, "\x06failed")
	})
}

// TestDiskFull: a write without space fails with ErrFull and stores nothing, and the store
// continues when there is space again.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	long := models.JSON(fmt.Sprintf(`{"text":"%040000d"}`, 0)) // larger than the free space
	writes := map[string]func(s *tier2.Store) error{
		"Create": func(s *tier2.Store) error {
			r := newReceipt("new")
			r.ReceiptJSON = long
			return s.Receipts.Create(t.Context(), r)
		},
		"Batch": func(s *tier2.Store) error {
			var rows []*models.Receipt
			for i := range 1000 {
				rows = append(rows, newReceipt(fmt.Sprint("new", i)))
			}
			return s.Receipts.CreateBatch(t.Context(), rows)
		},
		"Update": func(s *tier2.Store) error {
			return s.DB().WithContext(t.Context()).Model(&models.Receipt{}).Where("execution_id = 'old'").Update("receipt_json", long).Error
		},
		"Upsert": func(s *tier2.Store) error {
			r := newReceipt("old")
			r.ReceiptJSON = long
			return s.Receipts.Upsert(t.Context(), r)
		},
		"Memory": func(s *tier2.Store) error { return s.Memory.Put(t.Context(), "coder", long) },
		"Transaction": func(s *tier2.Store) error {
			return s.Transaction(t.Context(), func(tx *tier2.Store) error {
				if err := tx.Receipts.Create(t.Context(), newReceipt("new")); err != nil {
					return err
				}
				return tx.Audit.Record(t.Context(), &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditCompleted, ContextJSON: long})
			})
		},
		"Execution": func(s *tier2.Store) error {
			e, err := s.Executions.Begin(t.Context(), "coder", models.OperationGeneration, repository.ExecutionOptions{})
			if err != nil {
				return err
			}
			_, err = e.Finish(t.Context(), repository.Outcome{ReceiptJSON: long})
			return err
		},
	}
	for name, opts := range map[string][]tier2.Option{"Grouped": nil, "Ungrouped": {tier2.WithoutGroupCommit()}} {
		for what, write := range writes {
			t.Run(name+what, func(t *testing.T) {
				t.Parallel()
				dsn := filepath.Join(t.TempDir(), "tier2.db")
				store := open(t, dsn, opts...)
				require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("old")))
				before := content(t, store)
				limit(t, store, 3)
				err := write(store)
				require.ErrorIs(t, err, models.ErrFull)
				var e *models.Error
				require.ErrorAs(t, err, &e)
				assert.Contains(t, e.Reason, "no space")
				after := content(t, store)
				if what == "Execution" { // its beginning is a separate entry
					assert.Len(t, after, len(before)+1)
					before = after
				}
				assert.Equal(t, before, after)
				_, err = store.Receipts.Get(t.Context(), "old")
				require.NoError(t, err, "what is there can be read")
				limit(t, store, -1)
				require.NoError(t, write(store), "there is space again")
				verifyWhole(t, dsn)
			})
		}
	}
}

// TestDiskFull_Group: each of the goroutines that share a transaction gets its own outcome,
// and every acknowledged save is stored.
func TestDiskFull_Group(t *testing.T) {
	t.Parallel()
	dsn := filepath.Join(t.TempDir(), "tier2.db")
	store := open(t, dsn)
	limit(t, store, 40)
	const goroutines, saves = 16, 40
	var mu sync.Mutex
	acknowledged, refused := map[string]bool{}, 0
	var all sync.WaitGroup
	for g := range goroutines {
		all.Go(func() {
			for i := range saves {
				r := newReceipt(fmt.Sprintf("%d-%d", g, i))
				r.ReceiptJSON = models.JSON(fmt.Sprintf(`{"text":"%0*d"}`, 100+i*50, 0))
				err := store.Receipts.Create(t.Context(), r)
				mu.Lock()
				switch {
				case err == nil:
					acknowledged[r.ExecutionID] = true
				case errors.Is(err, models.ErrFull):
					refused++
				default:
					assert.NoError(t, err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	assert.NotEmpty(t, acknowledged)
	assert.Positive(t, refused)
	assert.Equal(t, goroutines*saves, len(acknowledged)+refused)
	var stored []string
	require.NoError(t, store.DB().Model(&models.Receipt{}).Pluck("execution_id", &stored).Error)
	assert.Len(t, stored, len(acknowledged))
	for _, id := range stored {
		assert.True(t, acknowledged[id], id)
	}
	assert.EqualValues(t, len(stored), activity(t, store, "coder").Saves)
	limit(t, store, -1)
	require.NoError(t, store.Receipts.Create(t.Context(), newReceipt("after")))
	verifyWhole(t, dsn)
	t.Logf("%d goroutines: %d saves acknowledged, %d refused", goroutines, len(acknowledged), refused)
}
