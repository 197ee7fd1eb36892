package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// agents is how many agents save in the cases with many goroutines, and in batches.
const agents = 8

// cases are the comparisons on an empty database. newDSN gives each contestant one of
// its own.
func cases(newDSN func() string, onPostgres bool) []bout {
	all := contestants
	writers := []string{"hand-written", "plain GORM", "tier2"}
	// with opens a contestant and hands it to work.
	with := func(work func(c contestant, s *source) func(ctx context.Context, n int) error, opts ...tier2.Option) func(context.Context, string) (func(context.Context, int) error, func() error, error) {
		return func(ctx context.Context, name string) (func(context.Context, int) error, func() error, error) {
			c, err := newContestant(ctx, name, newDSN(), opts...)
			if err != nil {
				return nil, nil, err
			}
			return work(c, newSource(agents)), c.close, nil
		}
	}
	save := func(c contestant, s *source) func(context.Context, int) error {
		return func(ctx context.Context, n int) error {
			for range n {
				if err := c.save(ctx, s.receipt(0)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	list := []bout{
		{"one save", "save", 300, all, with(save)},
		{"one save, every commit to disk", "save", 100, writers, with(save, tier2.WithSynchronousFull())},
	}
	for _, goroutines := range []int{8, 32} {
		for _, full := range []bool{false, true} {
			var opts []tier2.Option
			name := fmt.Sprintf("%d goroutines saving", goroutines)
			if full {
				name += ", every commit to disk"
				opts = append(opts, tier2.WithSynchronousFull())
			}
			list = append(list, bout{name, "save", 20 * goroutines, writers, with(together(goroutines), opts...)})
		}
	}
	for _, size := range []int{100, 1000, 10_000} {
		list = append(list, bout{fmt.Sprintf("a batch of %d", size), "batch", 1 + 1000/size, all, with(batches(size))})
	}
	list = append(list,
		bout{"a whole execution (receipt, five metrics)", "execution", 100, all, with(executions)},
		bout{"Get by execution id", "receipt", 500, all, with(gets)},
	)
	if !onPostgres {
		list = append(list,
			bout{"update by key", "update", 200, []string{"hand-written", "plain GORM", "tier2"}, with(updates)},
			bout{"conditional update of 100 rows", "update", 5, []string{"hand-written", "plain GORM", "tier2"}, with(updatesOfMany)},
		)
	}
	return list
}

// together saves n receipts from as many goroutines.
func together(goroutines int) func(c contestant, s *source) func(context.Context, int) error {
	return func(c contestant, s *source) func(context.Context, int) error {
		return func(ctx context.Context, n int) error {
			ctx, cancel := context.WithCancelCause(ctx)
			defer cancel(nil)
			var wg sync.WaitGroup
			for g := range goroutines {
				receipts := make([]*models.Receipt, n/goroutines)
				for i := range receipts {
					receipts[i] = s.receipt(g)
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

func batches(size int) func(c contestant, s *source) func(context.Context, int) error {
	return func(c contestant, s *source) func(context.Context, int) error {
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

func executions(c contestant, s *source) func(context.Context, int) error {
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

// filled gives work a contestant with a thousand receipts.
func filled(work func(c contestant, receipts []*models.Receipt) func(context.Context, int) error) func(c contestant, s *source) func(context.Context, int) error {
	return func(c contestant, s *source) func(context.Context, int) error {
		receipts := make([]*models.Receipt, 1000)
		for i := range receipts {
			receipts[i] = s.receipt(i / 100)
		}
		inner := work(c, receipts)
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

func gets(c contestant, s *source) func(context.Context, int) error {
	return filled(func(c contestant, receipts []*models.Receipt) func(context.Context, int) error {
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

func updates(c contestant, s *source) func(context.Context, int) error {
	return filled(func(c contestant, receipts []*models.Receipt) func(context.Context, int) error {
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

func updatesOfMany(c contestant, s *source) func(context.Context, int) error {
	return filled(func(c contestant, receipts []*models.Receipt) func(context.Context, int) error {
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
