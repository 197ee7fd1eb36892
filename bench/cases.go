package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// agents is the number of agents in the cases with many goroutines, and in batches.
const agents = 8

// writers are the contestants with writes of their own. The others write as one of these
// does.
var writers = []string{"hand-written", "plain GORM", "tier2"}

// cases are the comparisons that begin with an empty database.
func cases(d *databases) []bout {
	// on returns a setup that opens a contestant and returns its work.
	on := func(toDisk bool, do func(c contestant, s *source) work) func(context.Context, string) (work, func() error, error) {
		return func(ctx context.Context, name string) (work, func() error, error) {
			c, closing, err := d.open(ctx, name, toDisk)
			if err != nil {
				return nil, nil, err
			}
			return do(c, newSource(agents)), closing, nil
		}
	}
	withSeed := contestants
	if !d.onPostgres() {
		withSeed = slices.Concat(contestants, []string{handOnSeed})
	}
	alone := withSeed
	if !d.onPostgres() {
		alone = slices.Concat(withSeed, []string{asDocumented})
	}
	list := []bout{
		{name: "one save", unit: "save", units: 300, contestants: alone, setup: on(false, saves), targets: saveTargets(d)},
		{name: "one save, every commit to disk", unit: "save", units: 100, contestants: writers, setup: on(true, saves)},
	}
	for _, goroutines := range []int{8, 32} {
		for _, toDisk := range []bool{false, true} {
			b := bout{name: fmt.Sprintf("%d goroutines saving", goroutines), unit: "save", units: 20 * goroutines,
				contestants: writers, setup: on(toDisk, together(goroutines))}
			if toDisk {
				b.name += ", every commit to disk"
			}
			if goroutines == 32 && !d.onPostgres() {
				b.targets = []target{faster("tier2", map[bool]float64{false: 2.5, true: 8}[toDisk], "hand-written")}
			}
			list = append(list, b)
		}
	}
	for _, size := range []int{100, 1000, 10_000} {
		b := bout{name: fmt.Sprintf("a batch of %d", size), unit: "batch", units: 1 + 1000/size, contestants: contestants, setup: on(false, batches(size))}
		if size == 10_000 && d.onPostgres() {
			b.rounds = 3
		}
		if size == 1000 && !d.onPostgres() {
			b.contestants, b.targets = withSeed, []target{atMost("tier2", elapsed, 1, "hand-written")}
		}
		list = append(list, b)
	}
	list = append(list,
		bout{name: "a whole execution (receipt, five metrics)", unit: "execution", units: 100, contestants: contestants, setup: on(false, executions)},
		bout{name: "Get by execution id", unit: "receipt", units: 500, contestants: contestants, setup: on(false, gets),
			targets: getTargets(d)},
		bout{name: "update by key", unit: "update", units: 200, contestants: writers, setup: on(false, updates)},
		bout{name: "conditional update of 100 rows", unit: "update", units: 5, contestants: writers, setup: on(false, updatesOfMany)},
	)
	if !d.onPostgres() {
		list = append(list, bout{name: "a batch of 10000, with and without the totals of the views", unit: "batch", units: 1,
			contestants: []string{withoutTotals, "tier2"}, setup: on(false, batches(10_000)),
			targets: []target{atMost("tier2", elapsed, 1.1, withoutTotals)}})
	}
	return list
}

func saveTargets(d *databases) []target {
	if d.onPostgres() {
		return []target{atMost("tier2", elapsed, 1.4, "hand-written")}
	}
	return []target{
		atMost("tier2", elapsed, 1.25, "hand-written"), atMost("tier2", allocations, 1.3, "hand-written"), faster("tier2", 2, "plain GORM"), faster("tier2", 2, asDocumented),
	}
}

func getTargets(d *databases) []target {
	if d.onPostgres() {
		return nil
	}
	return []target{atMost("tier2", elapsed, 1.3, "hand-written")}
}

func saves(c contestant, s *source) work {
	return func(ctx context.Context, n int) error {
		for range n {
			if err := c.save(ctx, s.receipt(0)); err != nil {
				return err
			}
		}
		return nil
	}
}

// together saves n receipts from n goroutines.
func together(goroutines int) func(c contestant, s *source) work {
	return func(c contestant, s *source) work {
		return func(ctx context.Context, n int) error {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			var wg sync.WaitGroup
			for g := range goroutines {
				var receipts []*models.Receipt
				for i := g; i < n; i += goroutines {
					receipts = append(receipts, s.receipt(g))
				}
				wg.Go(func() {
					for _, r := range receipts {
						if err := c.save(ctx, r); err != nil {
							cancel(err)
							return
						}
					}
				})
			}
			wg.Wait()
			return context.Cause(ctx)
		}
	}
}

func batches(size int) func(c contestant, s *source) work {
	return func(c contestant, s *source) work {
		return func(ctx context.Context, n int) error {
			for range n {
				batch := make([]*models.Receipt, size)
				for i := range batch {
					batch[i] = s.receipt(i)
				}
				if err := c.batch(ctx, batch); err != nil {
					return err
				}
			}
			return nil
		}
	}
}

func executions(c contestant, s *source) work {
	return func(ctx context.Context, n int) error {
		for range n {
			r := s.receipt(0)
			s.stages(r)
			if err := c.execution(ctx, r); err != nil {
				return err
			}
		}
		return nil
	}
}

// filled calls do with a contestant that has a thousand receipts.
func filled(do func(c contestant, receipts []*models.Receipt) work) func(c contestant, s *source) work {
	return func(c contestant, s *source) work {
		receipts := make([]*models.Receipt, 1000)
		for i := range receipts {
			receipts[i] = s.receipt(i / 100)
		}
		inner := do(c, receipts)
		var once sync.Once
		return func(ctx context.Context, n int) (err error) {
			once.Do(func() { err = c.batch(ctx, receipts) })
			if err != nil {
				return err
			}
			return inner(ctx, n)
		}
	}
}

func gets(c contestant, s *source) work {
	return filled(func(c contestant, receipts []*models.Receipt) work {
		return func(ctx context.Context, n int) error {
			for i := range n {
				if _, err := c.get(ctx, receipts[i*7%len(receipts)].ExecutionID); err != nil {
					return err
				}
			}
			return nil
		}
	})(c, s)
}

func updates(c contestant, s *source) work {
	return filled(func(c contestant, receipts []*models.Receipt) work {
		return func(ctx context.Context, n int) error {
			for i := range n {
				if err := c.updateOne(ctx, receipts[i*7%len(receipts)].ExecutionID, time.Now().String()); err != nil {
					return err
				}
			}
			return nil
		}
	})(c, s)
}

func updatesOfMany(c contestant, s *source) work {
	return filled(func(c contestant, receipts []*models.Receipt) work {
		return func(ctx context.Context, n int) error {
			for range n {
				if err := c.updateMany(ctx, receipts[450].AgentID, time.Now().String()); err != nil {
					return err
				}
			}
			return nil
		}
	})(c, s)
}
