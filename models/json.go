package models

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
)

// JSON is a document as it is stored: the bytes are kept as given. Nil is NULL.
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
// is not valid JSON (RFC 8259) is refused here, before any SQL.
func (j JSON) Value() (driver.Value, error) {
	if j == nil {
		return nil, nil
	}
	if !json.Valid(j) {
		return nil, &Error{Value: string(j), Kind: ErrInvalid, Reason: "is not valid JSON"}
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
