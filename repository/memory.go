package repository

import (
	"context"
	"errors"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const memoryTable = "agent_memory"

// Memory reads and writes the table agent_memory. Of memory_json the key
// models.ActivityKey is the store's, and every call here keeps it; the other keys
// are the agent's own.
type Memory struct{ h Handle }

// MemoryFilter chooses memories; the zero value is all of them.
type MemoryFilter struct {
	UpdatedSince, UpdatedUntil time.Time // UpdatedSince <= updated_at < UpdatedUntil; a zero time is no bound
	Page
}

// Get is the memory of an agent. Errors: models.ErrInvalid for a blank agent, models.ErrNotFound.
func (m *Memory) Get(ctx context.Context, agentID string) (*models.AgentMemory, error) {
	if err := required(memoryTable, "agent_id", agentID); err != nil {
		return nil, err
	}
	var row models.AgentMemory
	if err := m.h.read(ctx).Where("agent_id = ?", agentID).Take(&row).Error; err != nil {
		return nil, found(err, memoryTable, "agent_id", agentID)
	}
	return &row, nil
}

// Put replaces the agent's own keys by doc, a JSON object; an ActivityKey in doc, as
// from an earlier Get, is ignored. Errors: models.ErrInvalid, models.ErrCorrupt if what is stored
// is no JSON object.
func (m *Memory) Put(ctx context.Context, agentID string, doc models.JSON) error {
	own, _, err := splitDocument(doc)
	if err != nil {
		return invalid(memoryTable, "memory_json", string(doc), "must be a JSON object")
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error { return setOwn(row, own) })
}

// Update lets fn change the agent's own keys and writes the result. No update is
// lost: others wait meanwhile. Numbers are json.Number, so that none loses digits. fn
// must not call the store, which would wait for itself; it is called again if the
// transaction lost against another one. An error or panic of fn changes nothing.
// Errors: fn's own, models.ErrInvalid for what JSON cannot hold, models.ErrCorrupt.
func (m *Memory) Update(ctx context.Context, agentID string, fn func(doc map[string]any) error) error {
	if fn == nil {
		return invalid(memoryTable, "memory_json", nil, "needs a function")
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		doc, err := ownKeys(row.MemoryJSON)
		if err != nil {
			return corrupt(row, err)
		}
		if err := fn(doc); err != nil {
			return err
		}
		if _, ok := doc[models.ActivityKey]; ok {
			return reserved()
		}
		own, err := encode(doc)
		if err != nil {
			return &models.Error{Table: memoryTable, Column: "memory_json", Reason: "cannot be JSON: " + err.Error(), Kind: models.ErrInvalid, Err: err}
		}
		fields, _, err := splitDocument(own)
		if err != nil {
			return invalid(memoryTable, "memory_json", string(own), "must be a JSON object")
		}
		return setOwn(row, fields)
	})
}

// Merge applies a JSON Merge Patch (RFC 7396) to the agent's own keys. Errors:
// models.ErrInvalid if the patch is no JSON object or names ActivityKey, models.ErrCorrupt.
func (m *Memory) Merge(ctx context.Context, agentID string, patch models.JSON) error {
	_, activity, err := splitDocument(patch)
	switch {
	case err != nil:
		return invalid(memoryTable, "memory_json", string(patch), "a merge patch must be a JSON object")
	case activity != nil:
		return reserved()
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		fields, _, err := splitDocument(row.MemoryJSON)
		if err != nil {
			return corrupt(row, err)
		}
		own, err := encode(fields)
		if err != nil {
			return err
		}
		merged, err := jsonpatch.MergePatch(own, patch)
		if err != nil {
			return &models.Error{Table: memoryTable, Column: "memory_json", Value: string(patch), Kind: models.ErrInvalid, Err: err}
		}
		if fields, _, err = splitDocument(merged); err != nil {
			return err
		}
		return setOwn(row, fields)
	})
}

// ETag names the agent's own keys as they are in a memory that was read; what the
// store counts does not change it. It is "" if there are none, also for nil.
func (m *Memory) ETag(memory *models.AgentMemory) string {
	if memory == nil {
		return ""
	}
	return etag(memory.MemoryJSON)
}

// CompareAndSwap is Put if the agent's own keys still have that ETag; "" means there
// must be none. Errors: models.ErrConflict with the current ETag in Error.Value, models.ErrInvalid,
// models.ErrCorrupt.
func (m *Memory) CompareAndSwap(ctx context.Context, agentID, tag string, doc models.JSON) error {
	own, _, err := splitDocument(doc)
	if err != nil {
		return invalid(memoryTable, "memory_json", string(doc), "must be a JSON object")
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		if current := etag(row.MemoryJSON); current != tag {
			return &models.Error{Table: memoryTable, Column: "memory_json", Value: current, Kind: models.ErrConflict, Reason: "the memory has another ETag by now"}
		}
		return setOwn(row, own)
	})
}

// RecordError sets last_error and adds one to retry_count, for an agent with or
// without a memory. Errors: models.ErrInvalid for a blank agent or message.
func (m *Memory) RecordError(ctx context.Context, agentID, message string) error {
	if err := required(memoryTable, "last_error", message); err != nil {
		return err
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		row.LastError = message
		row.RetryCount++
		return nil
	})
}

// ResetRetries sets retry_count to 0 and keeps last_error. Errors: models.ErrInvalid for a
// blank agent, models.ErrNotFound.
func (m *Memory) ResetRetries(ctx context.Context, agentID string) error {
	if err := required(memoryTable, "agent_id", agentID); err != nil {
		return err
	}
	n, err := m.h.affected(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Model(&models.AgentMemory{}).Where("agent_id = ?", agentID).
			Updates(map[string]any{"retry_count": 0, "updated_at": m.h.now()})
	})
	if err == nil && n == 0 {
		return notFound(memoryTable, "agent_id", agentID)
	}
	return err
}

// Forget deletes the agent's memory, ActivityKey and collision history included.
// Errors: models.ErrInvalid for a blank agent, models.ErrNotFound.
func (m *Memory) Forget(ctx context.Context, agentID string) error {
	if err := required(memoryTable, "agent_id", agentID); err != nil {
		return err
	}
	n, err := m.h.affected(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Where("agent_id = ?", agentID).Delete(&models.AgentMemory{})
	})
	if err == nil && n == 0 {
		return notFound(memoryTable, "agent_id", agentID)
	}
	return err
}

// List is one page of the memories that f chooses, the last updated first, and the
// cursor of the next page. Errors: models.ErrInvalid.
func (m *Memory) List(ctx context.Context, f MemoryFilter) ([]models.AgentMemory, string, error) {
	q := m.h.read(ctx).Model(&models.AgentMemory{})
	q, err := between(q, memoryTable, "updated_at", f.UpdatedSince, f.UpdatedUntil)
	if err != nil {
		return nil, "", err
	}
	return fetch[models.AgentMemory](list{db: q, table: memoryTable, column: "updated_at"}, f.Page)
}

// modify changes the agent's row, or a new one, in one transaction that holds it.
func (m *Memory) modify(ctx context.Context, agentID string, change func(*models.AgentMemory) error) error {
	if err := required(memoryTable, "agent_id", agentID); err != nil {
		return err
	}
	return m.h.transaction(ctx, func(tx *gorm.DB) error {
		for range 2 { // another may make the agent between our look and our insert
			done, err := m.change(tx, agentID, change)
			if done || err != nil {
				return err
			}
		}
		return &models.Error{Table: memoryTable, Column: "agent_id", Value: agentID, Kind: models.ErrRetry, Reason: "another transaction made this memory, and this one cannot see it; run the whole transaction again"}
	})
}

// change is one attempt of modify; it is not done if another made the row meanwhile.
func (m *Memory) change(tx *gorm.DB, agentID string, change func(*models.AgentMemory) error) (done bool, err error) {
	var row models.AgentMemory
	err = tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("agent_id = ?", agentID).Take(&row).Error
	if err != nil && !errors.Is(err, gorm.ErrRecordNotFound) {
		return false, err
	}
	row.AgentID = agentID
	if err := change(&row); err != nil {
		return false, err
	}
	now := m.h.now()
	schema.Prepare(&row, now)
	if err := row.Validate(); err != nil {
		return false, err
	}
	if row.ID == 0 {
		res := tx.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "agent_id"}}, DoNothing: true}).Create(&row)
		return res.RowsAffected == 1, res.Error
	}
	return true, tx.Model(&models.AgentMemory{}).Where("id = ?", row.ID).Updates(map[string]any{
		"memory_json": row.MemoryJSON, "retry_count": row.RetryCount, "last_error": row.LastError, "updated_at": now,
	}).Error
}

func reserved() error {
	return invalid(memoryTable, "memory_json", models.ActivityKey, "is a key that belongs to the store")
}

func corrupt(row *models.AgentMemory, cause error) error {
	return &models.Error{
		Table: memoryTable, Column: "memory_json", Value: row.MemoryJSON.String(), Kind: models.ErrCorrupt, Err: cause,
		Reason: "the stored memory is not a JSON object",
	}
}
