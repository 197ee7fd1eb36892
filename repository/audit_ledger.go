package repository

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// Seal adds the entries that are not there yet to the Merkle tree over the audit log, in
// order of id, and makes a checkpoint of it, signed and anchored if the store was opened
// so. It returns the newest checkpoint, of size 0 if the log is empty. Entries of other
// programs are sealed like the store's own. Saves do not wait for it longer than for
// another save; a store seals what it has written on Close.
//
// Errors: models.ErrConflict if tree or anchor are of another history: nothing is sealed over
// that, Verify tells what was changed; models.ErrBusy if transactions that add entries outlast
// the busy timeout; models.ErrReadOnly for an archive; models.ErrInvalid inside a transaction.
func (a *Audit) Seal(ctx context.Context) (ledger.Checkpoint, error) {
	if err := a.outside(); err != nil {
		return ledger.Checkpoint{}, err
	}
	return a.h.log.Ledger.Seal(ctx)
}

// Verify reads the whole audit log, in one state and in constant memory, and holds the
// entries against the tree, the tree against the checkpoints, and each row against the
// digest in its last entry. What is wrong is in the report, which tells entries that were
// edited, are missing, were inserted or reordered, and a log that forked or, against the
// anchor, was truncated. What no entry speaks of, such as a row that other programs
// inserted, is no finding.
//
// Errors: models.ErrInvalid for options that cannot be, such as an anchor or keys for an archive,
// which has no checkpoints, and inside a transaction; models.ErrNotFound for
// an anchor or archive that is not there.
func (a *Audit) Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Verify(ctx, opts)
}

// Prove is the proof that an entry is in the tree of the newest checkpoint, which
// ledger.Proof.Check checks without a database. Errors: models.ErrNotFound for an entry that is
// not there or not sealed yet; models.ErrConflict for one that is not what was sealed, and for a
// tree that is not; models.ErrInvalid inside a transaction.
func (a *Audit) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Prove(ctx, id)
}

// outside refuses what only a whole store can do.
func (a *Audit) outside() error {
	switch {
	case a.h.log.Ledger == nil:
		return invalid(auditTable, "", nil, "this store keeps no tree over its audit log")
	case a.h.inside():
		return invalid(auditTable, "", nil, "the audit log cannot be sealed, verified or proved from inside a transaction")
	}
	return nil
}
