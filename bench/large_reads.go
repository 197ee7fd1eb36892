package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// view is a question of the views, as tier2 answers it and as SQL over the tables of
// schema 1.0.0 does.
type view struct {
	name string
	ask  func(ctx context.Context, r *repository.Reports) error
	old  string
}

// views are all three. The old queries are the published view recent_executions, and
// for the other two the columns that its documentation names.
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

// view asks tier2 after some more saves, so that totals have a tail that is not folded.
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

// pages reads a page four fifths down the receipts of an agent, or of all for "": as
// tier2 by the cursor of the page before, else behind the last row of that.
func (s *shelf) pages(agent string) func(context.Context, entry, contestant) (work, error) {
	return func(ctx context.Context, e entry, c contestant) (work, error) {
		list := c.(closing).store.Receipts.List
		before, cursor, err := list(ctx, repository.ReceiptFilter{AgentID: agent, Until: filledAt(e.receipts / 5)})
		if err != nil || cursor == "" {
			return nil, fmt.Errorf("no page behind %d receipts: %w", len(before), err)
		}
		last := before[len(before)-1]
		read := func(ctx context.Context) (int, error) {
			page, err := c.page(ctx, agent, last.Timestamp, last.ID)
			return len(page), err
		}
		if e.contestant == "tier2" {
			read = func(ctx context.Context) (int, error) {
				page, _, err := list(ctx, repository.ReceiptFilter{AgentID: agent, Page: repository.Page{Cursor: cursor}})
				return len(page), err
			}
		}
		return func(ctx context.Context, n int) error {
			for range n {
				if rows, err := read(ctx); err != nil || rows != 50 {
					return fmt.Errorf("%d rows: %w", rows, err)
				}
			}
			return nil
		}, nil
	}
}

// streaming reads every receipt, each contestant in a process of its own, whose memory
// nobody else has filled.
func (s *shelf) streaming() bout {
	names, by := enter(entry{"hand-written", s.many}, entry{"plain GORM", s.many}, entry{"tier2", s.many})
	return bout{name: "reading every receipt as a stream, newest first", unit: "stream", contestants: names, rounds: 3,
		targets: []target{below(names[2], size, 64<<20), atMost(names[2], elapsed, 1.5, names[0])},
		measure: func(ctx context.Context, name string) (sample, error) {
			path, err := s.path(ctx, by[name].receipts)
			if err != nil {
				return sample{}, err
			}
			return streamInChild(ctx, path, by[name].contestant)
		},
		setup: s.on(by, func(_ context.Context, e entry, c contestant) (work, error) {
			return func(ctx context.Context, n int) error {
				for range n {
					if _, err := stream(ctx, c); err != nil {
						return err
					}
				}
				return nil
			}, nil
		}),
	}
}

func stream(ctx context.Context, c contestant) (rows int, err error) {
	err = c.stream(ctx, func(*models.Receipt) { rows++ })
	return rows, err
}

// streamed is what a child says about its stream. Resident is the most memory that it
// had, in bytes, 0 if the system does not tell.
type streamed struct {
	Rows        int
	Nanoseconds int64
	Allocations uint64
	Resident    int64
}

func streamInChild(ctx context.Context, path, contestant string) (sample, error) {
	binary, err := os.Executable()
	if err != nil {
		return sample{}, err
	}
	child := exec.CommandContext(ctx, binary, "-stream", path, "-contestant", contestant)
	child.Stderr = os.Stderr
	out, err := child.Output()
	if err != nil {
		return sample{}, err
	}
	var s streamed
	if err := json.Unmarshal(out, &s); err != nil {
		return sample{}, err
	}
	result := sample{elapsed: float64(s.Nanoseconds), allocations: float64(s.Allocations), size: nan}
	if s.Resident > 0 {
		result[size] = float64(s.Resident)
	}
	return result, nil
}

// streamHere is the child.
func streamHere(ctx context.Context, path, contestant string) error {
	c, err := newContestant(ctx, contestant, path, tier2.WithExisting())
	if err != nil {
		return err
	}
	before, start := mallocs(), time.Now()
	rows, err := stream(ctx, c)
	took, after := time.Since(start), mallocs()
	if err != nil {
		return err
	}
	resident := peak()
	if err := c.close(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(streamed{rows, took.Nanoseconds(), after - before, resident})
}

// peak is the most memory that this process had resident, in bytes. Linux counts it
// for each address space (proc(5), VmHWM), while getrusage's ru_maxrss begins with that
// of the parent.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _ := strconv.ParseInt(strings.TrimSpace(strings.SplitN(rest, "kB", 2)[0]), 10, 64)
	return kib << 10
}
