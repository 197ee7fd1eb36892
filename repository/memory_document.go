package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// fields is a JSON object whose values keep their bytes.
type fields map[string]json.RawMessage

// splitDocument parts a memory_json into the agent's own keys and the store's, which
// is nil if absent. No document is an empty object.
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

// setOwn puts the agent's own keys into the row and keeps the store's.
func setOwn(row *models.AgentMemory, own fields) error {
	_, activity, err := splitDocument(row.MemoryJSON)
	if err != nil {
		return corrupt(row, err)
	}
	all := fields{}
	for key, value := range own {
		all[key] = value
	}
	if activity != nil {
		all[models.ActivityKey] = activity
	}
	row.MemoryJSON, err = encode(all)
	return err
}

// ownKeys decodes the agent's own keys, with numbers as json.Number.
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
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		values[key] = value
	}
	return values, nil
}

// encode writes compact JSON with sorted keys and leaves <, > and & as they are.
func encode(v any) (models.JSON, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// etag is the SHA-256 of the agent's own keys, in a form that spaces and the order of
// keys do not change; "" if there are none. What is no JSON object counts by its bytes.
func etag(doc models.JSON) string {
	values, err := ownKeys(doc)
	canonical := doc
	if err == nil {
		if len(values) == 0 {
			return ""
		}
		canonical, err = encode(values)
	}
	if err != nil {
		canonical = doc
	}
	sum := sha256.Sum256(canonical)
	return hex.EncodeToString(sum[:])
}
