package sealing

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2/roaring64"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// change is the context_json of an entry about a row.
type change struct {
	Table  string `json:"table"`
	Action string `json:"action"`
	ID     int64  `json:"id"`
	Digest string `json:"digest"`
	// Changes.ID.From is the former id of the row, if an update changed it.
	Changes struct {
		ID struct{ From int64 }
	}

	entry int64
}

// rows compares each row with the digest in its last entry. It reads the log from its end,
// so the first entry about a row that it meets is the last one. A bitmap per table holds the
// rows that it has met.
func (v *verification) rows(ctx context.Context) error {
	if v.partial { // an archive has rows whose last entry stayed in the store
		return nil
	}
	seen := map[string]*roaring64.Bitmap{}
	for r := (backend.Range{Descending: true, Limit: step}); ; {
		entries, err := v.db.Page(ctx, logTable, r)
		if err != nil {
			return err
		}
		last := map[string]map[int64]change{}
		for _, row := range entries {
			c, ok := readChange(row)
			if !ok {
				continue
			}
			known := markSeen(seen, c.Table, c.ID)
			if from := c.Changes.ID.From; from != 0 {
				markSeen(seen, c.Table, from) // older entries of that id are about this row
			}
			if known {
				continue
			}
			if last[c.Table] == nil {
				last[c.Table] = map[int64]change{}
			}
			last[c.Table][c.ID] = c
		}
		for _, m := range models.All() {
			if err := v.compareRows(ctx, m.TableName(), last[m.TableName()]); err != nil {
				return err
			}
		}
		if len(entries) < step {
			return nil
		}
		id, _ := entries[len(entries)-1][entryID].(int64)
		if id == math.MinInt64 {
			return nil
		}
		r.UpTo = []any{id - 1}
	}
}

// markSeen marks a row as seen and reports whether it already was.
func markSeen(seen map[string]*roaring64.Bitmap, table string, id int64) bool {
	if seen[table] == nil {
		seen[table] = roaring64.New()
	}
	return !seen[table].CheckedAdd(uint64(id))
}

// readChange reads an entry of the hooks about a row that was written.
func readChange(row schema.Row) (c change, ok bool) {
	c.entry, _ = row[entryID].(int64)
	operation, _ := row[entryOperation].(string)
	status, _ := row[entryStatus].(string)
	text, _ := row[entryContext].(string)
	if status != string(models.AuditCompleted) || json.Unmarshal([]byte(text), &c) != nil {
		return c, false
	}
	return c, c.ID != 0 && c.Table != "audit_log" && schema.Audited(c.Table) != nil && operation == c.Table+"."+c.Action
}

// compareRows compares rows of a table with their last entries.
func (v *verification) compareRows(ctx context.Context, table string, last map[int64]change) error {
	found, err := pick(ctx, v.db, lenient(table), backend.By{Column: "id"}, keys(last))
	if err != nil {
		return err
	}
	exists := map[int64]bool{}
	for _, row := range found {
		id, _ := row[0].(int64)
		exists[id] = true
		c := last[id]
		switch {
		case c.Action == "delete":
			v.findRow(ledger.RowBack, c, "row %d of %s is there, and entry %d says that it was deleted")
		case c.Digest == "":
			v.report.Undigested++
		case c.Digest != schema.Named(table).Digest(row):
			v.findRow(ledger.RowChanged, c, "row %d of %s is not what entry %d vouches for")
		default:
			v.report.Rows++
		}
	}
	for _, id := range slices.Sorted(maps.Keys(last)) {
		if c := last[id]; !exists[id] && c.Action != "delete" {
			v.findRow(ledger.RowMissing, c, "row %d of %s is gone, and entry %d is the last to speak of it")
		}
	}
	return nil
}

// findRow reports a fault of a row.
func (v *verification) findRow(kind ledger.Kind, c change, format string) {
	v.add(ledger.Finding{Kind: kind, EntryID: c.entry, Table: c.Table, RowID: c.ID, Reason: fmt.Sprintf(format, c.ID, c.Table, c.entry)})
}
