package sealing

import (
	"context"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Prove returns the proof that an entry is in the tree of the newest checkpoint. Errors:
// models.ErrNotFound if the entry does not exist or is not sealed yet, models.ErrConflict if
// it was changed after it was sealed, models.ErrCorrupt if it cannot be read.
func (l *Log) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	s, err := l.Bulk.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close() //nolint:errcheck // only read
	rows, err := s.Pick(ctx, schema.Named("audit_log"), backend.By{Column: "id"}, []any{id})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, refuse.NotFound("audit_log", "id", id)
	}
	leaves, err := s.Pick(ctx, treeTable, backend.By{Column: "entry_id"}, []any{id})
	if err != nil {
		return nil, err
	}
	checkpoint, err := newestCheckpoint(ctx, s)
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
	if p.Path, err = tlog.ProveRecord(checkpoint.Size, p.Index, tree{s}.reader(ctx)); err != nil {
		return nil, err
	}
	if err := p.Check(); err != nil { // fails if tree or checkpoint were changed
		return nil, err
	}
	return p, nil
}

// entry converts a row of audit_log.
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

// text returns a value as JSON text, or nil for NULL.
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
