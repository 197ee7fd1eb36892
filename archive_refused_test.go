package tier2_test

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
	_, err := other.Archive(t.Context(), time.Now(), foreign)
	require.NoError(t, err)
	archive := open(t, foreign)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	closed := open(t, filepath.Join(dir, "closed.db"))
	require.NoError(t, closed.Close())

	before := rows(t, live)
	for name, tt := range map[string]struct {
		do   func() error
		want error
	}{
		"NoTime":   {func() error { _, err := live.Archive(t.Context(), time.Time{}, empty); return err }, models.ErrInvalid},
		"Future":   {func() error { _, err := live.Archive(t.Context(), time.Now().Add(time.Hour), empty); return err }, models.ErrInvalid},
		"Blank":    {func() error { _, err := live.Archive(t.Context(), time.Now(), " "); return err }, models.ErrInvalid},
		"Memory":   {func() error { _, err := live.Archive(t.Context(), time.Now(), ":memory:"); return err }, models.ErrInvalid},
		"Itself":   {func() error { _, err := live.Archive(t.Context(), time.Now(), here); return err }, models.ErrInvalid},
		"Own":      {func() error { _, err := live.Archive(t.Context(), time.Now(), own); return err }, models.ErrConflict},
		"Foreign":  {func() error { _, err := live.Archive(t.Context(), time.Now(), foreign); return err }, models.ErrConflict},
		"Folder":   {func() error { _, err := live.Archive(t.Context(), time.Now(), dir); return err }, models.ErrInvalid},
		"Ended":    {func() error { _, err := live.Archive(ended, time.Now(), empty); return err }, context.Canceled},
		"DryEnded": {func() error { _, err := live.Archive(ended, time.Now(), empty, tier2.DryRun()); return err }, context.Canceled},
		"Closed":   {func() error { _, err := closed.Archive(t.Context(), time.Now(), empty); return err }, models.ErrClosed},
		"Inside": {func() error {
			return live.Transaction(t.Context(), func(tx *tier2.Store) error { _, err := tx.Archive(t.Context(), time.Now(), empty); return err })
		}, models.ErrInvalid},
		"DryInside": {func() error {
			return live.Transaction(t.Context(), func(tx *tier2.Store) error {
				_, err := tx.Archive(t.Context(), time.Now(), empty, tier2.DryRun())
				return err
			})
		}, models.ErrInvalid},
		"OfArchive":      {func() error { _, err := archive.Archive(t.Context(), time.Now(), second); return err }, models.ErrReadOnly},
		"DryOfArchive":   {func() error { _, err := archive.Archive(t.Context(), time.Now(), empty, tier2.DryRun()); return err }, models.ErrReadOnly},
		"ToArchive":      {func() error { _, err := archive.Restore(t.Context(), foreign, nil); return err }, models.ErrReadOnly},
		"RestoreNone":    {func() error { _, err := live.Restore(t.Context(), filepath.Join(dir, "no.db"), nil); return err }, models.ErrNotFound},
		"RestoreOwn":     {func() error { _, err := live.Restore(t.Context(), own, nil); return err }, models.ErrConflict},
		"RestoreForeign": {func() error { _, err := live.Restore(t.Context(), foreign, nil); return err }, models.ErrConflict},
		"RestoreUnknown": {func() error { _, err := live.Restore(t.Context(), foreign, []string{"unknown"}); return err }, models.ErrNotFound},
		"RestoreBlank":   {func() error { _, err := live.Restore(t.Context(), foreign, []string{""}); return err }, models.ErrInvalid},
		"RestoreItself":  {func() error { _, err := live.Restore(t.Context(), here, nil); return err }, models.ErrConflict},
		"RestoreInside": {func() error {
			return live.Transaction(t.Context(), func(tx *tier2.Store) error { _, err := tx.Restore(t.Context(), foreign, nil); return err })
		}, models.ErrInvalid},
	} {
		assert.ErrorIs(t, tt.do(), tt.want, name)
	}
	assert.Equal(t, before, rows(t, live))
	require.Empty(t, kinds(t, own, ledger.VerifyOptions{}))
	assert.NoFileExists(t, filepath.Join(dir, "no.db"))
	assert.NoFileExists(t, second)
	assert.NoFileExists(t, empty)
}

// TestArchive_Password: no refusal shows that of a server.
func TestArchive_Password(t *testing.T) {
	t.Parallel()
	dsn := pgtest.DSN(t)
	live := open(t, dsn)
	u, err := url.Parse(dsn)
	require.NoError(t, err)
	u.User = url.UserPassword(u.User.Username(), "hunter2") // which the server does not ask for
	_, err = live.Archive(t.Context(), time.Now(), u.String())
	require.ErrorIs(t, err, models.ErrInvalid)
	assert.NotContains(t, err.Error(), "hunter2")
	_, err = live.Restore(t.Context(), u.String(), nil)
	require.ErrorIs(t, err, models.ErrConflict)
	assert.NotContains(t, err.Error(), "hunter2")
}
