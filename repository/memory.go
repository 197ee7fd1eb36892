package repository

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const memoryTable = "agent_memory"

// Memory reads and writes the table agent_memory. In memory_json the key
// models.ActivityKey belongs to the store, and every method preserves it. The other keys
// belong to the agent.
type Memory struct{ h handle }

// MemoryFilter selects memories. The zero value selects all.
type MemoryFilter struct {
	UpdatedSince, UpdatedUntil time.Time // UpdatedSince <= updated_at < UpdatedUntil; a zero time is no bound
	Page
}

// Get returns the memory of an agent. Errors: models.ErrInvalid for a blank agent;
// models.ErrNotFound.
func (m *Memory) Get(ctx context.Context, agentID string) (*models.AgentMemory, error) {
	return take[models.AgentMemory](m.h.read(ctx), memoryTable, "agent_id", agentID)
}

// Put replaces the agent's keys by doc, a JSON object. It ignores a models.ActivityKey in
// doc, as in the result of Get. Errors: models.ErrInvalid; models.ErrCorrupt if the stored
// memory is not a JSON object.
func (m *Memory) Put(ctx context.Context, agentID string, doc models.JSON) error {
	own, err := parseOwn(doc)
	if err != nil {
		return err
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error { return setOwn(row, own) })
}

// Update calls fn with the agent's keys and writes the keys as fn leaves them. Concurrent
// updates wait, so none is lost. Numbers are json.Number and keep all digits. fn must not
// use the store, which would deadlock. Update calls fn again if the transaction lost
// against another one. If fn returns an error or panics, nothing changes.
//
// Errors: the error of fn; models.ErrInvalid for a document that JSON cannot encode;
// models.ErrCorrupt if the stored memory is not a JSON object.
func (m *Memory) Update(ctx context.Context, agentID string, fn func(doc map[string]any) error) error {
	if fn == nil {
		return refuse.Invalid(memoryTable, "memory_json", nil, "needs a function")
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
		encoded, err := encode(doc)
		if err != nil {
			invalid := refuse.Invalid(memoryTable, "memory_json", nil, "cannot be JSON: "+err.Error())
			invalid.Err = err
			return invalid
		}
		own, _, err := splitDocument(encoded)
		if err != nil {
			return err
		}
		return setOwn(row, own)
	})
}

// Merge applies a JSON Merge Patch (RFC 7396) to the agent's keys. Errors:
// models.ErrInvalid if the patch is not a JSON object or contains models.ActivityKey;
// models.ErrCorrupt if the stored memory is not a JSON object.
func (m *Memory) Merge(ctx context.Context, agentID string, patch models.JSON) error {
	_, activity, err := splitDocument(patch)
	switch {
	case err != nil:
		return refuse.Invalid(memoryTable, "memory_json", string(patch), "a merge patch must be a JSON object")
	case activity != nil:
		return reserved()
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		own, _, err := splitDocument(row.MemoryJSON)
		if err != nil {
			return corrupt(row, err)
		}
		doc, err := encode(own)
		if err != nil {
			return err
		}
		merged, err := jsonpatch.MergePatch(doc, patch)
		if err != nil {
			return &models.Error{Table: memoryTable, Column: "memory_json", Value: string(patch), Kind: models.ErrInvalid, Err: err}
		}
		if own, _, err = splitDocument(merged); err != nil {
			return err
		}
		return setOwn(row, own)
	})
}

// ETag returns a hash of the agent's keys in a memory. The store's own key does not affect
// it. It is "" for a memory without such keys, and for nil.
func (m *Memory) ETag(memory *models.AgentMemory) string {
	if memory == nil {
		return ""
	}
	return etag(memory.MemoryJSON)
}

// CompareAndSwap calls Put if the agent's keys have that ETag; "" requires that there are
// none. Errors: models.ErrConflict with the current ETag in Error.Value; models.ErrInvalid;
// models.ErrCorrupt if the stored memory is not a JSON object.
func (m *Memory) CompareAndSwap(ctx context.Context, agentID, tag string, doc models.JSON) error {
	own, err := parseOwn(doc)
	if err != nil {
		return err
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		if current := etag(row.MemoryJSON); current != tag {
			return failure(models.ErrConflict, memoryTable, "memory_json", current, "the memory has another ETag by now")
		}
		return setOwn(row, own)
	})
}

// RecordError sets last_error and adds one to retry_count, and creates the memory if the
// agent has none. Errors: models.ErrInvalid for a blank agent or message.
func (m *Memory) RecordError(ctx context.Context, agentID, message string) error {
	if err := refuse.Blank(memoryTable, "last_error", message); err != nil {
		return err
	}
	return m.modify(ctx, agentID, func(row *models.AgentMemory) error {
		row.LastError = message
		row.RetryCount++
		return nil
	})
}

// ResetRetries sets retry_count to 0 and leaves last_error unchanged. Errors:
// models.ErrInvalid for a blank agent; models.ErrNotFound.
func (m *Memory) ResetRetries(ctx context.Context, agentID string) error {
	return m.h.existing(ctx, memoryTable, "agent_id", agentID, func(db *gorm.DB) *gorm.DB {
		return db.Model(&models.AgentMemory{}).Updates(map[string]any{"retry_count": 0, "updated_at": m.h.now()})
	})
}

// Forget deletes the agent's memory, including models.ActivityKey and the collision
// history. Errors: models.ErrInvalid for a blank agent; models.ErrNotFound.
func (m *Memory) Forget(ctx context.Context, agentID string) error {
	return m.h.existing(ctx, memoryTable, "agent_id", agentID, func(db *gorm.DB) *gorm.DB { return db.Delete(&models.AgentMemory{}) })
}

// List returns one page of the selected memories, the last updated first, and the cursor
// of the next page. Errors: models.ErrInvalid for an invalid filter or page.
func (m *Memory) List(ctx context.Context, f MemoryFilter) ([]models.AgentMemory, string, error) {
	l := m.h.list(ctx, &models.AgentMemory{}, "updated_at")
	l.between(f.UpdatedSince, f.UpdatedUntil)
	return fetch[models.AgentMemory](l, f.Page)
}

// modify changes the agent's row, or creates it, in one transaction that locks the row.
func (m *Memory) modify(ctx context.Context, agentID string, change func(*models.AgentMemory) error) error {
	if err := refuse.Blank(memoryTable, "agent_id", agentID); err != nil {
		return err
	}
	return m.h.transaction(ctx, func(tx *gorm.DB) error {
		for range 2 { // another transaction may create the row between SELECT and INSERT
			done, err := m.change(tx, agentID, change)
			if done || err != nil {
				return err
			}
		}
		return failure(models.ErrRetry, memoryTable, "agent_id", agentID,
			"another transaction made this memory, and this one cannot see it; run the whole transaction again")
	})
}

// change is one attempt of modify. done is false if another transaction created the row
// meanwhile.
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
	return refuse.Invalid(memoryTable, "memory_json", models.ActivityKey, "is a key that belongs to the store")
}

func corrupt(row *models.AgentMemory, cause error) error {
	err := failure(models.ErrCorrupt, memoryTable, "memory_json", row.MemoryJSON.String(), "the stored memory is not a JSON object")
	err.Err = cause
	return err
}

// fields is a JSON object whose values keep their bytes.
type fields map[string]json.RawMessage

// splitDocument splits a memory_json into the agent's keys and the value of
// models.ActivityKey, nil if absent. A nil document is an empty object.
func splitDocument(doc models.JSON) (own fields, activity json.RawMessage, err error) {
	own = fields{}
	if doc == nil {
		return own, nil, nil
	}
	if err := json.Unmarshal(doc, &own); err != nil {
		return nil, nil, err
	}
	if own == nil {
		return nil, nil, errors.New("null is no JSON object")
	}
	activity = own[models.ActivityKey]
	delete(own, models.ActivityKey)
	return own, activity, nil
}

// parseOwn returns the agent's keys in a document of the caller. Errors: models.ErrInvalid.
func parseOwn(doc models.JSON) (fields, error) {
	own, _, err := splitDocument(doc)
	if err != nil {
		return nil, refuse.Invalid(memoryTable, "memory_json", string(doc), "must be a JSON object")
	}
	return own, nil
}

// setOwn replaces the agent's keys in the row.
func setOwn(row *models.AgentMemory, own fields) error {
	_, activity, err := splitDocument(row.MemoryJSON)
	if err != nil {
		return corrupt(row, err)
	}
	all := fields{}
	maps.Copy(all, own)
	if activity != nil {
		all[models.ActivityKey] = activity
	}
	row.MemoryJSON, err = encode(all)
	return err
}

// ownKeys decodes the agent's keys, with numbers as json.Number.
func ownKeys(doc models.JSON) (map[string]any, error) {
	own, _, err := splitDocument(doc)
	if err != nil {
		return nil, err
	}
	values := make(map[string]any, len(own))
	for key, raw := range own {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		var value any
		_ = decoder.Decode(&value) // valid, since raw is a part of doc
		values[key] = value
	}
	return values, nil
}

// encode returns compact JSON with sorted keys. It does not escape <, > and &.
func encode(v any) (models.JSON, error) {
	text, err := schema.EncodeJSON(v)
	if err != nil {
		return nil, err
	}
	return models.JSON(text), nil
}

// etag returns the SHA-256 of the agent's keys in a form that does not depend on spaces
// and the order of keys; "" if there are none. For a document that is not a JSON object it
// is the SHA-256 of its bytes.
func etag(doc models.JSON) string {
	canonical := doc
	if values, err := ownKeys(doc); err == nil {
		if len(values) == 0 {
			return ""
		}
		canonical, _ = encode(values) // decoded JSON always encodes
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}
