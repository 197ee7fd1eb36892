package tier2

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/transfer"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// ArchiveReport counts what Archive or Restore moved.
type ArchiveReport struct {
	Executions int64 `json:"executions"`
	Metrics    int64 `json:"metrics"`
	Violations int64 `json:"violations"`
	Entries    int64 `json:"audit_entries"`
	// Kept counts executions that were left in place: others changed them meanwhile, and another
	// run moves them; or the archive has another execution with the same execution_id, and they
	// need another archive.
	Kept int64 `json:"kept"`
}

// ArchiveOptions control Archive.
type ArchiveOptions struct {
	// DryRun counts what would be moved without opening or changing anything.
	DryRun bool
	// Progress, unless nil, is called after each batch with what was moved so far.
	Progress func(ArchiveReport)
}

// RestoreOptions control Restore. The zero value restores everything in the archive.
type RestoreOptions struct {
	// Executions names the executions to restore; empty means all.
	Executions []string
	// Progress, unless nil, is called after each batch with what was restored so far.
	Progress func(ArchiveReport)
}

// Archive moves the executions that began before a time to an archive: each receipt with its
// metrics, its violations and the audit entries that name it. path names the archive as Open takes
// it; a missing archive is created. An archive is a store that can be read like any other; saving
// into it is models.ErrReadOnly. Sessions, collisions and memory stay, with the entries about them.
//
// Rows move in batches, parents first. Each batch is on the disk of the archive before it leaves the
// store, so an interruption loses nothing, and another run does the rest. Entries audit_log.archive
// name the entries that left, whose hashes stay in the tree; Audit.Verify checks store and archives
// together (ledger.VerifyOptions.Archives).
//
// Errors: models.ErrInvalid for a zero or future time, a blank path, the store itself, and inside a
// transaction; models.ErrReadOnly if the store is an archive; models.ErrConflict if path holds a
// store that is no archive, or the archive of another store; the errors of Audit.Seal, which it
// calls; the context's error.
func (s *Store) Archive(ctx context.Context, before time.Time, path string, opts ArchiveOptions) (report ArchiveReport, err error) {
	if before.IsZero() || models.At(before).After(s.log.Now()) {
		return report, refuse.Invalid("", "", before,
			"an archive is of executions that began before a time, which must be set and not lie in the future")
	}
	ids := s.ids(ctx, repository.ReceiptFilter{Until: before})
	if opts.DryRun {
		if err := s.movable(); err != nil {
			return report, err
		}
		moved, err := transfer.Count(ctx, s.handles.Bulk, ids)
		return ArchiveReport(moved), err
	}
	return s.move(ctx, path, opts.Progress, func(_ *Store, m *transfer.Move) (transfer.Moved, error) {
		m.Before = before
		return m.Run(ctx, ids)
	})
}

// Restore copies executions back from an archive of this store, which keeps them. Rows that the
// store holds stay, and rows that it has deleted since stay deleted. Entries audit_log.restore name
// the entries that came back.
//
// Errors: those of Archive; models.ErrConflict also if the store holds another execution under the
// same name; models.ErrNotFound, before anything is changed, if there is no database at path or the
// archive lacks one of opts.Executions.
func (s *Store) Restore(ctx context.Context, path string, opts RestoreOptions) (report ArchiveReport, err error) {
	return s.move(ctx, path, opts.Progress, func(from *Store, m *transfer.Move) (moved transfer.Moved, err error) {
		if !from.archive {
			return moved, refuse.Value(models.ErrConflict, from.where, "is no archive, but a store of its own")
		}
		ids := from.ids(ctx, repository.ReceiptFilter{})
		if len(opts.Executions) > 0 {
			var chosen []any
			for _, id := range opts.Executions {
				receipt, err := from.Receipts.Get(ctx, id)
				if err != nil {
					return moved, err
				}
				chosen = append(chosen, receipt.ID)
			}
			ids = transfer.Sequence(chosen)
		}
		return m.Restore(ctx, ids)
	}, WithExisting())
}

// move opens the archive at path, each commit of which reaches the disk, and calls run.
func (s *Store) move(
	ctx context.Context, path string, progress func(ArchiveReport),
	run func(archive *Store, m *transfer.Move) (transfer.Moved, error), opts ...Option,
) (report ArchiveReport, err error) {
	if err := s.movable(); err != nil {
		return report, err
	}
	if err := s.handles.Read.WithContext(ctx).Exec("SELECT 1").Error; err != nil { // a closed store creates no archive
		return report, err
	}
	where, err := Location(path)
	if err == nil && where == ":memory:" {
		err = refuse.Invalid("", "", path, "an archive in memory would be lost at once")
	}
	if err != nil {
		return report, err
	}
	archive, err := Open(ctx, path, append(opts, WithSynchronousFull())...)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, archive.Close()) }()
	m := &transfer.Move{
		Live: s.handles.Bulk, Archive: archive.handles.Bulk, Source: s.where, Where: archive.where,
		Now: s.log.Now, Agent: cmp.Or(hooks.Actor(ctx), hooks.SystemActor),
		Seal: func(ctx context.Context) error {
			_, err := s.Audit.Seal(ctx)
			return err
		},
	}
	if progress != nil {
		m.Progress = func(moved transfer.Moved) { progress(ArchiveReport(moved)) }
	}
	moved, err := run(archive, m)
	return ArchiveReport(moved), err
}

// isArchive is why an archive rejects writes.
const isArchive = "is an archive: its executions are restored to the store that they come from"

// writable returns models.ErrReadOnly for an archive.
func (s *Store) writable() error {
	if s.archive {
		return refuse.Value(models.ErrReadOnly, s.where, isArchive)
	}
	return nil
}

// movable rejects stores whose executions cannot be moved.
func (s *Store) movable() error {
	return cmp.Or(s.writable(), s.outsideTransaction("archive or restore executions"))
}

// ids returns the ids of the receipts that f selects.
func (s *Store) ids(ctx context.Context, f repository.ReceiptFilter) iter.Seq2[any, error] {
	return func(yield func(any, error) bool) {
		for receipt, err := range s.Receipts.All(ctx, f) {
			if !yield(receipt.ID, err) || err != nil {
				return
			}
		}
	}
}
