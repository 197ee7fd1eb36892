package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"

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

// appendRow writes a row so that rows which mean the same on either engine give the
// same bytes, and others do not: a tag for each value, and the length of each text.
func appendRow(b []byte, t *engine.Table, row engine.Row) []byte {
	for i, v := range row {
		b = appendValue(b, t.Columns[i].Type, v)
	}
	return b
}

func appendValue(b []byte, typ engine.Type, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.BigEndian.AppendUint64(append(b, 'i'), uint64(v))
	case float64:
		if v == 0 {
			v = 0 // SQLite keeps no sign of zero
		}
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
	case engine.Instant:
		return binary.BigEndian.AppendUint64(append(b, 't'), uint64(v.UnixMicro()))
	case string:
		if typ == engine.Document {
			document := appendDocument(nil, v)
			return append(binary.BigEndian.AppendUint64(append(b, 'j'), uint64(len(document))), document...)
		}
		return append(binary.BigEndian.AppendUint64(append(b, 's'), uint64(len(v))), v...)
	}
	return append(b, '0')
}
