package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a document as it is stored. Nil is NULL. What is given must be what every
// engine stores: RFC 8259 in UTF-8, nested at most MaxJSONDepth deep, without the
// escapes \u0000 and half a surrogate pair, and with numbers of at most 131,072 digits
// before the point and 16,383 after it, exponents written out.
//
// SQLite keeps the bytes. PostgreSQL keeps those of receipt_json and of an audit
// entry's context_json; memory_json, collision_history and a session's context_json are
// jsonb there, which means the same in other bytes: keys sorted by length, then by
// their bytes, of a key given twice the last one, numbers with all their digits but
// without an exponent (1e2 is 100, 1.0 stays), one space after each colon and comma.
type JSON json.RawMessage

// JSONOf encodes v, or returns the error of encoding/json.
func JSONOf(v any) (JSON, error) {
	b, err := json.Marshal(v)
	return JSON(b), err
}

// GormDataType makes the column text.
func (JSON) GormDataType() string { return "text" }

// String is the document's text.
func (j JSON) String() string { return string(j) }

// Decode reads the document into v. A nil document leaves v as it is.
func (j JSON) Decode(v any) error {
	if j == nil {
		return nil
	}
	return json.Unmarshal(j, v)
}

// Value implements driver.Valuer: text, so that the sqlite3 shell shows it. What
// an engine would not store is refused here, before any SQL.
func (j JSON) Value() (driver.Value, error) {
	if j == nil {
		return nil, nil
	}
	if fault := j.fault(); fault != "" {
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

// UnmarshalJSON keeps a copy of the bytes.
func (j *JSON) UnmarshalJSON(b []byte) error {
	*j = append(JSON{}, b...)
	return nil
}
