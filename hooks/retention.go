package hooks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

type retentionKey struct{}

// WithRetention allows ctx to delete from audit_log, which is otherwise append-only: for
// the retention of old entries and nothing else. Only entries that are sealed (Audit.Seal)
// can go: their hashes stay in the tree. An entry audit_log.remove says which they were.
func WithRetention(ctx context.Context) context.Context {
	return context.WithValue(ctx, retentionKey{}, true)
}

func retaining(ctx context.Context) bool { return ctx.Value(retentionKey{}) != nil }

// removedAtOnce is how many ids one statement names.
const removedAtOnce = 1000

// permit notes that entries go, which the triggers of audit_log ask for, and says so in
// the log itself.
func (d *dialect) permit(ctx context.Context, pool gorm.ConnPool, rows []row, at time.Time) error {
	if len(rows) == 0 {
		return nil
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.id()
	}
	slices.Sort(ids)
	agent := Actor(ctx)
	if err := checkContext(ctx); err != nil {
		return err
	}
	var boundary models.AuditEntry
	err := d.insertEntries(ctx, pool, []entry{{
		at: models.At(at), created: models.At(at).Time, agent: orSystem(agent), operation: ledger.OperationRemove,
		status: models.AuditCompleted, context: ledger.NewBoundary("remove", ids).Context(), of: &boundary,
	}})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(ids, removedAtOnce) {
		list := make([]string, len(chunk))
		for i, id := range chunk {
			list[i] = strconv.FormatInt(id, 10)
		}
		result, err := pool.ExecContext(ctx, fmt.Sprintf(
			"INSERT INTO tier2_removed (entry_id, boundary) SELECT entry_id, %d FROM tier2_audit_tree WHERE level = 0 AND entry_id IN (%s)",
			boundary.ID, strings.Join(list, ",")))
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
