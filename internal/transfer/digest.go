package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Digest is what a table holds on one side.
type Digest struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // over the canonical bytes of its rows, in order of their keys
}

// Digester adds up the rows of a table, in order of their keys.
type Digester struct {
	hash hash.Hash
	rows int64
	buf  []byte
}

// NewDigester is one of no rows.
func NewDigester() *Digester { return &Digester{hash: sha256.New()} }

// Add adds a row.
func (d *Digester) Add(t *schema.Table, row schema.Row) {
	d.buf = appendRow(d.buf[:0], t, row)
	d.hash.Write(d.buf)
	d.rows++
}

// Sum is the digest of the rows until now.
func (d *Digester) Sum() Digest {
	return Digest{Rows: d.rows, SHA256: hex.EncodeToString(d.hash.Sum(nil))}
}

// appendRow writes the canonical bytes of a row.
func appendRow(b []byte, t *schema.Table, row schema.Row) []byte {
	for i := range row {
		b = schema.Append(b, t.Columns[i].Kind, row.Value(i))
	}
	return b
}
