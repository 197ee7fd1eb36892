package repository

import (
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// DefaultPoll is how often Audit.Follow looks for new entries if the caller does not say.
const DefaultPoll = 500 * time.Millisecond

// lookBack is how many ids below the largest one Follow waits for those that are not
// there yet.
const lookBack = 10_000

// Follow yields the entries that f chooses as this or another process commits them,
// those of one look in the order of their ids, and looks again every so often,
// DefaultPoll if 0. It begins with those after the call, or, if f.Since is set, with
// those that are there since then. An entry that is committed after one with a larger
// id, as happens on PostgreSQL, is not passed over while its id is one of the last
// 10,000. It goes on until ctx ends, whose error is the last it yields. Errors:
// models.ErrInvalid for a filter that cannot be, with an Until or a Cursor, or a negative time.
func (a *Audit) Follow(ctx context.Context, f AuditFilter, every time.Duration) iter.Seq2[models.AuditEntry, error] {
	return func(yield func(models.AuditEntry, error) bool) {
		l := &follower{a: a, ctx: ctx, missing: map[int64][]string{}, yield: func(e models.AuditEntry) bool { return yield(e, nil) }}
		if err := l.follow(f, every); err != nil {
			yield(models.AuditEntry{}, err)
		}
	}
}

// follower is a Follow under way.
type follower struct {
	a     *Audit
	ctx   context.Context
	yield func(models.AuditEntry) bool
	db    *gorm.DB // the filter
	size  int      // rows to a statement
	seen  int64    // up to this id all is yielded, but for
	// missing are ids that were not there, and the transactions that may have taken them.
	missing map[int64][]string
}

func (l *follower) follow(f AuditFilter, every time.Duration) error {
	if err := l.begin(f, &every); err != nil {
		return err
	}
	for {
		if more, err := l.look(); err != nil || !more {
			return err
		}
		select {
		case <-l.ctx.Done():
			return l.ctx.Err()
		case <-time.After(every):
		}
	}
}

// begin finds where to start.
func (l *follower) begin(f AuditFilter, every *time.Duration) error {
	switch {
	case *every < 0:
		return invalid(auditTable, "every", *every, "must not be negative")
	case !f.Until.IsZero():
		return invalid(auditTable, "until", f.Until, "nothing that is followed has an end")
	case f.Cursor != "":
		return invalid(auditTable, "cursor", f.Cursor, "nothing that is followed has pages")
	case *every == 0:
		*every = DefaultPoll
	}
	if f.Limit == 0 {
		f.Limit = MaxLimit
	}
	size, err := f.limit(auditTable)
	if err != nil {
		return err
	}
	list, err := l.a.filter(l.ctx, f)
	if err != nil {
		return err
	}
	l.db, l.size = list.db.Session(&gorm.Session{}), size
	return l.start(f.Since.IsZero())
}

// start finds what is seen: all that is there, or all before the first entry chosen, which
// is looked for again, since one with a smaller id may have come meanwhile.
func (l *follower) start(fromNow bool) error {
	var there []int64 // of one statement, as is the last of them
	err := l.a.h.read(l.ctx).Model(&models.AuditEntry{}).Order("id DESC").Limit(lookBack).Pluck("id", &there).Error
	if err != nil {
		return err
	}
	if len(there) > 0 {
		l.seen = there[0]
	}
	if fromNow {
		after := max(l.seen-lookBack, 0)
		there = slices.DeleteFunc(there, func(id int64) bool { return id <= after })
		slices.Reverse(there)
		return l.wait(there, after, l.seen)
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
		if err := l.waitFrom(l.seen-lookBack, l.seen); err != nil {
			return err
		}
	}
}

// look yields what is new.
func (l *follower) look() (more bool, err error) {
	late, err := l.late()
	if err != nil {
		return false, err
	}
	for ids := range slices.Chunk(late, l.size) {
		entries, err := l.entries(l.db.Where("id IN ?", ids))
		if err != nil || !all(entries, l.yield) {
			return false, err
		}
	}
	last, err := l.last()
	if err != nil || last <= l.seen {
		return err == nil, err
	}
	after := l.seen
	l.seen = last
	if err := l.waitFrom(after, last); err != nil {
		return false, err
	}
	for {
		entries, err := l.entries(l.db.Where("id > ? AND id <= ?", after, last).Limit(l.size))
		if err != nil || !all(entries, l.next) {
			return false, err
		}
		if len(entries) < l.size {
			return true, nil
		}
		after = entries[len(entries)-1].ID
	}
}

// next yields an entry, unless it has come since it was missing: then it is late.
func (l *follower) next(e models.AuditEntry) bool {
	_, late := l.missing[e.ID]
	return late || l.yield(e)
}

// late are the missing ids that have come, in order. Who may have taken one is asked
// before: what those who have ended by then have committed is there.
func (l *follower) late() (late []int64, err error) {
	if len(l.missing) == 0 {
		return nil, nil
	}
	open, err := l.a.h.log.Adding(l.ctx)
	if err != nil {
		return nil, err
	}
	ids := slices.Collect(maps.Keys(l.missing))
	there, err := l.ids(slices.Min(ids)-1, slices.Max(ids))
	if err != nil {
		return nil, err
	}
	for _, id := range there {
		if _, ok := l.missing[id]; ok {
			late = append(late, id)
			delete(l.missing, id)
		}
	}
	for id, who := range l.missing {
		if who = both(who, open); len(who) == 0 || id <= l.seen-lookBack {
			delete(l.missing, id)
		} else {
			l.missing[id] = who
		}
	}
	return late, nil
}

// both is what is in a and in b.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return !slices.Contains(b, s) })
}

// waitFrom is wait for those between two ids that are not there now.
func (l *follower) waitFrom(after, upTo int64) error {
	if l.a.h.log.Adding == nil {
		return nil
	}
	after = max(after, upTo-lookBack, 0)
	there, err := l.ids(after, upTo)
	if err != nil {
		return err
	}
	return l.wait(there, after, upTo)
}

// wait adds the ids between these that are missing. Who may have taken them is asked after,
// so that nobody is forgotten; who has ended since is asked for once more.
func (l *follower) wait(there []int64, after, upTo int64) error {
	if l.a.h.log.Adding == nil || int64(len(there)) == upTo-after {
		return nil
	}
	open, err := l.a.h.log.Adding(l.ctx)
	if err != nil {
		return err
	}
	for i := range upTo - after {
		id := after + 1 + i
		if _, ok := slices.BinarySearch(there, id); !ok {
			l.missing[id] = open
		}
	}
	return nil
}

// ids are the ids after one, up to and with another, that are there, in order.
func (l *follower) ids(after, upTo int64) (ids []int64, err error) {
	err = l.a.h.read(l.ctx).Model(&models.AuditEntry{}).Where("id > ? AND id <= ?", after, upTo).Order("id").Pluck("id", &ids).Error
	return ids, err
}

// entries are those that q chooses, in order.
func (l *follower) entries(q *gorm.DB) (entries []models.AuditEntry, err error) {
	err = q.Order("id").Find(&entries).Error
	return entries, err
}

// last is the largest id, 0 if there is none.
func (l *follower) last() (id int64, err error) {
	err = l.a.h.read(l.ctx).Model(&models.AuditEntry{}).Pluck("COALESCE(MAX(id), 0)", &id).Error
	return id, err
}
