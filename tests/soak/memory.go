package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// memory is the memory that a process used.
type memory struct {
	early, late int64 // the largest heap in the first and the last third, in bytes
	resident    int64 // the largest resident set, in bytes; 0 if the system does not report it
}

// watch samples the memory of this process until ctx ends, which is after duration.
func watch(ctx context.Context, duration time.Duration) (m memory) {
	begun := time.Now()
	tick := time.NewTicker(duration / 60)
	defer tick.Stop()
	for {
		var stats runtime.MemStats
		runtime.ReadMemStats(&stats)
		switch heap := int64(stats.HeapAlloc); 3 * time.Since(begun) / duration {
		case 0:
			m.early = max(m.early, heap)
		case 1:
		default:
			m.late = max(m.late, heap)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			m.resident = resident()
			return m
		}
	}
}

// resident returns the largest resident set of this process so far (proc(5), VmHWM).
func resident() (bytes int64) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	_, _ = fmt.Sscan(rest, &bytes)
	return bytes << 10
}

// check returns an error if the memory exceeds limit bytes, or grows by more than garbage
// collection explains.
func (m memory) check(limit int64) error {
	const slack = 32 << 20
	if m.resident > limit || m.late > limit {
		return fmt.Errorf("it used more than %d MiB: %s", limit>>20, m)
	}
	if m.late > 2*m.early+slack {
		return fmt.Errorf("its heap grows: %s", m)
	}
	return nil
}

func (m memory) String() string {
	return fmt.Sprintf("heap at most %.1f MiB in the first third, %.1f MiB in the last, resident %d MiB",
		float64(m.early)/(1<<20), float64(m.late)/(1<<20), m.resident>>20)
}
