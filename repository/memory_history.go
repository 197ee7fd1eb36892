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

// MemoryVersion is one state of an agent's memory, as the audit log tells it: secrets are
// "[redacted]".
type MemoryVersion struct {
	EntryID     int64            // of the entry in audit_log; a later version has a larger one
	Timestamp   models.Timestamp // since when it is in force
	ChangedBy   string           // who acted
	ExecutionID string           // the execution at work; empty if none was said
	Action      string           // create, update or delete
	// Document are the agent's own keys after the change, without models.ActivityKey, with
	// sorted keys; nil after a delete, and where Unknown.
	Document models.JSON
	// Unknown: the entry does not tell the document. Those of a create that an earlier
	// release wrote do not, nor those that another program wrote in a shape of its own.
	Unknown bool
}

// HistoryFilter chooses versions of a memory; the zero value is all of them.
type HistoryFilter struct {
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// historyList names the list in its cursors, which are not those of the audit log.
const historyList = "history of agent_memory"

// History is one page of the versions of an agent's memory, newest first, and the cursor
// of the next page: one each time that its document was written or it was deleted. It
// is read from audit_log alone, also after Forget; an agent that the log does not know
// has none. What the store itself counts in a memory makes no version. Errors: models.ErrInvalid
// for a blank agent, and for a filter or page that cannot be.
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

// HistoryAll yields every version that f chooses, newest first, in constant memory;
// f.Limit is only the size of the pages it reads.
func (m *Memory) HistoryAll(ctx context.Context, agentID string, f HistoryFilter) iter.Seq2[MemoryVersion, error] {
	if f.Limit == 0 {
		f.Limit = MaxLimit
	}
	return func(yield func(MemoryVersion, error) bool) {
		for {
			list, next, err := m.History(ctx, agentID, f)
			if err != nil {
				yield(MemoryVersion{}, err)
				return
			}
			if !all(list, func(v MemoryVersion) bool { return yield(v, nil) }) || next == "" {
				return
			}
			f.Cursor = next
		}
	}
}

// At is the version of an agent's memory that was in force at a time, which may be
// Unknown. Errors: models.ErrInvalid for a blank agent and a zero time, models.ErrNotFound if there was
// none by then, or it had been deleted.
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

// versions are the entries of an agent's memory that tell a version, newest first. The
// first two conditions are word for word those of the index idx_audit_log_memory; a
// status that is an expression keeps its own index out.
func (m *Memory) versions(ctx context.Context, agentID string, since, until time.Time) (*gorm.DB, error) {
	if err := refuse.Blank(memoryTable, "agent_id", agentID); err != nil {
		return nil, err
	}
	q := m.h.read(ctx).Model(&models.AuditEntry{})
	key, document := "(context_json ->> 'key')", "context_json #> '{changes,memory_json}'"
	if q.Name() == "sqlite" {
		key, document = "json_extract(context_json,'$.key')", "json_type(context_json, '$.changes.memory_json')"
	}
	q = q.Where("operation IN ('agent_memory.create','agent_memory.update','agent_memory.delete')").
		Where(key+" = ?", agentID).
		Where("status || '' = ?", models.AuditCompleted).
		Where("(operation <> 'agent_memory.update' OR " + document + " IS NOT NULL)").
		Order("id DESC")
	return between(q, auditTable, "timestamp", since, until)
}

// versionOf reads an entry.
func versionOf(e models.AuditEntry) MemoryVersion {
	v := MemoryVersion{EntryID: e.ID, Timestamp: e.Timestamp, ChangedBy: e.AgentID, Action: strings.TrimPrefix(e.Operation, "agent_memory.")}
	var doc struct {
		ExecutionID string `json:"execution_id"`
		Changes     struct {
			MemoryJSON struct{ To models.JSON } `json:"memory_json"`
		}
	}
	err := e.ContextJSON.Decode(&doc)
	v.ExecutionID = doc.ExecutionID
	if v.Action == "delete" {
		return v
	}
	var text string
	if err == nil {
		err = doc.Changes.MemoryJSON.To.Decode(&text)
	}
	if own, _, bad := splitDocument(models.JSON(text)); err == nil && bad == nil { // also bad if there is none
		v.Document, err = encode(own)
	}
	v.Unknown = err != nil || v.Document == nil
	return v
}
