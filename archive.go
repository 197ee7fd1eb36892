package tier2

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
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
	// Kept counts executions that were left in place: others changed them meanwhile, and
	// another run moves them; or the archive has another execution with the same
	// execution_id, and they need another archive.
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

// Archive moves the executions that began before a time to an archive: each receipt with
// its metrics, its violations and the audit entries that name it. path names the archive as
// Open takes it; a missing archive is created. An archive is a store that can be read like
// any other; saving into it is models.ErrReadOnly. Sessions, collisions and memory stay, and
// so do the entries about them.
//
// Rows move in batches, parents first. Each batch is on the disk of the archive before it
// leaves the store, so nothing is lost by an interruption, and another run does the rest.
// Executions that others change meanwhile are left for another run (Kept). Entries
// audit_log.archive name the entries that left, whose hashes stay in the tree; Audit.Verify
// checks store and archives together (ledger.VerifyOptions.Archives).
//
// Errors: models.ErrInvalid for a zero or future time, a blank path, the store itself, and
// inside a transaction; models.ErrReadOnly if the store is an archive; models.ErrConflict
// if path holds a store that is no archive, or the archive of another store; the errors of
// Audit.Seal, which it calls; the context's error.
func (s *Store) Archive(ctx context.Context, before time.Time, path string, opts ArchiveOptions) (report ArchiveReport, err error) {
	if before.IsZero() || models.At(before).After(s.log.Now()) {
		return report, &models.Error{
			Kind: models.ErrInvalid, Value: before,
			Reason: "an archive is of executions that began before a time, which must be set and not lie in the future",
		}
	}
	ids := s.ids(ctx, repository.ReceiptFilter{Until: before})
	if opts.DryRun {
		if err := s.movable(); err != nil {
			return report, err
		}
		m := transfer.Move{Live: s.handles.Bulk}
		moved, err := m.Count(ctx, ids)
		return ArchiveReport(moved), err
	}
	to, err := s.openArchive(ctx, path)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	m, err := s.move(ctx, to, opts.Progress)
	if err != nil {
		return report, err
	}
	m.Before = before
	moved, err := m.Run(ctx, ids)
	return ArchiveReport(moved), err
}

// Restore copies executions back from an archive of this store, which keeps them. Rows that
// the store holds stay, and rows that it has deleted since stay deleted. Entries
// audit_log.restore name the entries that came back.
//
// Errors: those of Archive; models.ErrConflict also if the store holds another execution
// under the same name; models.ErrNotFound, before anything is changed, if there is no
// database at path or the archive lacks one of opts.Executions.
func (s *Store) Restore(ctx context.Context, path string, opts RestoreOptions) (report ArchiveReport, err error) {
	from, err := s.openArchive(ctx, path, WithExisting())
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
		ids = transfer.Sequence(chosen)
	}
	m, err := s.move(ctx, from, opts.Progress)
	if err != nil {
		return report, err
	}
	moved, err := m.Restore(ctx, ids)
	return ArchiveReport(moved), err
}

// openArchive opens an archive, each commit of which reaches the disk.
func (s *Store) openArchive(ctx context.Context, path string, opts ...Option) (*Store, error) {
	if err := s.movable(); err != nil {
		return nil, err
	}
	if err := s.handles.Read.WithContext(ctx).Exec("SELECT 1").Error; err != nil { // a closed store creates no archive
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

// move returns a move between the store and an archive.
func (s *Store) move(ctx context.Context, archive *Store, progress func(ArchiveReport)) (*transfer.Move, error) {
	same, err := s.handles.Bulk.Same(ctx, archive.handles.Bulk)
	if err == nil && same {
		err = &models.Error{Kind: models.ErrInvalid, Value: archive.where, Reason: "store and archive are the same database"}
	}
	if err != nil {
		return nil, err
	}
	m := &transfer.Move{
		Live: s.handles.Bulk, Archive: archive.handles.Bulk, Now: s.log.Now, Agent: hooks.Actor(ctx), Source: s.where, Where: archive.where,
		Seal: func(ctx context.Context) error {
			_, err := s.Audit.Seal(ctx)
			return err
		},
	}
	if strings.TrimSpace(m.Agent) == "" {
		m.Agent = hooks.SystemActor
	}
	if progress != nil {
		m.Progress = func(moved transfer.Moved) { progress(ArchiveReport(moved)) }
	}
	return m, nil
}

// movable rejects, before anything is opened, stores whose executions cannot be moved.
func (s *Store) movable() error {
	if s.archive {
		return &models.Error{
			Kind: models.ErrReadOnly, Value: s.where,
			Reason: "is an archive: executions go between the store that they come from and its archives",
		}
	}
	return s.outsideTransaction("archive or restore executions")
}

// ids returns the ids of the receipts that f selects.
func (s *Store) ids(ctx context.Context, f repository.ReceiptFilter) iter.Seq2[int64, error] {
	return func(yield func(int64, error) bool) {
		for receipt, err := range s.Receipts.All(ctx, f) {
			if !yield(receipt.ID, err) || err != nil {
				return
			}
		}
	}
}
