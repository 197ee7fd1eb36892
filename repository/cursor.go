package repository

import (
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// cursor is the place of a row in its list: the time as the database shows it, which
// another program may have written in its own form, and the row's id.
type cursor struct {
	Table string `json:"t"`
	Time  string `json:"at"`
	ID    int64  `json:"id"`
}

// encode makes the opaque text that callers hand back in Page.Cursor.
func (c cursor) encode() string {
	c.Time = strings.ToValidUTF8(c.Time, "\uFFFD") // as JSON has it, so that what is decoded encodes the same
	b, _ := json.Marshal(c)                        // strings and an int64 always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor refuses what encode did not make for that table, to the last byte: a
// cursor is never a text that somebody put together.
func decodeCursor(table, text string) (c cursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Table != table || c.Time == "" || strings.IndexByte(c.Time, 0) >= 0 || c.encode() != text {
		return cursor{}, &models.Error{
			Table: table, Column: "cursor", Value: text, Kind: models.ErrInvalid, Err: err,
			Reason: "is not the next cursor of this list",
		}
	}
	return c, nil
}
