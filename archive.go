package tier2

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/archive"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// ArchiveReport is what Archive or Restore moved.
type ArchiveReport = archive.Report

// ArchiveOptions say how Archive works. The zero value: it moves.
type ArchiveOptions struct {
	// DryRun has it only count what it would move: it opens, makes and changes nothing.
	DryRun bool
	// Progress, unless nil, is called after each batch, with what was moved until then.
	Progress func(ArchiveReport)
}

// RestoreOptions say what Restore brings back. The zero value: all that the archive has.
type RestoreOptions struct {
	// Executions are the ids of those that it brings back; empty means all.
	Executions []string
	// Progress, unless nil, is called after each batch, with what was restored until then.
	Progress func(ArchiveReport)
}

// Archive moves the executions that began before a time to an archive, which path names
// as Open takes it, and which is made if it does not exist: each receipt with its metrics,
// its violations and the audit entries that name it. The archive is a store that can be
// read like any other; saving into it is models.ErrReadOnly. Sessions, collisions and
// memory stay, and so do the entries about them.
//
// Rows go in batches, foreign keys in their order, each into the archive and on its disk
// before it leaves the store; so whatever ends it, nothing is lost, and another run does
// the rest. What others change meanwhile is left for another run (Kept). Entries
// audit_log.archive say which entries went, their hashes stay in the tree, and
// Audit.Verify holds store and archives together (ledger.VerifyOptions.Archives).
//
// Errors: models.ErrInvalid for a zero or future time, a blank path, the store itself and
// from inside a transaction; models.ErrReadOnly if the store is an archive;
// models.ErrConflict for a path that holds a store of its own, or the archive of another;
// what Audit.Seal returns, which it calls; and the context's own.
func (s *Store) Archive(ctx context.Context, before time.Time, path string, opts ArchiveOptions) (report ArchiveReport, err error) {
	switch {
	case before.IsZero() || models.At(before).After(s.log.Now()):
		return report, &models.Error{Kind: models.ErrInvalid, Value: before, Reason: "an archive is of executions that began before a time, which must be set and not lie in the future"}
	case opts.DryRun:
		if err := s.whole(); err != nil {
			return report, err
		}
		m := archive.Move{Live: s.handles.Bulk, Tables: schema.Tables()}
		return m.Count(ctx, s.ids(ctx, repository.ReceiptFilter{Until: before}))
	}
	m, end, err := s.moving(ctx, path, opts.Progress)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, end()) }()
	m.Before = before
	return m.Run(ctx, s.ids(ctx, repository.ReceiptFilter{Until: before}), s.sealAll)
}

// Restore brings executions back from an archive of this store. What is there already
// stays, and what was deleted since stays deleted; the archive keeps what it has. Entries
// audit_log.restore say which entries came back. Errors: as of Archive, models.ErrConflict
// also for an execution that is there as another one; models.ErrNotFound for a path where
// no database is, and for an id that the archive does not have, before anything is done.
func (s *Store) Restore(ctx context.Context, path string, opts RestoreOptions) (report ArchiveReport, err error) {
	from, err := s.archived(ctx, path, WithExisting())
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if !from.archive {
		return report, &models.Error{Kind: models.ErrConflict, Value: from.where, Reason: "is no archive, but a store of its own"}
	}
	ids := from.ids(ctx, repository.ReceiptFilter{})
	if len(opts.Executions) > 0 {
		var chosen []int64
		for _, id := range opts.Executions {
			receipt, err := from.Receipts.Get(ctx, id)
			if err != nil {
				return report, err
			}
			chosen = append(chosen, receipt.ID)
		}
		ids = func(yield func(int64, error) bool) {
			for _, id := range chosen {
				if !yield(id, nil) {
					return
				}
			}
		}
	}
	m, err := s.move(ctx, from, opts.Progress)
	if err != nil {
		return report, err
	}
	return m.Restore(ctx, ids, s.sealAll)
}

// moving opens an archive to move executions to.
func (s *Store) moving(ctx context.Context, path string, progress func(ArchiveReport)) (*archive.Move, func() error, error) {
	to, err := s.archived(ctx, path)
	if err != nil {
		return nil, nil, err
	}
	m, err := s.move(ctx, to, progress)
	if err != nil {
		return nil, nil, errors.Join(err, to.Close())
	}
	return m, to.Close, nil
}

// archived opens an archive, each commit of which reaches the disk.
func (s *Store) archived(ctx context.Context, path string, opts ...Option) (*Store, error) {
	if err := s.whole(); err != nil {
		return nil, err
	}
	if err := s.handles.Read.WithContext(ctx).Exec("SELECT 1").Error; err != nil { // a closed store makes no archive
		return nil, err
	}
	where, err := Location(path)
	if err == nil && where == ":memory:" {
		err = &models.Error{Kind: models.ErrInvalid, Value: path, Reason: "an archive in memory would be gone at once"}
	}
	if err != nil {
		return nil, err
	}
	return Open(ctx, path, append(opts, WithSynchronousFull())...)
}

func (s *Store) move(ctx context.Context, other *Store, progress func(ArchiveReport)) (*archive.Move, error) {
	same, err := s.handles.Bulk.Same(ctx, other.handles.Bulk)
	if err == nil && same {
		err = &models.Error{Kind: models.ErrInvalid, Value: other.where, Reason: "store and archive are the same database"}
	}
	if err != nil {
		return nil, err
	}
	agent := hooks.Actor(ctx)
	if strings.TrimSpace(agent) == "" {
		agent = hooks.SystemActor
	}
	return &archive.Move{
		Live: s.handles.Bulk, Archive: other.handles.Bulk, Tables: schema.Tables(), Now: s.log.Now,
		Agent: agent, Source: s.where, Where: other.where, Progress: progress,
	}, nil
}

// whole refuses the store of a transaction, and an archive, before anything is opened.
func (s *Store) whole() error {
	if s.archive {
		return &models.Error{Kind: models.ErrReadOnly, Value: s.where, Reason: "is an archive: executions go between the store that they come from and its archives"}
	}
	return s.outsideTransaction("archive or restore executions")
}

func (s *Store) sealAll(ctx context.Context) error {
	_, err := s.Audit.Seal(ctx)
	return err
}

// ids are those of the receipts that f chooses.
func (s *Store) ids(ctx context.Context, f repository.ReceiptFilter) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for receipt, err := range s.Receipts.All(ctx, f) {
			if !yield(receipt.ID, err) || err != nil {
				return
			}
		}
	}
}
