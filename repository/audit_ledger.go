package repository

import (
	"context"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
)

// Seal adds all new entries to the Merkle tree over the audit log, in order of id, and
// returns a checkpoint of the tree. The checkpoint is signed and anchored if the store has
// a signer and an anchor, and has size 0 if the log is empty. Entries of other programs are
// sealed too. Seal delays a save no longer than another save does. A store seals its own
// writes on Close.
//
// Errors: models.ErrConflict if the tree or the anchor belongs to another history (Verify
// reports the changes); models.ErrBusy if transactions that add entries outlast the busy
// timeout; models.ErrReadOnly for an archive; models.ErrInvalid inside a transaction.
func (a *Audit) Seal(ctx context.Context) (ledger.Checkpoint, error) {
	if err := a.outside(); err != nil {
		return ledger.Checkpoint{}, err
	}
	return a.h.log.Ledger.Seal(ctx)
}

// Verify reads the whole audit log, in one snapshot and constant memory, and compares the
// entries with the tree, the tree with the checkpoints, and each row with the digest in its
// last entry. The report lists entries that were edited, removed, inserted or reordered, a
// forked log and, with an anchor, a truncated log. Rows without an entry, such as rows that
// another program inserted, are not findings.
//
// Errors: models.ErrInvalid for invalid options, such as an anchor or keys for an archive,
// which has no checkpoints, and inside a transaction; models.ErrNotFound if an anchor or
// archive does not exist.
func (a *Audit) Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Verify(ctx, opts)
}

// Prove returns a proof that an entry is in the tree of the newest checkpoint.
// ledger.Proof.Check checks it without a database.
//
// Errors: models.ErrNotFound for an entry that does not exist or is not sealed;
// models.ErrConflict if the entry or the tree differs from what was sealed;
// models.ErrInvalid inside a transaction.
func (a *Audit) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Prove(ctx, id)
}

// outside rejects calls inside a transaction, and on a store without a ledger.
func (a *Audit) outside() error {
	switch {
	case a.h.log.Ledger == nil:
		return refuse.Invalid(auditTable, "", nil, "this store keeps no tree over its audit log")
	case a.h.inside():
		return refuse.Invalid(auditTable, "", nil, "the audit log cannot be sealed, verified or proved from inside a transaction")
	}
	return nil
}
