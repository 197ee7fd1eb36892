package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"time"
)

// contestants in the order of the tables; the others are compared with the first.
var contestants = []string{"hand-written", "plain GORM", "tier2", "tier2 DB()"}

// asDocumented is plain GORM with its own connection, as its documentation shows: without
// the pragmas and the statement cache of the others.
const asDocumented = "plain GORM, opened as documented"

// handOnSeed is hand-written SQL on the schema that users of version 1.0.0 have.
const handOnSeed = "hand-written, schema 1.0.0"

// withoutTotals is tier2 on tables without stored totals.
const withoutTotals = "tier2 without totals"

// quantity is a kind of measurement.
type quantity int

const (
	elapsed     quantity = iota // nanoseconds per unit of work
	allocations                 // Go allocations per unit of work
	size                        // bytes, in memory or on disk
	quantities
)

func (q quantity) String() string { return [...]string{"time", "allocations", "size"}[q] }

// sample holds the quantities of one contestant in one round; NaN if not measured.
type sample [quantities]float64

// measurement holds the samples of a contestant, by round.
type measurement struct {
	contestant string
	rounds     [quantities][]float64
	// stopped is the time limit that ended the measurement; 0 if none did.
	stopped time.Duration
}

func (m *measurement) add(s sample) {
	for q, v := range s {
		if !math.IsNaN(v) {
			m.rounds[q] = append(m.rounds[q], v)
		}
	}
}

// median returns the median of a quantity, and whether it was measured.
func (m *measurement) median(q quantity) (float64, bool) {
	return median(m.rounds[q]), len(m.rounds[q]) > 0
}

// ratio returns the ratio to another contestant: the median of the ratios per round, or the
// ratio of the medians if one of them has fewer rounds.
func (m *measurement) ratio(q quantity, to *measurement) (float64, bool) {
	a, b := m.rounds[q], to.rounds[q]
	if len(a) == 0 || len(b) == 0 {
		return 0, false
	}
	if len(a) != len(b) {
		return median(a) / median(b), true
	}
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios), true
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// work does n units of work.
type work func(ctx context.Context, n int) error

// bout is one case.
type bout struct {
	name        string
	unit        string // the name of a unit of work
	units       int    // per round
	contestants []string
	targets     []target
	// setup opens a contestant.
	setup func(ctx context.Context, contestant string) (work, func() error, error)
	// measure returns the sample of a round; nil means the time and the allocations of
	// work.
	measure func(ctx context.Context, contestant string) (sample, error)
	rounds  int           // at most; 0 is no bound
	once    []string      // slow contestants that run in the first round only
	limit   time.Duration // ends a round of the slow contestants; 0 is no bound
}

// run measures the contestants in turn and begins each round with another one.
func (b bout) run(ctx context.Context, rounds int) ([]*measurement, error) {
	turns := make([]func(ctx context.Context) (sample, error), len(b.contestants))
	list := make([]*measurement, len(b.contestants))
	for i, name := range b.contestants {
		list[i] = &measurement{contestant: name}
		if b.measure != nil {
			turns[i] = func(ctx context.Context) (sample, error) { return b.measure(ctx, name) }
			continue
		}
		work, closing, err := b.setup(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", b.name, name, err)
		}
		defer closing()
		turns[i] = func(ctx context.Context) (sample, error) { return timed(ctx, work, b.units) }
	}
	if b.rounds > 0 {
		rounds = min(rounds, b.rounds)
	}
	warmUp := 1
	if b.measure != nil {
		warmUp = 0
	}
	for round := range warmUp + rounds {
		for k := range turns {
			i := (k + round) % len(turns)
			once := slices.Contains(b.once, b.contestants[i])
			if once && round > 0 {
				continue
			}
			s, err := b.turn(ctx, turns[i], once)
			if once && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
				list[i].stopped = b.limit
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", b.name, b.contestants[i], err)
			}
			if once || round >= warmUp {
				list[i].add(s)
			}
		}
	}
	return list, nil
}

func (b bout) turn(ctx context.Context, turn func(context.Context) (sample, error), once bool) (sample, error) {
	if once && b.limit > 0 {
		limited, cancel := context.WithTimeout(ctx, b.limit)
		defer cancel()
		s, err := turn(limited)
		if err != nil && limited.Err() != nil {
			err = limited.Err() // the error of the driver is only "interrupted"
		}
		return s, err
	}
	return turn(ctx)
}

// timed returns the sample of n units of work.
func timed(ctx context.Context, work work, n int) (sample, error) {
	runtime.GC()
	before, start := mallocs(), time.Now()
	if err := work(ctx, n); err != nil {
		return sample{}, err
	}
	took, after := time.Since(start), mallocs()
	return sample{elapsed: float64(took) / float64(n), allocations: float64(after-before) / float64(n), size: nan}, nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}
