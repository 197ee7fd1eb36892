package repository

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// DefaultPoll is the default interval of Audit.Follow.
const DefaultPoll = 500 * time.Millisecond

// lookBack is the number of ids below the largest one for which Follow waits.
const lookBack = 10_000

// Follow yields the selected entries as this or another process commits them. It queries
// for new entries at the given interval, DefaultPoll if 0, and yields the results of one
// query in order of id. It starts with the entries committed after the call or, if f.Since
// is set, with the existing entries since then.
//
// On PostgreSQL an entry can be committed after an entry with a larger id. Follow yields
// such an entry as long as its id is one of the last 10,000.
//
// The sequence ends when ctx ends, and yields the error of ctx last. Errors:
// models.ErrInvalid for an invalid filter, an Until, a Cursor or a negative interval.
func (a *Audit) Follow(ctx context.Context, f AuditFilter, every time.Duration) iter.Seq2[models.AuditEntry, error] {
	return func(yield func(models.AuditEntry, error) bool) {
		l := &follower{a: a, ctx: ctx, missing: map[int64][]string{}, yield: yield}
		if err := l.follow(f, every); err != nil {
			yield(models.AuditEntry{}, err)
		}
	}
}

// follower is the state of one Follow.
type follower struct {
	a     *Audit
	ctx   context.Context
	yield func(models.AuditEntry, error) bool
	db    *gorm.DB // the filter
	size  int      // rows per statement
	seen  int64    // entries up to this id are yielded, except the missing ones
	// missing maps each id without a committed row to the transactions that may have taken it.
	missing map[int64][]string
}

func (l *follower) follow(f AuditFilter, every time.Duration) error {
	switch {
	case every < 0:
		return refuse.Invalid(auditTable, "every", every, "must not be negative")
	case !f.Until.IsZero():
		return refuse.Invalid(auditTable, "until", f.Until, "nothing that is followed has an end")
	case f.Cursor != "":
		return refuse.Invalid(auditTable, "cursor", f.Cursor, "nothing that is followed has pages")
	}
	f.Limit = cmp.Or(f.Limit, MaxLimit)
	list, size, err := l.a.filter(l.ctx, f).from(f.Page)
	if err != nil {
		return err
	}
	l.db, l.size = list.db.Session(&gorm.Session{}), size
	if err := l.start(f.Since.IsZero()); err != nil {
		return err
	}
	for {
		if more, err := l.poll(); err != nil || !more {
			return err
		}
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case <-time.After(cmp.Or(every, DefaultPoll)):
		}
	}
}

// start sets seen: to the last id, or to the id before the first selected entry. It repeats
// the search for that entry until the result is stable, since an entry with a smaller id
// may be committed meanwhile.
func (l *follower) start(fromNow bool) error {
	var present []int64 // read by one statement, together with the largest id
	err := l.log().Order("id DESC").Limit(lookBack).Pluck("id", &present).Error
	if err != nil {
		return err
	}
	if len(present) > 0 {
		l.seen = present[0]
	}
	if fromNow {
		after := max(l.seen-lookBack, 0)
		present = slices.DeleteFunc(present, func(id int64) bool { return id <= after })
		slices.Reverse(present)
		return l.addMissing(present, after, l.seen)
	}
	for first := int64(-1); ; {
		before := first
		if err := l.db.Pluck("COALESCE(MIN(id), 0)", &first).Error; err != nil || first == before {
			return err
		}
		if first > 0 {
			l.seen = min(l.seen, first-1)
		}
		clear(l.missing)
		if err := l.findMissing(l.seen-lookBack, l.seen); err != nil {
			return err
		}
	}
}

// poll yields the new entries. more is false if the caller stopped.
func (l *follower) poll() (more bool, err error) {
	late, err := l.late()
	if err != nil {
		return false, err
	}
	for ids := range slices.Chunk(late, l.size) {
		entries, err := find[models.AuditEntry](l.db.Where("id IN ?", ids).Order("id"))
		if err != nil || !all(entries, l.yield) {
			return false, err
		}
	}
	var last int64
	err = l.log().Pluck("COALESCE(MAX(id), 0)", &last).Error
	if err != nil || last <= l.seen {
		return err == nil, err
	}
	after := l.seen
	l.seen = last
	if err := l.findMissing(after, last); err != nil {
		return false, err
	}
	for {
		entries, err := find[models.AuditEntry](l.db.Where("id > ? AND id <= ?", after, last).Order("id").Limit(l.size))
		if err != nil || !all(entries, l.next) {
			return false, err
		}
		if len(entries) < l.size {
			return true, nil
		}
		after = entries[len(entries)-1].ID
	}
}

// next yields an entry, unless it was committed after findMissing: then late yields it.
func (l *follower) next(e models.AuditEntry, err error) bool {
	_, late := l.missing[e.ID]
	return late || l.yield(e, err)
}

// late returns the missing ids that have a row now, in order. It lists the open
// transactions first: a transaction that is not in the list has ended, so its rows are
// visible to the query that follows.
func (l *follower) late() (late []int64, err error) {
	if len(l.missing) == 0 {
		return nil, nil
	}
	open, err := l.a.h.log.Adding(l.ctx)
	if err != nil {
		return nil, err
	}
	ids := slices.Collect(maps.Keys(l.missing))
	present, err := l.ids(slices.Min(ids)-1, slices.Max(ids))
	if err != nil {
		return nil, err
	}
	for _, id := range present {
		if _, ok := l.missing[id]; ok {
			late = append(late, id)
			delete(l.missing, id)
		}
	}
	for id, owners := range l.missing {
		owners = slices.DeleteFunc(slices.Clone(owners), func(s string) bool { return !slices.Contains(open, s) })
		if len(owners) == 0 || id <= l.seen-lookBack {
			delete(l.missing, id)
		} else {
			l.missing[id] = owners
		}
	}
	return late, nil
}

// findMissing adds the ids in (after, upTo] without a row to missing.
func (l *follower) findMissing(after, upTo int64) error {
	if l.a.h.log.Adding == nil {
		return nil
	}
	after = max(after, upTo-lookBack, 0)
	present, err := l.ids(after, upTo)
	if err != nil {
		return err
	}
	return l.addMissing(present, after, upTo)
}

// addMissing adds the ids in (after, upTo] that are not present. It lists the open
// transactions after present was read, so that none is overlooked. late checks once more
// for the rows of a transaction that has ended in between.
func (l *follower) addMissing(present []int64, after, upTo int64) error {
	if l.a.h.log.Adding == nil || int64(len(present)) == upTo-after {
		return nil
	}
	open, err := l.a.h.log.Adding(l.ctx)
	if err != nil {
		return err
	}
	for i := range upTo - after {
		id := after + 1 + i
		if _, ok := slices.BinarySearch(present, id); !ok {
			l.missing[id] = open
		}
	}
	return nil
}

// ids returns the ids in (after, upTo] that have a row, in order.
func (l *follower) ids(after, upTo int64) (ids []int64, err error) {
	err = l.log().Where("id > ? AND id <= ?", after, upTo).Order("id").Pluck("id", &ids).Error
	return ids, err
}

// log returns a query over the whole audit log.
func (l *follower) log() *gorm.DB { return l.a.h.read(l.ctx).Model(&models.AuditEntry{}) }
