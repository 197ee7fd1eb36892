package contract

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var ledgerCases = cases{
	"Empty":    ledgerEmpty,
	"Seal":     ledgerSeal,
	"Strays":   ledgerStrays,
	"Retained": ledgerRetained,
	"Large":    ledgerLarge,
	"Prove":    ledgerProve,
	"Refused":  ledgerRefused,
	"Tampered": ledgerTampered,
	"Older":    ledgerOlder,
	"Rows":     ledgerRows,
	"Writers":  ledgerWriters,
}

// verified seals the log and requires that Verify has no findings.
func verified(t testing.TB, store *tier2.Store) *ledger.Report {
	t.Helper()
	_, err := store.Audit.Seal(t.Context())
	require.NoError(t, err)
	report, err := store.Audit.Verify(t.Context(), ledger.VerifyOptions{})
	require.NoError(t, err)
	require.Empty(t, report.Findings)
	require.True(t, report.OK())
	assert.Zero(t, report.Unsealed)
	return report
}

func ledgerEmpty(t *T) {
	store := open(t)
	checkpoint, err := store.Audit.Seal(t.Context())
	require.NoError(t, err)
	assert.Zero(t, checkpoint)
	assert.Equal(t, &ledger.Report{Findings: []ledger.Finding{}}, verified(t, store))
}

// ledgerSeal: the tree receives every entry once, including entries of other programs.
func ledgerSeal(t *T) {
	store, clock := openClock(t)
	ctx := t.Context()
	saved(t, store, "a")
	first, err := store.Audit.Seal(ctx)
	require.NoError(t, err)
	assert.EqualValues(t, 1, first.Size)
	assert.Equal(t, models.At(clock.Now()), first.Timestamp)
	clock.Pass(1e9)
	again, err := store.Audit.Seal(ctx)
	require.NoError(t, err)
	assert.Equal(t, first, again, "nothing is new")

	require.NoError(t, store.DB().Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status) VALUES ('2026-01-29T12:34:56Z', 'raw', 'RDF normalization', 'completed')`).Error)
	require.Error(t, store.Receipts.Create(ctx, receipt("a")), "which leaves a failed entry")
	require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "own", Operation: "own", Status: models.AuditSkipped, ContextJSON: models.JSON(`{"é": 1e2}`)}))
	report, err := store.Audit.Verify(ctx, ledger.VerifyOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int64{1, 3}, []int64{report.Sealed, report.Unsealed})
	report = verified(t, store)
	assert.Equal(t, []int64{4, 0}, []int64{report.Sealed, report.Unsealed})
	assert.EqualValues(t, 4, report.Checkpoint.Size)
	assert.Equal(t, models.At(clock.Now()), report.Checkpoint.Timestamp)
	assert.EqualValues(t, 4, counts(t, store)["audit_log"], "sealing makes no entry")
}

// ledgerLarge: a tree with stored nodes has the root of RFC 6962.
func ledgerLarge(t *T) {
	store, ctx := open(t), t.Context()
	for _, n := range []int{1, 254, 1, 1, 1023, 1100} {
		batch := make([]*models.Receipt, n)
		for i := range batch {
			batch[i] = receipt(models.NewID())
		}
		require.NoError(t, store.Receipts.CreateBatch(ctx, batch))
		verified(t, store)
	}
	var leaves []struct {
		EntryID int64
		Hash    string // of the entry's content
	}
	require.NoError(t, store.DB().Raw("SELECT entry_id, hash FROM tier2_audit_tree WHERE level = 0 ORDER BY n").Scan(&leaves).Error)
	last, err := store.Audit.Seal(ctx)
	require.NoError(t, err)
	require.Len(t, leaves, int(last.Size))
	var naive []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (list []tlog.Hash, err error) {
		for _, i := range indexes {
			list = append(list, naive[i])
		}
		return list, nil
	})
	for i, leaf := range leaves {
		content, err := tlog.ParseHash(leaf.Hash)
		require.NoError(t, err)
		hash := schema.Leaf(leaf.EntryID, content)
		// Every 16th, and all around the end of a complete subtree of 256.
		if i%16 == 0 || i%256 >= 254 || i == len(leaves)-1 {
			proof, err := store.Audit.Prove(ctx, leaf.EntryID)
			require.NoError(t, err)
			require.NoError(t, proof.Check())
			require.NoError(t, tlog.CheckRecord(proof.Path, proof.Checkpoint.Size, proof.Checkpoint.Root, proof.Index, hash))
		}
		stored, err := tlog.StoredHashesForRecordHash(int64(i), hash, reader)
		require.NoError(t, err)
		naive = append(naive, stored...)
	}
	root, err := tlog.TreeHash(last.Size, reader)
	require.NoError(t, err)
	assert.Equal(t, root, last.Root)
}

// ledgerProve: the proof is a document, and is invalid for any other entry, tree or index.
func ledgerProve(t *T) {
	store, ctx := open(t), t.Context()
	for i := range 5 {
		saved(t, store, fmt.Sprint(i))
	}
	require.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "own", Operation: "<&>", Status: models.AuditFailed, ErrorMessage: "é"}))
	verified(t, store)
	for id := range int64(6) {
		proof, err := store.Audit.Prove(ctx, id+1)
		require.NoError(t, err)
		text, err := json.Marshal(proof)
		require.NoError(t, err)
		read, err := ledger.ParseProof(text)
		require.NoError(t, err)
		require.Equal(t, proof, read)
		require.NoError(t, read.Check())
		for name, change := range map[string]func(*ledger.Proof){
			"Agent":     func(p *ledger.Proof) { p.Entry.AgentID += "x" },
			"ID":        func(p *ledger.Proof) { p.Entry.ID++ },
			"Null":      func(p *ledger.Proof) { p.Entry.ContextJSON = new(string) },
			"Time":      func(p *ledger.Proof) { p.Entry.Timestamp = "2026-01-29T12:34:56.123457Z" },
			"Index":     func(p *ledger.Proof) { p.Index = (p.Index + 1) % p.Checkpoint.Size },
			"Negative":  func(p *ledger.Proof) { p.Index = -1 },
			"Size":      func(p *ledger.Proof) { p.Checkpoint.Size = p.Index },
			"Root":      func(p *ledger.Proof) { p.Checkpoint.Root[0]++ },
			"Path":      func(p *ledger.Proof) { p.Path[0][0]++ },
			"ShortPath": func(p *ledger.Proof) { p.Path = p.Path[1:] },
		} {
			other, err := ledger.ParseProof(text)
			require.NoError(t, err)
			change(other)
			assert.ErrorIs(t, other.Check(), models.ErrConflict, name)
		}
		assert.ErrorIs(t, read.Check("nonsense"), models.ErrInvalid)
	}
	_, err := ledger.ParseProof([]byte("{"))
	require.ErrorIs(t, err, models.ErrInvalid)
	saved(t, store, "later")
	_, err = store.Audit.Prove(ctx, 7)
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.ErrorContains(t, err, "not sealed")
}

func ledgerRefused(t *T) {
	store := open(t)
	saved(t, store, "a")
	verified(t, store)
	prove := func(id int64) func(context.Context) error {
		return func(ctx context.Context) error { _, err := store.Audit.Prove(ctx, id); return err }
	}
	verify := func(opts ledger.VerifyOptions) func(context.Context) error {
		return func(ctx context.Context) error { _, err := store.Audit.Verify(ctx, opts); return err }
	}
	inside := func(f func(*tier2.Store) error) func(context.Context) error {
		return func(ctx context.Context) error { return store.Transaction(ctx, f) }
	}
	refused(t, store, []refusal{
		{"ProveUnknown", models.ErrNotFound, prove(99)},
		{"ProveZero", models.ErrNotFound, prove(0)},
		{"ProveNegative", models.ErrNotFound, prove(-1)},
		{"SealInside", models.ErrInvalid, inside(func(tx *tier2.Store) error { _, err := tx.Audit.Seal(t.Context()); return err })},
		{"VerifyInside", models.ErrInvalid, inside(func(tx *tier2.Store) error {
			_, err := tx.Audit.Verify(t.Context(), ledger.VerifyOptions{})
			return err
		})},
		{"ProveInside", models.ErrInvalid, inside(func(tx *tier2.Store) error { _, err := tx.Audit.Prove(t.Context(), 1); return err })},
	})
	for name, tt := range map[string]struct {
		opts ledger.VerifyOptions
		want error
	}{
		"NoAnchor":     {ledger.VerifyOptions{Anchor: "/nowhere/anchor"}, models.ErrNotFound},
		"BlankArchive": {ledger.VerifyOptions{Archives: []string{""}}, models.ErrInvalid},
		"NoArchive":    {ledger.VerifyOptions{Archives: []string{"/nowhere/archive.db"}}, models.ErrNotFound},
		"Key":          {ledger.VerifyOptions{Keys: []string{"nonsense"}}, models.ErrInvalid},
	} {
		require.ErrorIs(t, verify(tt.opts)(t.Context()), tt.want, name)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	saved(t, store, "b")
	_, err := store.Audit.Seal(ended)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, verify(ledger.VerifyOptions{})(ended), context.Canceled)
	require.ErrorIs(t, prove(1)(ended), context.Canceled)
}

// ledgerWriters: with concurrent writers that commit in any order while the log is sealed,
// each entry is sealed once and at its index.
func ledgerWriters(t *T) {
	store, ctx := open(t), t.Context()
	const writers, saves = 4, 15
	done := make(chan error, writers)
	for w := range writers {
		go func() {
			var err error
			for i := 0; i < saves && err == nil; i++ {
				id := fmt.Sprintf("%d-%d", w, i)
				if i%3 == 0 {
					err = store.Transaction(ctx, func(tx *tier2.Store) error {
						one, two := receipt(id), receipt(id+"+")
						if err := tx.Receipts.Create(ctx, one); err != nil {
							return err
						}
						if i%2 == 0 {
							return tx.Receipts.Create(ctx, two)
						}
						return tx.Receipts.Create(ctx, one) // rejected: its ids stay unused
					})
					if i%2 == 1 && err != nil {
						err = nil
					}
				} else {
					err = store.Receipts.Create(ctx, receipt(id))
				}
			}
			done <- err
		}()
	}
	for left := writers; left > 0; {
		select {
		case err := <-done:
			require.NoError(t, err)
			left--
		default:
			_, err := store.Audit.Seal(ctx)
			require.NoError(t, err)
		}
	}
	assert.Equal(t, counts(t, store)["audit_log"], verified(t, store).Sealed)
}
