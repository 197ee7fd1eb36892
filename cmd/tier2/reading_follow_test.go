package main

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestReading_Follow checks that audit --follow prints an entry that another store writes
// while it waits, and that an interrupt ends it without a message.
func TestReading_Follow(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"SQLite": file, "Postgres": pgtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := inhabited(t, dsn(t))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			store, err := tier2.Open(t.Context(), db)
			require.NoError(t, err)
			defer store.Close()
			var stdout bytes.Buffer
			lines := 0
			out := callback(func(p []byte) {
				stdout.Write(p)
				switch lines++; lines {
				case 2: // the last entry that existed before
					assert.NoError(t, store.Audit.Record(ctx, &models.AuditEntry{AgentID: "bob", Operation: "new", Status: models.AuditStarted}))
				case 3:
					cancel()
				}
			})
			var stderr bytes.Buffer
			code := Run(ctx, []string{"audit", "--follow", "--json", "--agent", "bob", "--since", "2026-01-02T12:00:02Z", "--db", db}, nil, out, &stderr)
			assert.Equal(t, exitInterrupt, code)
			assert.Empty(t, stderr.String())
			assert.Equal(t, 3, strings.Count(stdout.String(), "\n"))
			assert.Contains(t, stdout.String(), `"operation":"new"`)
		})
	}
}

// callback is a writer that calls a function.
type callback func(p []byte)

func (h callback) Write(p []byte) (int, error) {
	h(p)
	return len(p), nil
}
