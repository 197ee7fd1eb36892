package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

const million = 1_000_000

// shelf holds filled databases for the cases of a run. Each is created on first use.
type shelf struct {
	d               *databases
	few, some, many int // receipts
	paths           map[int]string
	old             contestant // on schema 1.0.0, with many receipts
	bytes           map[string]int64
	source          *source // of the rows that the cases add
}

// newShelf returns a shelf of databases with many, many/100 and many/1000 receipts.
func newShelf(d *databases, many int) *shelf {
	return &shelf{d: d, few: many / 1000, some: many / 100, many: many, paths: map[int]string{}, bytes: map[string]int64{}, source: newSource(agents)}
}

// path returns the path of the file with n receipts.
func (s *shelf) path(ctx context.Context, n int) (string, error) {
	if path, ok := s.paths[n]; ok {
		return path, nil
	}
	path := s.d.file()
	c, err := newContestant(ctx, "tier2", path)
	if err != nil {
		return "", err
	}
	bytes, err := fill(ctx, pool(c), n)
	if err == nil {
		err = c.(closing).store.Maintain(ctx)
	}
	if err := errors.Join(err, c.close()); err != nil {
		return "", err
	}
	if n == s.many {
		s.bytes["tier2"] = bytes
	}
	s.paths[n] = path
	return path, nil
}

// onSeed returns a contestant on the file of schema 1.0.0 with many receipts. The file stays
// open, since a store that opens it again would upgrade it.
func (s *shelf) onSeed(ctx context.Context) (contestant, error) {
	if s.old != nil {
		return s.old, nil
	}
	c, err := newContestant(ctx, handOnSeed, s.d.file())
	if err != nil {
		return nil, err
	}
	bytes, err := fill(ctx, pool(c), s.many)
	if err != nil {
		return nil, errors.Join(err, c.close())
	}
	s.old, s.bytes[handOnSeed] = c, bytes
	return c, nil
}

// pool returns the pool for writes of a contestant's store.
func pool(c contestant) *sql.DB {
	db, err := c.(closing).store.DB().DB()
	if err != nil {
		panic(err) // a store always has a pool
	}
	return db
}

// open opens a contestant on the file with n receipts.
func (s *shelf) open(ctx context.Context, name string, n int) (contestant, error) {
	path, err := s.path(ctx, n)
	if err != nil {
		return nil, err
	}
	return newContestant(ctx, name, path)
}

func (s *shelf) close() error {
	if s.old == nil {
		return nil
	}
	return s.old.close()
}

// entry is a contestant on a database of a given size.
type entry struct {
	contestant string
	receipts   int
}

func (e entry) String() string {
	return fmt.Sprintf("%s, %s receipts", e.contestant, humanize.Comma(int64(e.receipts)))
}

// entries holds the contestants of a case by name.
type entries map[string]entry

func enter(list ...entry) (names []string, by entries) {
	by = entries{}
	for _, e := range list {
		names = append(names, e.String())
		by[e.String()] = e
	}
	return names, by
}

// on returns a setup that opens each entry and calls do with it.
func (s *shelf) on(by entries, do func(ctx context.Context, e entry, c contestant) (work, error)) func(context.Context, string) (work, func() error, error) {
	return func(ctx context.Context, name string) (work, func() error, error) {
		e := by[name]
		if e.contestant == handOnSeed {
			c, err := s.onSeed(ctx)
			if err != nil {
				return nil, nil, err
			}
			w, err := do(ctx, e, c)
			return w, func() error { return nil }, err
		}
		c, err := s.open(ctx, e.contestant, e.receipts)
		if err != nil {
			return nil, nil, err
		}
		w, err := do(ctx, e, c)
		if err != nil {
			return nil, nil, errors.Join(err, c.close())
		}
		return w, c.close, nil
	}
}

// largeCases are the comparisons on databases with many receipts.
func largeCases(s *shelf) []bout {
	var list []bout
	for _, v := range views {
		names, by := enter(entry{"tier2", s.some}, entry{"tier2", s.many}, entry{handOnSeed, s.many})
		list = append(list, bout{name: "view " + v.name, unit: "view", units: 1, contestants: names,
			targets: []target{below(names[1], elapsed, float64(5*time.Millisecond)), atMost(names[1], elapsed, 2, names[0])},
			setup:   s.on(by, s.view(v)), once: names[2:], limit: time.Minute})
	}
	names, by := enter(entry{"tier2", s.few}, entry{"tier2", s.many}, entry{"hand-written", s.few}, entry{"hand-written", s.many}, entry{handOnSeed, s.many})
	list = append(list, bout{name: "a save into many receipts", unit: "save", units: 100, contestants: names,
		targets: []target{atMost(names[1], elapsed, 1.3, names[0])}, setup: s.on(by, s.saves)})

	var all []entry
	for _, name := range contestants {
		all = append(all, entry{name, s.many})
	}
	names, by = enter(all...)
	list = append(list,
		bout{name: "Get by execution id among many", unit: "receipt", units: 200, contestants: names, setup: s.on(by, s.gets),
			targets: []target{atMost(names[2], elapsed, 1.3, names[0])}},
		bout{name: "a page of 50 deep in all receipts", unit: "page", units: 20, contestants: names, setup: s.on(by, s.pages(""))},
		bout{name: "a page of 50 deep in an agent's receipts", unit: "page", units: 20, contestants: names, setup: s.on(by, s.pages(agentName(3)))},
		s.streaming(),
		s.fileSize(),
		s.opening(),
	)
	return list
}

// saves saves receipts of a few agents, in turn.
func (s *shelf) saves(_ context.Context, _ entry, c contestant) (work, error) {
	return func(ctx context.Context, n int) error {
		for i := range n {
			if err := c.save(ctx, s.source.receipt(i)); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// gets reads receipts from all parts of the table.
func (s *shelf) gets(ctx context.Context, e entry, c contestant) (work, error) {
	ids, err := texts(ctx, pool(c), "SELECT execution_id FROM receipts WHERE id % ? = 0 ORDER BY id * 2654435761 % 999983", max(1, e.receipts/1000))
	return func(ctx context.Context, n int) error {
		for i := range n {
			if _, err := c.get(ctx, ids[i%len(ids)]); err != nil {
				return err
			}
		}
		return nil
	}, err
}

// pages reads a page after four fifths of the receipts of an agent or, for "", of all
// agents. tier2 uses the cursor of the page before, the others the last row of it.
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

// opening measures Open alone, on a file that was closed cleanly.
func (s *shelf) opening() bout {
	names, by := enter(entry{"tier2", s.few}, entry{"tier2", s.many})
	open := func(ctx context.Context, name string) (took time.Duration, err error) {
		path, err := s.path(ctx, by[name].receipts)
		if err != nil {
			return 0, err
		}
		start := time.Now()
		store, err := tier2.Open(ctx, path)
		if err != nil {
			return 0, err
		}
		took = time.Since(start)
		return took, store.Close()
	}
	return bout{name: "Open of an existing file", unit: "open", contestants: names,
		targets: []target{below(names[1], elapsed, float64(10*time.Millisecond))},
		measure: func(ctx context.Context, name string) (sample, error) {
			took, err := open(ctx, name)
			return sample{elapsed: float64(took), allocations: nan, size: nan}, err
		},
		setup: func(_ context.Context, name string) (work, func() error, error) {
			return func(ctx context.Context, n int) error {
				for range n {
					if _, err := open(ctx, name); err != nil {
						return err
					}
				}
				return nil
			}, func() error { return nil }, nil
		},
	}
}

// fileSize compares the bytes per receipt of files with receipts and audit entries only.
func (s *shelf) fileSize() bout {
	return bout{name: "file size a receipt with its audit entry", contestants: []string{handOnSeed, "tier2"}, rounds: 1,
		targets: []target{atMost("tier2", size, 1, handOnSeed)},
		measure: func(ctx context.Context, name string) (sample, error) {
			_, err := s.path(ctx, s.many)
			if name == handOnSeed {
				_, err = s.onSeed(ctx)
			}
			return sample{elapsed: nan, allocations: nan, size: float64(s.bytes[name]) / float64(s.many)}, err
		},
	}
}
