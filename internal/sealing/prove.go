package sealing

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Prove is the proof that an entry is in the tree of the newest checkpoint. Errors:
// models.ErrNotFound for an entry that is not there, or not sealed yet; models.ErrConflict
// for one that is not what was sealed; models.ErrCorrupt for one that another program
// left unreadable.
func (l *Log) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	table := l.table("audit_log")
	table.Lenient = false
	rows, err := s.Pick(ctx, table, engine.By{Column: "id"}, []any{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, &models.Error{Table: "audit_log", Column: "id", Value: id, Kind: models.ErrNotFound, Err: gorm.ErrRecordNotFound}
	}
	t := tree{l.table("tier2_audit_tree"), s}
	leaves, err := s.Pick(ctx, t.table, engine.By{Column: "entry_id"}, []any{id})
	if err != nil {
		return nil, err
	}
	checkpoint, err := l.newest(ctx, s)
	if err != nil {
		return nil, err
	}
	if len(leaves) == 0 || checkpoint.Size == 0 {
		return nil, &models.Error{Table: "audit_log", Column: "id", Value: id, Kind: models.ErrNotFound, Reason: "the entry is not sealed yet"}
	}
	sealed, err := readLeaf(leaves[0])
	if err != nil {
		return nil, err
	}
	if sealed.content != schema.Entry(rows[0]) {
		return nil, &models.Error{Table: "audit_log", Column: "id", Value: id, Kind: models.ErrConflict, Reason: "the entry is not what was sealed"}
	}
	p := &ledger.Proof{Entry: entry(rows[0]), Index: sealed.n, Checkpoint: checkpoint}
	if p.Path, err = tlog.ProveRecord(checkpoint.Size, p.Index, t.reader(ctx)); err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil { // the tree, or the checkpoint, was changed
		return nil, err
	}
	return p, nil
}

// entry is a row of audit_log as a proof carries it.
func entry(row schema.Row) ledger.Entry {
	e := ledger.Entry{
		ID: row[0].(int64), Timestamp: *text(row[1]), AgentID: *text(row[2]), Operation: *text(row[3]), Status: *text(row[4]),
		ErrorMessage: text(row[6]), ContextJSON: text(row[7]), CreatedAt: text(row[8]),
	}
	if ms, ok := row[5].(int64); ok {
		e.DurationMS = &ms
	}
	return e
}

// text is a value as JSON has it; nil for NULL.
func text(v any) *string {
	switch v := v.(type) {
	case string:
		return &v
	case schema.Instant:
		at := models.At(v.Time).String()
		return &at
	}
	return nil
}
