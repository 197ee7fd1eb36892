package tier2_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// BenchmarkReports asks for each figure of a report, of 5,000 receipts with two metrics
// each, or of TIER2_REPORT_RECEIPTS, of all of them and of a window that holds nine of ten.
func BenchmarkReports(b *testing.B) {
	receipts := 5000
	if text := os.Getenv("TIER2_REPORT_RECEIPTS"); text != "" {
		var err error
		receipts, err = strconv.Atoi(text)
		require.NoError(b, err)
	}
	store := opened(b, filepath.Join(b.TempDir(), "tier2.db"))
	grow(b, store, receipts)
	for _, statement := range []string{
		"INSERT INTO slo_violations (execution_id, metric, target_value, actual_value, severity, timestamp) SELECT execution_id, 'first_build', 15, 15 + duration_ms, 'warning', timestamp FROM receipts WHERE id % 10 = 0",
		"INSERT INTO workflow_sessions (session_id, start_time, status, agent_count) VALUES ('s', '2026-01-29 12:34:56', 'running', 20)",
		"INSERT INTO collision_detection (session_id, agent_id_1, agent_id_2, collision_type, description, severity, timestamp) SELECT 's', agent_id, 'agent-' || id % 19, 'file_conflict', 'both', 'info', timestamp FROM receipts WHERE id % 10 = 1",
	} {
		require.NoError(b, store.DB().Exec(statement).Error)
	}
	require.NoError(b, store.Maintain(b.Context()))
	since := time.Unix(1769690096+int64(receipts/10), 0)
	for name, f := range map[string]repository.ReportFilter{"All": {}, "Window": {Since: since, Until: since.AddDate(1, 0, 0)}} {
		for figure, ask := range map[string]func(ctx context.Context) error{
			"Stages":     func(ctx context.Context) error { _, err := store.Reports.StagePercentiles(ctx, f); return err },
			"Agents":     func(ctx context.Context) error { _, err := store.Reports.AgentPercentiles(ctx, f, 0); return err },
			"Timeline":   func(ctx context.Context) error { _, err := store.Reports.Timeline(ctx, f, 0); return err },
			"SLOs":       func(ctx context.Context) error { _, err := store.Reports.SLOs(ctx, f); return err },
			"Collisions": func(ctx context.Context) error { _, err := store.Reports.CollisionMatrix(ctx, f, 0); return err },
			"Failures": func(ctx context.Context) error {
				_, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{Since: f.Since, Until: f.Until})
				return err
			},
		} {
			b.Run(fmt.Sprintf("%s/%s/receipts=%d", figure, name, receipts), func(b *testing.B) {
				b.ReportAllocs()
				for range b.N {
					require.NoError(b, ask(b.Context()))
				}
			})
		}
	}
}
