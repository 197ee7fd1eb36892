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
