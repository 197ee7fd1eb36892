package tests

import (
	"context"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestArchive_Refused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	here := filepath.Join(dir, "tier2.db")
	live := open(t, here)
	run(t, live, "coder", false)
	own, foreign, empty, second := filepath.Join(dir, "own.db"), filepath.Join(dir, "foreign.db"), filepath.Join(dir, "none.db"), filepath.Join(dir, "second.db")
	sealed(t, own, 3)
	other := open(t, filepath.Join(dir, "other.db"))
	run(t, other, "other", false)
	_, err := other.Archive(t.Context(), time.Now(), foreign, tier2.ArchiveOptions{})
	require.NoError(t, err)
	archive := open(t, foreign)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	closed := open(t, filepath.Join(dir, "closed.db"))
	require.NoError(t, closed.Close())

	type call func(ctx context.Context, s *tier2.Store) error
	to := func(before time.Time, path string, opts tier2.ArchiveOptions) call {
		return func(ctx context.Context, s *tier2.Store) error {
			_, err := s.Archive(ctx, before, path, opts)
			return err
		}
	}
	from := func(path string, executions ...string) call {
		return func(ctx context.Context, s *tier2.Store) error {
			_, err := s.Restore(ctx, path, tier2.RestoreOptions{Executions: executions})
			return err
		}
	}
	inside := func(do call) call {
		return func(ctx context.Context, s *tier2.Store) error {
			return s.Transaction(ctx, func(tx *tier2.Store) error { return do(ctx, tx) })
		}
	}
	now, all, dry := time.Now(), tier2.ArchiveOptions{}, tier2.ArchiveOptions{DryRun: true}
	before := rows(t, live)
	for name, tt := range map[string]struct {
		ctx   context.Context
		store *tier2.Store
		do    call
		want  error
	}{
		"NoTime":         {t.Context(), live, to(time.Time{}, empty, all), models.ErrInvalid},
		"Future":         {t.Context(), live, to(now.Add(time.Hour), empty, all), models.ErrInvalid},
		"Blank":          {t.Context(), live, to(now, " ", all), models.ErrInvalid},
		"Memory":         {t.Context(), live, to(now, ":memory:", all), models.ErrInvalid},
		"Itself":         {t.Context(), live, to(now, here, all), models.ErrInvalid},
		"Own":            {t.Context(), live, to(now, own, all), models.ErrConflict},
		"Foreign":        {t.Context(), live, to(now, foreign, all), models.ErrConflict},
		"Folder":         {t.Context(), live, to(now, dir, all), models.ErrInvalid},
		"Ended":          {ended, live, to(now, empty, all), context.Canceled},
		"DryEnded":       {ended, live, to(now, empty, dry), context.Canceled},
		"Closed":         {t.Context(), closed, to(now, empty, all), models.ErrClosed},
		"Inside":         {t.Context(), live, inside(to(now, empty, all)), models.ErrInvalid},
		"DryInside":      {t.Context(), live, inside(to(now, empty, dry)), models.ErrInvalid},
		"OfArchive":      {t.Context(), archive, to(now, second, all), models.ErrReadOnly},
		"DryOfArchive":   {t.Context(), archive, to(now, empty, dry), models.ErrReadOnly},
		"ToArchive":      {t.Context(), archive, from(foreign), models.ErrReadOnly},
		"RestoreNone":    {t.Context(), live, from(filepath.Join(dir, "no.db")), models.ErrNotFound},
		"RestoreOwn":     {t.Context(), live, from(own), models.ErrConflict},
		"RestoreForeign": {t.Context(), live, from(foreign), models.ErrConflict},
		"RestoreUnknown": {t.Context(), live, from(foreign, "unknown"), models.ErrNotFound},
		"RestoreBlank":   {t.Context(), live, from(foreign, ""), models.ErrInvalid},
		"RestoreItself":  {t.Context(), live, from(here), models.ErrConflict},
		"RestoreInside":  {t.Context(), live, inside(from(foreign)), models.ErrInvalid},
	} {
		assert.ErrorIs(t, tt.do(tt.ctx, tt.store), tt.want, name)
	}
	assert.Equal(t, before, rows(t, live))
	require.Empty(t, kinds(t, own, ledger.VerifyOptions{}))
	assert.NoFileExists(t, filepath.Join(dir, "no.db"))
	assert.NoFileExists(t, second)
	assert.NoFileExists(t, empty)
}

// TestArchive_Password: no error shows the password of a server.
func TestArchive_Password(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	live := open(t, dsn)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "hunter2") // the server does not ask for it
	_, err = live.Archive(t.Context(), time.Now(), u.String(), tier2.ArchiveOptions{})
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.NotContains(t, err.Error(), "hunter2")
	_, err = live.Restore(t.Context(), u.String(), tier2.RestoreOptions{})
	require.ErrorIs(t, err, models.ErrConflict)
	assert.NotContains(t, err.Error(), "hunter2")
}

// TestMarkedAsArchive: a store that was disguised as an archive is not checked less
// strictly: an anchor and keys are rejected, not ignored.
func TestMarkedAsArchive(t *testing.T) {
	t.Parallel()
	for name, dsn := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			private, public, err := ledger.GenerateKey("k")
			require.NoError(t, err)
			anchor := filepath.Join(t.TempDir(), "anchor")
			where := dsn(t)
			store := open(t, where, tier2.WithAnchor(anchor), tier2.WithSigner(private))
			for range 3 {
				require.NoError(t, store.Receipts.Create(t.Context(), receipt("coder")))
			}
			_, err = store.Audit.Seal(t.Context())
			require.NoError(t, err)
			for _, sql := range []string{
				"INSERT INTO tier2_archive VALUES ('elsewhere', '2026-01-29 12:34:56+00:00')",
				"INSERT INTO tier2_removed VALUES (2, 3)",
				"DELETE FROM audit_log WHERE id = 2", "DELETE FROM tier2_audit_tree WHERE entry_id = 2",
				"DELETE FROM tier2_checkpoints",
			} {
				require.NoError(t, store.DB().Exec(sql).Error)
			}
			for _, opts := range []ledger.VerifyOptions{{Anchor: anchor}, {Keys: []string{public}}} {
				_, err := store.Audit.Verify(t.Context(), opts)
				require.ErrorIs(t, err, models.ErrInvalid)
				_, err = tier2.VerifyAudit(t.Context(), where, opts)
				require.ErrorIs(t, err, models.ErrInvalid)
			}
		})
	}
}
