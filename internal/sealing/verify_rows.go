package sealing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const (
	entryOperation = 3
	entryStatus    = 4
	entryContext   = 7
)

// saysSo reports whether an entry is the boundary of what was removed.
func saysSo(row schema.Row, removed span) bool {
	var b ledger.Boundary
	text, _ := row[entryContext].(string)
	operation, _ := row[entryOperation].(string)
	return (operation == ledger.OperationArchive || operation == ledger.OperationRemove) && json.Unmarshal([]byte(text), &b) == nil &&
		b.Covers(removed.first) && b.Covers(removed.last) && b.Entries >= removed.entries
}

func sorted(ids []any) []int64 {
	list := make([]int64, len(ids))
	for i, id := range ids {
		list[i], _ = id.(int64)
	}
	slices.Sort(list)
	return list
}

// account is what an entry of the hooks says of a row.
type account struct {
	Table  string `json:"table"`
	Action string `json:"action"`
	ID     int64  `json:"id"`
	Digest string `json:"digest"`
	// Changes.ID.From is the id that the row had before, if an update changed it.
	Changes struct {
		ID struct{ From int64 }
	}

	entry int64
}

// rows compares each row with the digest of its last entry. The log is read from its end,
// so that the first entry of a row that comes is its last; which rows have had theirs is
// a bit each.
func (v *verification) rows(ctx context.Context) error {
	if v.partial { // the entries of an archive are not all of its rows'
		return nil
	}
	seen := map[string]*roaring64.Bitmap{}
	for upTo := (*int64)(nil); ; {
		r := engine.Range{Descending: true, Limit: step}
		if upTo != nil {
			r.UpTo = []any{*upTo}
		}
		entries, err := v.db.Page(ctx, v.Log.table("audit_log"), r)
		if err != nil {
			return err
		}
		last := map[string]map[int64]account{}
		for _, row := range entries {
			a, ok := accountOf(row)
			if !ok {
				continue
			}
			known := gets(seen, a.Table, a.ID)
			if from := a.Changes.ID.From; from != 0 {
				gets(seen, a.Table, from) // whatever older entries say of that id is over
			}
			if known {
				continue
			}
			if last[a.Table] == nil {
				last[a.Table] = map[int64]account{}
			}
			last[a.Table][a.ID] = a
		}
		for _, m := range models.All() {
			if err := v.check(ctx, m.TableName(), last[m.TableName()]); err != nil {
				return err
			}
		}
		if len(entries) < step {
			break
		}
		id, _ := entries[len(entries)-1][entryID].(int64)
		if id == -1<<63 {
			break
		}
		id--
		upTo = &id
	}
	return nil
}

// gets reports whether a row has had its last entry already, and marks it.
func gets(seen map[string]*roaring64.Bitmap, table string, id int64) bool {
	if seen[table] == nil {
		seen[table] = roaring64.New()
	}
	return !seen[table].CheckedAdd(uint64(id))
}

// accountOf reads an entry that the hooks wrote of a row that was written.
func accountOf(row schema.Row) (a account, ok bool) {
	id, _ := row[entryID].(int64)
	operation, _ := row[entryOperation].(string)
	status, _ := row[entryStatus].(string)
	text, _ := row[entryContext].(string)
	if status != string(models.AuditCompleted) || json.Unmarshal([]byte(text), &a) != nil {
		return a, false
	}
	a.entry = id
	return a, a.ID != 0 && a.Table != "audit_log" && schema.Audited(a.Table) != nil && operation == a.Table+"."+a.Action
}

// check compares rows of a table with what their last entries say.
func (v *verification) check(ctx context.Context, name string, last map[int64]account) error {
	ids := make([]any, 0, len(last))
	for id := range last {
		ids = append(ids, id)
	}
	table := v.Log.table(name)
	found, err := pick(ctx, v.db, table, engine.By{Column: "id"}, ids)
	if err != nil {
		return err
	}
	there := map[int64]bool{}
	for _, row := range found {
		id, _ := row[0].(int64)
		there[id] = true
		a := last[id]
		switch {
		case a.Action == "delete":
			v.row(ledger.RowBack, a, "row %d of %s is there, and entry %d says that it was deleted")
		case a.Digest == "":
			v.report.Undigested++
		case a.Digest != schema.Named(name).Digest(row):
			v.row(ledger.RowChanged, a, "row %d of %s is not what entry %d vouches for")
		default:
			v.report.Rows++
		}
	}
	for _, id := range sorted(ids) {
		if a := last[id]; !there[id] && a.Action != "delete" {
			v.row(ledger.RowMissing, a, "row %d of %s is gone, and entry %d is the last to speak of it")
		}
	}
	return nil
}

func (v *verification) row(kind ledger.Kind, a account, format string) {
	v.find(ledger.Finding{Kind: kind, EntryID: a.entry, Table: a.Table, RowID: a.ID, Reason: fmt.Sprintf(format, a.ID, a.Table, a.entry)})
}
