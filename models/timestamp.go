package models

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// TimestampLayout is the stored form of a Timestamp: ISO 8601 in UTC with six fraction
// digits, so that texts sort in the order of time.
const TimestampLayout = "2006-01-02T15:04:05.000000Z"

// timestampLayouts are the forms that ParseTimestamp reads: those of RFC 3339 and SQLite.
var timestampLayouts = []string{
	time.RFC3339Nano, "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02",
}

// Timestamp is the time of an event, in UTC, to the microsecond. The zero value means
// "not set"; on create it is replaced by the time of the store's clock.
type Timestamp struct{ time.Time }

// At returns t as a Timestamp: in UTC, truncated to the microsecond.
func At(t time.Time) Timestamp { return Timestamp{t.UTC().Truncate(time.Microsecond)} }

// ParseTimestamp reads RFC 3339, or SQLite's "YYYY-MM-DD HH:MM:SS" with an optional
// fraction (https://www.sqlite.org/lang_datefunc.html). A time without a zone is in UTC.
func ParseTimestamp(s string) (Timestamp, error) {
	for _, layout := range timestampLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return At(t), nil
		}
	}
	return Timestamp{}, fmt.Errorf("%s is no ISO 8601 time such as 2026-01-29T12:34:56Z", quoteValue(s))
}

// String returns the stored form.
func (t Timestamp) String() string { return t.UTC().Format(TimestampLayout) }

// GormDataType makes the column text on engines without a better type.
func (Timestamp) GormDataType() string { return "text" }

// Value implements driver.Valuer. A zero Timestamp is NULL.
func (t Timestamp) Value() (driver.Value, error) {
	if t.IsZero() {
		return nil, nil
	}
	return t.String(), nil
}

// Scan implements sql.Scanner. NULL becomes the zero Timestamp.
func (t *Timestamp) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*t = Timestamp{}
	case time.Time:
		*t = At(v)
	case string:
		return t.UnmarshalText([]byte(v))
	case []byte:
		return t.UnmarshalText(v)
	default:
		return fmt.Errorf("cannot read a timestamp from %T", src)
	}
	return nil
}

// MarshalText returns the stored form.
func (t Timestamp) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the forms of ParseTimestamp.
func (t *Timestamp) UnmarshalText(b []byte) (err error) {
	*t, err = ParseTimestamp(string(b))
	return err
}

// MarshalJSON returns the stored form in quotes; the zero Timestamp is null.
func (t Timestamp) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	return json.Marshal(t.String())
}

// UnmarshalJSON reads a quoted time, or null.
func (t *Timestamp) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		*t = Timestamp{}
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	return t.UnmarshalText([]byte(s))
}
