package main

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// view is a query of the views, in tier2 and in SQL over the tables of schema 1.0.0.
type view struct {
	name string
	ask  func(ctx context.Context, r *repository.Reports) error
	old  string
}

// views are the three views. The old queries are the published view recent_executions and,
// for the other two, the columns in the documentation of schema 1.0.0.
var views = []view{
	{"recent_executions", func(ctx context.Context, r *repository.Reports) error {
		_, err := r.RecentExecutions(ctx)
		return err
	}, "SELECT * FROM recent_executions"},
	{"agent_performance_summary", func(ctx context.Context, r *repository.Reports) error {
		_, err := r.AgentPerformance(ctx)
		return err
	}, `SELECT agent_id, COUNT(*) AS total_executions, SUM(status = 'passed') AS successful_executions, SUM(status = 'failed') AS failed_executions,
		AVG(duration_ms) AS avg_duration_ms, MIN(duration_ms) AS min_duration_ms, MAX(duration_ms) AS max_duration_ms,
		SUM(files_generated) AS total_files_generated, MAX(timestamp) AS last_execution FROM receipts GROUP BY agent_id`},
	{"pipeline_stage_performance", func(ctx context.Context, r *repository.Reports) error {
		_, err := r.StagePerformance(ctx)
		return err
	}, `SELECT stage, COUNT(*) AS execution_count, AVG(duration_ms) AS avg_duration_ms, MIN(duration_ms) AS min_duration_ms,
		MAX(duration_ms) AS max_duration_ms, SUM(status = 'passed') AS passed_count, SUM(status = 'failed') AS failed_count
		FROM pipeline_metrics GROUP BY stage`},
}

// view queries tier2 after some more saves, so that some rows are not in the totals yet.
func (s *shelf) view(v view) func(context.Context, entry, contestant) (work, error) {
	return func(ctx context.Context, e entry, c contestant) (work, error) {
		ask := func(ctx context.Context) error {
			rows, err := pool(c).QueryContext(ctx, v.old)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		}
		if e.contestant != handOnSeed {
			for i := range 500 {
				r := s.source.receipt(i)
				s.source.stages(r)
				if err := c.execution(ctx, r); err != nil {
					return nil, err
				}
			}
			ask = func(ctx context.Context) error { return v.ask(ctx, c.(closing).store.Reports) }
		}
		return func(ctx context.Context, n int) error {
			for range n {
				if err := ask(ctx); err != nil {
					return err
				}
			}
			return nil
		}, nil
	}
}
