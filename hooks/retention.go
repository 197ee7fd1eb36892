package hooks

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/sealing"
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
	said := sealing.NewBoundary("remove", ids)
	taken, err := d.takeOver(ctx, pool, &said, ids)
	if err != nil {
		return err
	}
	var boundary models.AuditEntry
	err = d.insertEntries(ctx, pool, []entry{{
		at: models.At(at), created: models.At(at).Time, agent: orSystem(agent), operation: ledger.OperationRemove,
		status: models.AuditCompleted, context: sealing.ContextJSON(said), of: &boundary,
	}})
	if err != nil {
		return err
	}
	for chunk := range slices.Chunk(taken, removedAtOnce) {
		if _, err := pool.ExecContext(ctx, fmt.Sprintf("UPDATE tier2_removed SET boundary = %d WHERE boundary IN (%s)", boundary.ID, list(chunk))); err != nil {
			return err
		}
	}
	for chunk := range slices.Chunk(ids, removedAtOnce) {
		result, err := pool.ExecContext(ctx, fmt.Sprintf(
			"INSERT INTO tier2_removed (entry_id, boundary) SELECT entry_id, %d FROM tier2_audit_tree WHERE level = 0 AND entry_id IN (%s)",
			boundary.ID, list(chunk)))
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

// takeOver widens a boundary by what was removed before under boundaries that go
// themselves now, and returns these.
func (d *dialect) takeOver(ctx context.Context, pool gorm.ConnPool, said *ledger.Boundary, ids []int64) (taken []int64, err error) {
	for chunk := range slices.Chunk(ids, removedAtOnce) {
		rows, err := readRows(pool.QueryContext(ctx, fmt.Sprintf(
			"SELECT boundary AS id, COUNT(*) AS entries, MIN(entry_id) AS first_id, MAX(entry_id) AS last_id FROM tier2_removed WHERE boundary IN (%s) GROUP BY boundary", list(chunk))))
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			entries, _ := r["entries"].(int64)
			first, _ := r["first_id"].(int64)
			last, _ := r["last_id"].(int64)
			said.Entries, said.FirstID, said.LastID = said.Entries+entries, min(said.FirstID, first), max(said.LastID, last)
			taken = append(taken, r.id())
		}
	}
	return taken, nil
}

// list is ids as SQL has them between parentheses.
func list(ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = strconv.FormatInt(id, 10)
	}
	return strings.Join(texts, ",")
}
