package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// contestants in the order of the tables; the others are compared with the first.
var contestants = []string{"hand-written", "plain GORM", "tier2", "tier2 DB()"}

// measurement is what a contestant took for a unit of work, as the median of rounds.
type measurement struct {
	contestant string
	time       time.Duration
	allocs     float64
	// timeRatio and allocRatio are medians of the ratio to the first contestant's in
	// the same round.
	timeRatio, allocRatio float64
}

// bout is one case: setup opens a contestant and returns a function that does n units
// of work.
type bout struct {
	name        string
	unit        string
	units       int // a round
	contestants []string
	setup       func(ctx context.Context, contestant string) (work func(ctx context.Context, n int) error, closing func() error, err error)
}

// run lets the contestants take turns, rounds times each, beginning with another one
// each time.
func (b bout) run(ctx context.Context, rounds int) ([]measurement, error) {
	works := make([]func(context.Context, int) error, len(b.contestants))
	for i, name := range b.contestants {
		work, closing, err := b.setup(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", b.name, name, err)
		}
		defer closing()
		works[i] = work
	}
	times, allocs := make([][]float64, len(works)), make([][]float64, len(works))
	for round := range rounds + 1 {
		for k := range works {
			i := (k + round) % len(works)
			runtime.GC()
			before, start := mallocs(), time.Now()
			if err := works[i](ctx, b.units); err != nil {
				return nil, fmt.Errorf("%s, %s: %w", b.name, b.contestants[i], err)
			}
			took, after := time.Since(start), mallocs()
			if round > 0 { // the first warms up
				times[i] = append(times[i], float64(took)/float64(b.units))
				allocs[i] = append(allocs[i], float64(after-before)/float64(b.units))
			}
		}
	}
	list := make([]measurement, len(works))
	for i, name := range b.contestants {
		list[i] = measurement{
			contestant: name, time: time.Duration(median(times[i])), allocs: median(allocs[i]),
			timeRatio: median(ratios(times[i], times[0])), allocRatio: median(ratios(allocs[i], allocs[0])),
		}
	}
	return list, nil
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func ratios(a, b []float64) []float64 {
	list := make([]float64, len(a))
	for i := range a {
		list[i] = a[i] / b[i]
	}
	return list
}

func median(list []float64) float64 {
	sorted := slices.Sorted(slices.Values(list))
	n := len(sorted)
	if n == 0 {
		return 0
	}
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
