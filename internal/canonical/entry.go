package canonical

import (
	"crypto/sha256"
	"encoding/binary"

	"golang.org/x/mod/sumdb/tlog"
)

// Entry is the hash of what an audit entry says: the SHA-256 of the canonical bytes of its
// columns but for id. value gives the value of the ith column, id being the first.
func Entry(value func(i int) any) tlog.Hash {
	b := make([]byte, 0, 512)
	for i, c := range Columns("audit_log")[1:] {
		b = Append(b, c.Kind, value(i+1))
	}
	return sha256.Sum256(b)
}

// Leaf is the hash of a leaf of the audit log's tree: of the entry's id, in eight bytes,
// big end first, and its Entry.
func Leaf(id int64, entry tlog.Hash) tlog.Hash {
	return tlog.RecordHash(append(binary.BigEndian.AppendUint64(nil, uint64(id)), entry[:]...))
}
