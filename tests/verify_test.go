package tests

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestVerifyTriggers: Verify reports a log without its triggers, even if no entry was
// changed.
func TestVerifyTriggers(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"SQLite": {
			"DROP TRIGGER tier2_audit_log_update", "DROP TRIGGER tier2_audit_log_delete", "DROP TRIGGER tier2_audit_log_replace",
			"DROP TRIGGER tier2_audit_log_delete; CREATE TRIGGER tier2_audit_log_delete BEFORE DELETE ON audit_log BEGIN SELECT 1; END",
		},
		"Postgres": {
			"DROP TRIGGER tier2_audit_log_change ON audit_log", "DROP TRIGGER tier2_audit_log_truncate ON audit_log",
			"ALTER TABLE audit_log DISABLE TRIGGER tier2_audit_log_change", "ALTER TABLE audit_log ENABLE TRIGGER tier2_audit_log_change",
			"CREATE OR REPLACE FUNCTION tier2_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
		},
	} {
		for _, statement := range statements {
			t.Run(name+"/"+statement, func(t *testing.T) {
				t.Parallel()
				dsn := engines[name](t)
				store, err := tier2.Open(t.Context(), dsn)
				require.NoError(t, err)
				require.NoError(t, store.DB().Exec(statement).Error)
				require.NoError(t, store.Close())
				report, err := tier2.Verify(t.Context(), dsn)
				require.NoError(t, err)
				assert.NotEmpty(t, report.Findings)
			})
		}
	}
}

// TestVerify_Folder: where SQLite cannot create -wal and -shm, Verify fails and reports no
// findings about the database.
func TestVerify_Folder(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere")
	}
	path := filepath.Join(t.TempDir(), "tier2.db")
	require.NoError(t, open(t, path).Close())
	require.NoError(t, os.Chmod(filepath.Dir(path), 0o500))
	t.Cleanup(func() { assert.NoError(t, os.Chmod(filepath.Dir(path), 0o700)) })
	_, err := tier2.Verify(t.Context(), path)
	require.ErrorIs(t, err, models.ErrReadOnly)
	_, err = tier2.Open(t.Context(), path, tier2.WithReadOnly())
	require.ErrorIs(t, err, models.ErrReadOnly)
}
