package audit

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/internal/scope"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

type retentionKey struct{}

// WithRetention returns a context that may delete sealed entries of audit_log.
func WithRetention(ctx context.Context) context.Context {
	return context.WithValue(ctx, retentionKey{}, true)
}

// Retaining reports whether ctx may delete from audit_log.
func Retaining(ctx context.Context) bool { return ctx.Value(retentionKey{}) != nil }

// removedAtOnce is how many ids one statement lists.
const removedAtOnce = 1000

// Permit records that entries are removed, which the triggers of audit_log require, and adds
// an entry audit_log.remove.
func (l *Log) Permit(ctx context.Context, pool gorm.ConnPool, rows []schema.Row, at time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID()
	}
	slices.Sort(ids)
	if err := CheckContext(ctx); err != nil {
		return err
	}
	boundary := NewBoundary("remove", ids)
	taken, err := l.takeOver(ctx, pool, &boundary, ids)
	if err != nil {
		return err
	}
	var id int64
	e := newEntry(event{agent: orSystem(scope.Actor(ctx)), at: at}, ledger.OperationRemove, models.AuditCompleted, nil, BoundaryContext(boundary))
	e.id = &id
	if err := l.insertEntries(ctx, pool, []Entry{e}); err != nil {
		return err
	}
	for chunk := range slices.Chunk(taken, removedAtOnce) {
		if _, err := pool.ExecContext(ctx, fmt.Sprintf("UPDATE tier2_removed SET boundary = %d WHERE boundary IN (%s)", id, list(chunk))); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(ids, removedAtOnce) {
		result, err := pool.ExecContext(ctx, fmt.Sprintf(
			"INSERT INTO tier2_removed (entry_id, boundary) SELECT entry_id, %d FROM tier2_audit_tree WHERE level = 0 AND entry_id IN (%s)",
			id, list(chunk)))
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n != int64(len(chunk)) {
			return &models.Error{Table: "audit_log", Kind: models.ErrAppendOnly, Err: err,
				Reason: fmt.Sprintf("%d of the entries from %d to %d are not sealed yet, and only sealed ones can go: call Audit.Seal first", int64(len(chunk))-n, chunk[0], chunk[len(chunk)-1])}
		}
	}
	return nil
}

// takeOver widens a boundary by the entries that were removed before under boundaries which
// are themselves removed now. It returns the ids of those.
func (l *Log) takeOver(ctx context.Context, pool gorm.ConnPool, boundary *ledger.Boundary, ids []int64) (taken []int64, err error) {
	for chunk := range slices.Chunk(ids, removedAtOnce) {
		rows, err := pool.QueryContext(ctx, fmt.Sprintf(
			"SELECT boundary, COUNT(*), MIN(entry_id), MAX(entry_id) FROM tier2_removed WHERE boundary IN (%s) GROUP BY boundary", list(chunk)))
		if err != nil {
			return nil, err
		}
		defer rows.Close()
		for rows.Next() {
			var id, entries, first, last int64
			if err := rows.Scan(&id, &entries, &first, &last); err != nil {
				return nil, err
			}
			boundary.Entries += entries
			boundary.FirstID, boundary.LastID = min(boundary.FirstID, first), max(boundary.LastID, last)
			taken = append(taken, id)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil {
			return nil, err
		}
	}
	return taken, nil
}

// list returns ids as SQL writes them between parentheses.
func list(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ",")
}

// NewBoundary returns the boundary of entries that an action removes or restores. The ids
// are in order.
func NewBoundary(action string, ids []int64) ledger.Boundary {
	return ledger.Boundary{V: 1, Table: "audit_log", Action: action, Entries: int64(len(ids)), FirstID: ids[0], LastID: ids[len(ids)-1]}
}

// BoundaryContext returns the context_json of the entry that records a boundary.
func BoundaryContext(b ledger.Boundary) string {
	text, _ := json.Marshal(b) // numbers and text always encode
	return string(text)
}
