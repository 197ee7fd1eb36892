package repository

import (
	"context"
	"iter"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// MemoryVersion is one version of an agent's memory, read from the audit log. Secrets are
// "[redacted]".
type MemoryVersion struct {
	EntryID     int64            // id of the entry in audit_log; later versions have larger ids
	Timestamp   models.Timestamp // the start of the version
	ChangedBy   string           // the acting agent
	ExecutionID string           // the execution that made the change; empty if unknown
	Action      string           // create, update or delete
	// Document holds the agent's keys after the change, sorted, without models.ActivityKey.
	// It is nil after a delete, and if Unknown.
	Document models.JSON
	// Unknown is true if the entry does not contain the document: a create of an earlier
	// release, or an entry that another program wrote in another form.
	Unknown bool
}

// HistoryFilter selects versions of a memory. The zero value selects all.
type HistoryFilter struct {
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// historyList is the table name in cursors of History, which differ from cursors of audit_log.
const historyList = "history of agent_memory"

// History returns one page of the versions of an agent's memory, newest first, and the
// cursor of the next page. There is one version per write of the agent's keys and per
// delete; changes of models.ActivityKey alone make no version. Versions are read from
// audit_log, so they remain after Forget. Errors: models.ErrInvalid for a blank agent, and
// for an invalid filter or page.
func (m *Memory) History(ctx context.Context, agentID string, f HistoryFilter) ([]MemoryVersion, string, error) {
	q, err := m.versions(ctx, agentID, f.Since, f.Until)
	if err != nil {
		return nil, "", err
	}
	limit, err := f.limit(historyList)
	if err != nil {
		return nil, "", err
	}
	if f.Cursor != "" {
		c, err := decodeCursor(historyList, f.Cursor)
		if err != nil {
			return nil, "", err
		}
		q = q.Where("id < ?", c.ID)
	}
	var entries []models.AuditEntry
	if err := q.Limit(limit + 1).Find(&entries).Error; err != nil {
		return nil, "", err
	}
	next := ""
	if len(entries) > limit {
		entries = entries[:limit]
		last := entries[limit-1]
		next = cursor{historyList, last.Timestamp.String(), last.ID}.encode()
	}
	list := make([]MemoryVersion, len(entries))
	for i, e := range entries {
		list[i] = versionOf(e)
	}
	return list, next, nil
}

// HistoryAll yields every selected version, newest first, in constant memory. f.Limit is the
// number of rows per statement. Errors: as History.
func (m *Memory) HistoryAll(ctx context.Context, agentID string, f HistoryFilter) iter.Seq2[MemoryVersion, error] {
	return pages(f.Page, func(p Page) ([]MemoryVersion, string, error) {
		f.Page = p
		return m.History(ctx, agentID, f)
	})
}

// At returns the version of an agent's memory at a time, which may be Unknown. Errors:
// models.ErrInvalid for a blank agent and a zero time; models.ErrNotFound if the memory did
// not exist at that time.
func (m *Memory) At(ctx context.Context, agentID string, at time.Time) (*MemoryVersion, error) {
	if at.IsZero() {
		return nil, refuse.Invalid(memoryTable, "timestamp", at, "must be set")
	}
	q, err := m.versions(ctx, agentID, time.Time{}, models.At(at).Add(time.Microsecond))
	if err != nil {
		return nil, err
	}
	var e models.AuditEntry
	if err := q.Take(&e).Error; err != nil {
		return nil, found(err, memoryTable, "agent_id", agentID)
	}
	v := versionOf(e)
	if v.Action == "delete" {
		return nil, refuse.NotFound(memoryTable, "agent_id", agentID)
	}
	return &v, nil
}

// versions returns a query of the entries that make a version, newest first. Its first two
// conditions repeat the index idx_audit_log_memory word for word. The condition on the
// status is an expression, so that SQLite does not use the index of that column.
func (m *Memory) versions(ctx context.Context, agentID string, since, until time.Time) (*gorm.DB, error) {
	if err := refuse.Blank(memoryTable, "agent_id", agentID); err != nil {
		return nil, err
	}
	l := m.h.list(ctx, &models.AuditEntry{}, "timestamp")
	sql := sqlOf(l.db)
	l.db = l.db.Where("operation IN ('agent_memory.create','agent_memory.update','agent_memory.delete')").
		Where(sql.ContextMember("key")+" = ?", agentID).
		Where("status || '' = ?", models.AuditCompleted).
		Where("(operation <> 'agent_memory.update' OR " + sql.MemoryDocument + " IS NOT NULL)").
		Order("id DESC")
	l.between(since, until)
	return l.db, l.err
}

// versionOf reads the version in an entry.
func versionOf(e models.AuditEntry) MemoryVersion {
	v := MemoryVersion{EntryID: e.ID, Timestamp: e.Timestamp, ChangedBy: e.AgentID, Action: strings.TrimPrefix(e.Operation, "agent_memory.")}
	var doc struct {
		ExecutionID string `json:"execution_id"`
		Changes     struct {
			MemoryJSON struct{ To string } `json:"memory_json"`
		}
	}
	err := e.ContextJSON.Decode(&doc)
	v.ExecutionID = doc.ExecutionID
	if v.Action == "delete" {
		return v
	}
	own, _, bad := splitDocument(models.JSON(doc.Changes.MemoryJSON.To)) // "" is bad too
	if err == nil && bad == nil {
		v.Document, err = encode(own)
	}
	v.Unknown = err != nil || v.Document == nil
	return v
}
