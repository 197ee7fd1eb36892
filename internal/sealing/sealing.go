// Package sealing keeps the Merkle tree over the audit log in its database: it extends the
// tree, verifies log and rows against it, and proves entries. What the tree, a checkpoint
// and a proof are is package ledger's.
package sealing

import (
	"context"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
)

// Log is the audit log of an open database.
type Log struct {
	Bulk   engine.Bulk
	Tables []schema.Table // of the schema
	Now    func() time.Time
	Signer note.Signer // signs checkpoints; nil: nobody does
	Anchor string      // the anchor file; "": none
	// Archive opens an archive for reading.
	Archive func(ctx context.Context, dsn string) (engine.Bulk, func() error, error)
}

// table is a table of the schema, read whatever it holds.
func (l *Log) table(name string) *schema.Table {
	t, _ := schema.Find(l.Tables, name)
	t.Lenient = true
	return &t
}

// The columns of audit_log, tier2_audit_tree and tier2_checkpoints in the order of the schema.
const (
	entryID = 0

	treeN     = 1
	treeHash  = 2
	treeEntry = 3

	checkpointSize = 0
	checkpointRoot = 1
	checkpointTime = 2
	checkpointNote = 3
)

// isArchive reports whether the database is an archive, whose tree has holes.
func (l *Log) isArchive(ctx context.Context, s engine.Snapshot) (bool, error) {
	n, err := s.Count(ctx, l.table("tier2_archive"))
	return n > 0, err
}
