package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"

	"github.com/seanchatmangpt/ggen/tier2/internal/canonical"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// Digest is what a table holds on one side.
type Digest struct {
	Rows   int64  `json:"rows"`
	SHA256 string `json:"sha256"` // over the canonical bytes of its rows, in order of their keys
}

// digester adds up rows.
type digester struct {
	hash hash.Hash
	rows int64
	buf  []byte
}

func newDigester() *digester { return &digester{hash: sha256.New()} }

func (d *digester) add(t *engine.Table, row engine.Row) {
	d.buf = appendRow(d.buf[:0], t, row)
	d.hash.Write(d.buf)
	d.rows++
}

func (d *digester) sum() Digest {
	return Digest{Rows: d.rows, SHA256: hex.EncodeToString(d.hash.Sum(nil))}
}

// appendRow writes the canonical bytes of a row.
func appendRow(b []byte, t *engine.Table, row engine.Row) []byte {
	for i := range row {
		b = canonical.Append(b, t.Columns[i].Type.Kind(), row.Value(i))
	}
	return b
}
