package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// streaming reads every receipt. Each contestant has its own process, so that its memory is
// not filled by others.
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

// streamed is the report of a child process. Resident is its peak memory in bytes, 0 if the
// system does not report it.
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

// streamHere is the work of the child process.
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

// peak returns the peak resident memory of this process, in bytes. Linux counts it per
// address space (proc(5), VmHWM), while ru_maxrss of getrusage starts with the parent's
// value.
func peak() int64 {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, _ := strconv.ParseInt(strings.TrimSpace(strings.SplitN(rest, "kB", 2)[0]), 10, 64)
	return kib << 10
}
