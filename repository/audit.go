package repository

import (
	"context"
	"iter"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const auditTable = "audit_log"

// Audit appends to and reads the table audit_log, which holds the entries of every write
// and the entries that callers record.
type Audit struct{ h handle }

// AuditFilter selects audit entries. The zero value selects all.
type AuditFilter struct {
	AgentID      string
	Operation    string // such as receipts.create, or the text of a caller's own entry
	Status       models.AuditStatus
	ExecutionID  string    // selects by context_json.execution_id
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// Record appends one entry. It sets the id and empty defaults in entry, and redacts secrets
// in ErrorMessage and ContextJSON, in entry too. Errors: models.ErrInvalid.
func (a *Audit) Record(ctx context.Context, entry *models.AuditEntry) error {
	if entry == nil {
		return refuse.Invalid(auditTable, "", nil, "must not be nil")
	}
	schema.Prepare(entry, a.h.now())
	if err := entry.Validate(); err != nil {
		return err
	}
	return insert(ctx, a.h, entry)
}

// List returns one page of the selected entries, newest first, and the cursor of the next
// page. Errors: models.ErrInvalid for an invalid filter or page.
func (a *Audit) List(ctx context.Context, f AuditFilter) ([]models.AuditEntry, string, error) {
	return fetch[models.AuditEntry](a.filter(ctx, f), f.Page)
}

// All yields every selected entry, newest first, in constant memory. f.Limit is the number
// of rows per statement. Errors: as List.
func (a *Audit) All(ctx context.Context, f AuditFilter) iter.Seq2[models.AuditEntry, error] {
	return walk[models.AuditEntry](a.filter(ctx, f), f.Page)
}

// Trail returns every entry whose context names that execution or session, oldest first.
// It reads the whole log. Errors: models.ErrInvalid for a blank id.
func (a *Audit) Trail(ctx context.Context, id string) ([]models.AuditEntry, error) {
	if err := refuse.Blank(auditTable, "context_json", id); err != nil {
		return nil, err
	}
	q := a.h.read(ctx)
	named := q.Where(member(q, "context_json", "execution_id")+" = ?", id).
		Or(member(q, "context_json", "session_id")+" = ?", id)
	return find[models.AuditEntry](q.Where(named).Order("timestamp, id"))
}

func (a *Audit) filter(ctx context.Context, f AuditFilter) list {
	l := a.h.list(ctx, &models.AuditEntry{}, "timestamp")
	l.equal("agent_id", f.AgentID)
	l.equal("operation", f.Operation)
	oneOf(&l, "status", f.Status, models.AuditStatuses())
	l.where("execution_id", f.ExecutionID, member(l.db, "context_json", "execution_id")+" = ?", f.ExecutionID)
	l.between(f.Since, f.Until)
	return l
}

// member is the SQL for a top-level member of a JSON column, as text.
func member(db *gorm.DB, column, key string) string {
	return sqlOf(db).Member(column, key)
}

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
	return a.h.log.Ledger.Seal(ctx, 0)
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
