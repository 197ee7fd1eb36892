package transfer

import (
	"context"
	"fmt"
	"math"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Merge is Run for one of tables, whose target may hold other rows as well: those that
// it lacks are added, and one that it holds in another form is models.ErrConflict. It
// looks at all of them before it writes any, and compares nothing in the end: the
// result's Target is not set. last is the key of the source's last row, nil if it has none. The audit log takes entries behind its sealed end alone.
func Merge(ctx context.Context, tables []schema.Table, name string, source Source, last []any, to backend.Bulk, progress func(Progress)) (Table, error) {
	defer source.Close()
	table, found := schema.Find(tables, name)
	tree, known := schema.Find(tables, "tier2_audit_tree")
	if !found || !known {
		return Table{}, fmt.Errorf("no table %s", name)
	}
	t := &transfer{from: source, to: to, tables: []schema.Table{table}, progress: progress, others: true, log: &tree, last: last}
	report, err := t.run(ctx)
	if err != nil {
		return Table{}, err
	}
	return report.Tables[0], nil
}

// mostReserved is up to where ids are reserved: an import that is refused in the end uses
// up what it has reserved, and must not use up all there are.
const mostReserved = 1 << 62

// reserve keeps others, who may save between two batches, from the ids of those to come.
func (t *transfer) reserve(ctx context.Context) error {
	if len(t.last) != 1 {
		return nil
	}
	id, ok := t.last[0].(int64)
	if !ok || id > mostReserved {
		return nil
	}
	tx, err := t.to.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Close()
	if err := tx.Reserve(ctx, &t.tables[0], id); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

// settle keeps the audit log from being sealed further until the end of the transaction,
// if entries are to go behind its sealed end.
func (t *transfer) settle(ctx context.Context, table *schema.Table, tx backend.Writer) error {
	if !t.others || table.Name != (&models.AuditEntry{}).TableName() {
		return nil
	}
	_, err := tx.Settle(ctx, table)
	return err
}

// behindSeal refuses entries that the audit log lacks and that would come before its
// sealed end, where verifying takes them for inserted ones.
func (t *transfer) behindSeal(ctx context.Context, table *schema.Table, missing []schema.Row, target backend.Snapshot) error {
	if table.Name != (&models.AuditEntry{}).TableName() || len(missing) == 0 {
		return nil
	}
	leaves := backend.Range{UpTo: []any{int64(0), int64(math.MaxInt64)}, Descending: true, Limit: 1}
	last, err := target.Page(ctx, t.log, leaves)
	if err != nil || len(last) == 0 {
		return err
	}
	sealed, id := last[0][t.log.Index("entry_id")], missing[0][table.Key[0]]
	if end, ok := sealed.(int64); ok && id.(int64) <= end {
		return conflict(table, missing[0], fmt.Sprintf("the audit log is sealed up to entry %d and takes none before that", end))
	}
	return nil
}
