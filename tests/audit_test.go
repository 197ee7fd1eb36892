package tests

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// sealed creates a file with n receipts, sealed by Close.
func sealed(t *testing.T, path string, n int, opts ...tier2.Option) {
	t.Helper()
	store, err := tier2.Open(t.Context(), path, opts...)
	require.NoError(t, err)
	for range n {
		require.NoError(t, store.Receipts.Create(t.Context(), receipt("coder")))
	}
	require.NoError(t, store.Close())
}

// tampered runs SQL on a file after dropping the triggers that would reject it.
func tampered(t *testing.T, path string, statements ...string) {
	t.Helper()
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	for _, statement := range append([]string{"DROP TRIGGER tier2_audit_log_update; DROP TRIGGER tier2_audit_log_delete; DROP TRIGGER tier2_audit_log_replace"}, append(statements, tier2.Schema())...) {
		require.NoError(t, store.DB().Exec(statement).Error)
	}
	require.NoError(t, store.Close())
}

// kinds returns the kinds of the findings of VerifyAudit.
func kinds(t *testing.T, dsn string, opts ledger.VerifyOptions) (list []ledger.Kind) {
	t.Helper()
	report, err := tier2.VerifyAudit(t.Context(), dsn, opts)
	require.NoError(t, err)
	for _, f := range report.Findings {
		list = append(list, f.Kind)
	}
	return list
}

// TestAppendOnlyForAll: every statement that changes entries is rejected, on any connection.
func TestAppendOnlyForAll(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	sealed(t, path, 3)
	db := elsewhere(t, path)
	defer db.Close()
	var triggers string
	require.NoError(t, db.QueryRow("PRAGMA recursive_triggers").Scan(&triggers))
	require.Equal(t, "0", triggers, "a connection as any program has it")
	const columns = "INTO audit_log (id, timestamp, agent_id, operation, status) VALUES (2, '2026-01-29T12:34:56Z', 'eve', 'o', 'failed')"
	for _, statement := range []string{
		"UPDATE audit_log SET agent_id = 'eve'", "UPDATE audit_log SET id = 99 WHERE id = 3", "DELETE FROM audit_log", "DELETE FROM audit_log WHERE id = 2",
		"INSERT OR REPLACE " + columns, "REPLACE " + columns, "INSERT " + columns + " ON CONFLICT (id) DO UPDATE SET agent_id = 'eve'", "UPDATE OR REPLACE audit_log SET id = 2 WHERE id = 3",
	} {
		_, err := db.Exec(statement)
		assert.ErrorContains(t, err, "audit_log is append-only", statement)
	}
	assert.Empty(t, kinds(t, path, ledger.VerifyOptions{}))
}

// TestAnchor: an anchor outside of the file shows changes that the file alone cannot show.
func TestAnchor(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		statements []string
		want       ledger.Kind
		again      error // the error of the next save and seal
	}{
		"Cut": {[]string{"DELETE FROM audit_log WHERE id > 5", "DELETE FROM tier2_audit_tree WHERE entry_id > 5", "DELETE FROM tier2_checkpoints WHERE size > 5",
			"UPDATE sqlite_sequence SET seq = 5 WHERE name = 'audit_log'", "DELETE FROM receipts WHERE id > 5"}, ledger.Truncated, models.ErrConflict},
		"Rewritten": {[]string{"UPDATE audit_log SET agent_id = 'eve' WHERE id = 3", "DELETE FROM tier2_audit_tree", "DELETE FROM tier2_checkpoints"},
			ledger.Truncated, models.ErrConflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			path, anchor := filepath.Join(dir, "tier2.db"), filepath.Join(dir, "anchor")
			private, public, err := ledger.GenerateKey("tier2-test")
			require.NoError(t, err)
			opts := []tier2.Option{tier2.WithAnchor(anchor), tier2.WithSigner(private)}
			sealed(t, path, 5, opts...)
			sealed(t, path, 5, opts...)
			all := ledger.VerifyOptions{Anchor: anchor, Keys: []string{public}}
			require.Empty(t, kinds(t, path, all))
			anchored, err := os.ReadFile(anchor)
			require.NoError(t, err)
			assert.Equal(t, 2, strings.Count(string(anchored), "\n"))
			info, err := os.Stat(anchor)
			require.NoError(t, err)
			assert.EqualValues(t, 0o600, info.Mode().Perm())

			tampered(t, path, tt.statements...)
			assert.Empty(t, kinds(t, path, ledger.VerifyOptions{}), "from inside nothing is to be seen")
			assert.Equal(t, tt.want, kinds(t, path, all)[0])

			store, err := tier2.Open(t.Context(), path, opts...)
			require.NoError(t, err)
			require.NoError(t, store.Receipts.Create(t.Context(), receipt("later")), "saves go on")
			require.ErrorIs(t, store.Close(), tt.again, "the anchor is not of this history")
			after, err := os.ReadFile(anchor)
			require.NoError(t, err)
			assert.Equal(t, string(anchored), string(after))
			if name == "Rewritten" {
				assert.Contains(t, kinds(t, path, all), ledger.Forked, "now that it is long enough")
			}
		})
	}
}

// TestSignatures: Verify reports another key's signature, and a checkpoint without one.
func TestSignatures(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tier2.db")
	private, public, err := ledger.GenerateKey("tier2-test")
	require.NoError(t, err)
	_, other, err := ledger.GenerateKey("tier2-test")
	require.NoError(t, err)
	sealed(t, path, 2, tier2.WithSigner(private))
	require.Empty(t, kinds(t, path, ledger.VerifyOptions{Keys: []string{other, public}}), "one of them is enough")
	assert.Equal(t, []ledger.Kind{ledger.Unsigned}, kinds(t, path, ledger.VerifyOptions{Keys: []string{other}}))

	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	proof, err := store.Audit.Prove(t.Context(), 1)
	require.NoError(t, err)
	require.NoError(t, proof.Check(public))
	require.ErrorIs(t, proof.Check(other), models.ErrConflict)
	proof.Checkpoint.Size--
	require.ErrorIs(t, proof.Check(public), models.ErrConflict, "the note is about another one")
	require.NoError(t, store.Close())

	sealed(t, path, 2)
	assert.Equal(t, []ledger.Kind{ledger.Unsigned}, kinds(t, path, ledger.VerifyOptions{Keys: []string{public}}), "the newest is not signed")

	for _, option := range []tier2.Option{tier2.WithSigner("PRIVATE+KEY+nonsense"), tier2.WithSigner(""), tier2.WithAnchor(" ")} {
		_, err := tier2.Open(t.Context(), ":memory:", option)
		require.ErrorIs(t, err, models.ErrInvalid)
		assert.NotContains(t, err.Error(), "nonsense")
	}
	for _, name := range []string{"", "a b", "a+b"} {
		_, _, err := ledger.GenerateKey(name)
		require.ErrorIs(t, err, models.ErrInvalid, name)
	}
}

// TestSignedLater: a store with the key signs the checkpoint of a store without it, unless
// the checkpoint does not match the tree. Copies receive the signature.
func TestSignedLater(t *testing.T) {
	t.Parallel()
	private, public, err := ledger.GenerateKey("tier2-test")
	require.NoError(t, err)
	for engine, dsn := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			source, ctx := dsn(t), t.Context()
			store, target := open(t, source), open(t, engines["SQLite"](t))
			signer, err := tier2.Open(ctx, source, tier2.WithSigner(private))
			require.NoError(t, err)
			defer signer.Close()
			none, err := signer.Audit.Seal(ctx)
			require.NoError(t, err)
			assert.Zero(t, none, "there is nothing to sign")

			require.NoError(t, store.Receipts.Create(ctx, receipt("coder")))
			unsigned, err := store.Audit.Seal(ctx)
			require.NoError(t, err)
			copied(t, store, target)
			require.NoError(t, store.DB().Exec("UPDATE tier2_checkpoints SET root = ?", schema.Entry(make(schema.Row, len(schema.Named("audit_log").Columns))).String()).Error)
			_, err = signer.Audit.Seal(ctx)
			require.ErrorIs(t, err, models.ErrConflict)
			require.NoError(t, store.DB().Exec("UPDATE tier2_checkpoints SET root = ?", unsigned.Root.String()).Error)

			signed, err := signer.Audit.Seal(ctx)
			require.NoError(t, err)
			require.NoError(t, signed.Check(public))
			again, err := store.Audit.Seal(ctx)
			require.NoError(t, err)
			assert.Equal(t, signed, again)
			signed.Note = ""
			assert.Equal(t, unsigned, signed)
			inserted, updated := total(copied(t, store, target))
			assert.Equal(t, []int64{0, 1}, []int64{inserted, updated})
			report, err := target.Audit.Verify(ctx, ledger.VerifyOptions{Keys: []string{public}})
			require.NoError(t, err)
			assert.Empty(t, report.Findings)
		})
	}
}

// TestAnchorFile: an anchor that cannot be written or read is an error.
func TestAnchorFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "tier2.db")
	open := func(anchor string) *tier2.Store {
		store, err := tier2.Open(t.Context(), path, tier2.WithAnchor(anchor))
		require.NoError(t, err)
		require.NoError(t, store.Receipts.Create(t.Context(), receipt("coder")))
		return store
	}
	require.ErrorIs(t, open(filepath.Join(dir, "none", "anchor")).Close(), models.ErrNotFound)
	require.Error(t, open(dir).Close())
	bad := filepath.Join(dir, "bad")
	require.NoError(t, os.WriteFile(bad, []byte("nonsense\n"), 0o600))
	require.ErrorIs(t, open(bad).Close(), models.ErrInvalid)
	_, err := tier2.VerifyAudit(t.Context(), path, ledger.VerifyOptions{Anchor: bad})
	require.ErrorIs(t, err, models.ErrInvalid)

	good := filepath.Join(dir, "good")
	require.NoError(t, open(good).Close(), "it goes on where it can")
	require.Empty(t, kinds(t, path, ledger.VerifyOptions{Anchor: good}))
}

// TestVerifyAudit verifies a database without opening a store.
func TestVerifyAudit(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "tier2.db")
	_, err := tier2.VerifyAudit(t.Context(), path, ledger.VerifyOptions{})
	require.ErrorIs(t, err, models.ErrNotFound)
	assert.NoFileExists(t, path)
	for _, dsn := range []string{"", ":memory:", "postgres://u:hunter2@127.0.0.1:bad/db"} {
		_, err = tier2.VerifyAudit(t.Context(), dsn, ledger.VerifyOptions{})
		require.ErrorIs(t, err, models.ErrInvalid, dsn)
		assert.NotContains(t, err.Error(), "hunter2")
	}
	sealed(t, path, 3)
	report, err := tier2.VerifyAudit(t.Context(), path, ledger.VerifyOptions{})
	require.NoError(t, err)
	assert.Equal(t, []int64{3, 0, 3}, []int64{report.Sealed, report.Unsealed, report.Checkpoint.Size}, "Close has sealed")

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tier2.VerifyAudit(ended, path, ledger.VerifyOptions{})
	require.ErrorIs(t, err, context.Canceled)
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	require.NoError(t, store.DB().Exec("PRAGMA user_version = 3").Error)
	require.NoError(t, store.Close())
	_, err = tier2.VerifyAudit(t.Context(), path, ledger.VerifyOptions{})
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.ErrorContains(t, err, "version 3")
}

// TestCopiedLog: a copy on the other engine holds the same log, with the same tree.
func TestCopiedLog(t *testing.T) {
	t.Parallel()
	crossings(t, func(t *testing.T, from, to *tier2.Store) {
		fill(t, from)
		first, err := from.Audit.Seal(t.Context())
		require.NoError(t, err)
		require.NoError(t, from.Memory.Put(t.Context(), "later", models.JSON(`{"n": 1e2}`)))
		copied(t, from, to)
		report, err := to.Audit.Verify(t.Context(), ledger.VerifyOptions{})
		require.NoError(t, err)
		assert.Empty(t, report.Findings)
		assert.Equal(t, first, report.Checkpoint)
		assert.EqualValues(t, 1, report.Unsealed)

		mine, err := from.Audit.Seal(t.Context())
		require.NoError(t, err)
		its, err := to.Audit.Seal(t.Context())
		require.NoError(t, err)
		assert.Equal(t, mine.Root, its.Root)
	})
}
