package repository

import (
	"context"
	"errors"
	"iter"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
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
	l, err := a.filter(ctx, f)
	return fetch[models.AuditEntry](l, err, f.Page)
}

// All yields every selected entry, newest first, in constant memory. f.Limit is the number
// of rows per statement. Errors: as List.
func (a *Audit) All(ctx context.Context, f AuditFilter) iter.Seq2[models.AuditEntry, error] {
	l, err := a.filter(ctx, f)
	return walk[models.AuditEntry](l, err, f.Page)
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

func (a *Audit) filter(ctx context.Context, f AuditFilter) (list, error) {
	if err := errors.Join(
		known(auditTable, "status", f.Status, models.AuditStatuses()),
		refuse.Unstorable(auditTable, "agent_id", f.AgentID), refuse.Unstorable(auditTable, "operation", f.Operation),
		refuse.Unstorable(auditTable, "execution_id", f.ExecutionID),
	); err != nil {
		return list{}, err
	}
	q := a.h.read(ctx).Model(&models.AuditEntry{})
	q = equal(q, "agent_id", f.AgentID)
	q = equal(q, "operation", f.Operation)
	q = equal(q, "status", string(f.Status))
	if f.ExecutionID != "" {
		q = q.Where(member(q, "context_json", "execution_id")+" = ?", f.ExecutionID)
	}
	q, err := between(q, auditTable, "timestamp", f.Since, f.Until)
	return list{db: q, table: auditTable, column: "timestamp"}, err
}

// member is the SQL for a top-level member of a JSON column, as text.
func member(db *gorm.DB, column, key string) string {
	return sqlOf(db).Member(column, key)
}
