package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/internal/jsontext"
)

// MaxJSONDepth is how deep objects and arrays may be nested: the limit of SQLite's
// json_valid (JSON_MAX_DEPTH, https://www.sqlite.org/json1.html).
const MaxJSONDepth = jsontext.MaxDepth

// JSON is a stored document; nil is NULL. A document is valid if every engine can store
// it:
//
//   - RFC 8259 in UTF-8, nested at most MaxJSONDepth deep
//   - without the escape \u0000 or an escape that is half a surrogate pair
//   - numbers have at most 131,072 digits before the point and 16,383 after it, with
//     exponents written out
//
// SQLite keeps the bytes. PostgreSQL keeps those of receipt_json and of an audit entry's
// context_json. It stores memory_json, collision_history and a session's context_json as
// jsonb, which has the same meaning in other bytes: keys sorted by length and then by
// bytes, the last value of a repeated key, numbers with all digits but no exponent (1e2
// is 100, 1.0 stays), one space after each colon and comma.
type JSON json.RawMessage

// JSONOf encodes v. Errors: those of encoding/json.
func JSONOf(v any) (JSON, error) {
	b, err := json.Marshal(v)
	return JSON(b), err
}

// GormDataType makes the column text.
func (JSON) GormDataType() string { return "text" }

// String returns the text of the document.
func (j JSON) String() string { return string(j) }

// Decode decodes the document into v. A nil document does not change v.
func (j JSON) Decode(v any) error {
	if j == nil {
		return nil
	}
	return json.Unmarshal(j, v)
}

// Value implements driver.Valuer. It returns text, so that the sqlite3 shell shows it.
// Errors: ErrInvalid for a document that some engine cannot store.
func (j JSON) Value() (driver.Value, error) {
	if j == nil {
		return nil, nil
	}
	if fault := jsontext.Fault(j); fault != "" {
		return nil, &Error{Value: string(j), Kind: ErrInvalid, Reason: fault}
	}
	return string(j), nil
}

// Scan implements sql.Scanner.
func (j *JSON) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*j = nil
	case string:
		*j = JSON(v)
	case []byte:
		*j = append(JSON{}, v...)
	default:
		return fmt.Errorf("cannot read JSON from %T", src)
	}
	return nil
}

// MarshalJSON embeds the document; nil is null.
func (j JSON) MarshalJSON() ([]byte, error) { return json.RawMessage(j).MarshalJSON() }

// UnmarshalJSON stores a copy of the bytes.
func (j *JSON) UnmarshalJSON(b []byte) error {
	*j = append(JSON{}, b...)
	return nil
}
