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
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const auditTable = "audit_log"

// Audit appends to and reads the table audit_log, which holds the entries of every write
// and the entries that callers record.
type Audit struct{ h handle }

// AuditFilter selects audit entries. The zero value selects all.
type AuditFilter struct {
	AgentID      string
	Operation    string // such as receipts.create, or the text of a caller's own entry
	Status       models.AuditStatus
	ExecutionID  string    // selects by context_json.execution_id
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// Record appends one entry. It sets the id and empty defaults in entry, and redacts secrets
// in ErrorMessage and ContextJSON, in entry too. Errors: models.ErrInvalid.
func (a *Audit) Record(ctx context.Context, entry *models.AuditEntry) error {
	if entry == nil {
		return refuse.Invalid(auditTable, "", nil, "must not be nil")
	}
	schema.Prepare(entry, a.h.now())
	if err := entry.Validate(); err != nil {
		return err
	}
	return insert(ctx, a.h, entry)
}

// List returns one page of the selected entries, newest first, and the cursor of the next
// page. Errors: models.ErrInvalid for an invalid filter or page.
func (a *Audit) List(ctx context.Context, f AuditFilter) ([]models.AuditEntry, string, error) {
	return fetch[models.AuditEntry](a.filter(ctx, f), f.Page)
}

// All yields every selected entry, newest first, in constant memory. f.Limit is the number
// of rows per statement. Errors: as List.
func (a *Audit) All(ctx context.Context, f AuditFilter) iter.Seq2[models.AuditEntry, error] {
	return walk[models.AuditEntry](a.filter(ctx, f), f.Page)
}

// Trail returns every entry whose context names that execution or session, oldest first.
// It reads the whole log. Errors: models.ErrInvalid for a blank id.
func (a *Audit) Trail(ctx context.Context, id string) ([]models.AuditEntry, error) {
	if err := refuse.Blank(auditTable, "context_json", id); err != nil {
		return nil, err
	}
	q := a.h.read(ctx)
	named := q.Where(member(q, "context_json", "execution_id")+" = ?", id).
		Or(member(q, "context_json", "session_id")+" = ?", id)
	return find[models.AuditEntry](q.Where(named).Order("timestamp, id"))
}

func (a *Audit) filter(ctx context.Context, f AuditFilter) list {
	l := a.h.list(ctx, &models.AuditEntry{}, "timestamp")
	l.equal("agent_id", f.AgentID)
	l.equal("operation", f.Operation)
	oneOf(&l, "status", f.Status, models.AuditStatuses())
	l.where("execution_id", f.ExecutionID, member(l.db, "context_json", "execution_id")+" = ?", f.ExecutionID)
	l.between(f.Since, f.Until)
	return l
}

// member is the SQL for a top-level member of a JSON column, as text.
func member(db *gorm.DB, column, key string) string {
	return sqlOf(db).Member(column, key)
}

// Seal adds all new entries to the Merkle tree over the audit log, in order of id, and
// returns a checkpoint of the tree. The checkpoint is signed and anchored if the store has
// a signer and an anchor, and has size 0 if the log is empty. Entries of other programs are
// sealed too. Seal delays a save no longer than another save does. A store seals its own
// writes on Close.
//
// Errors: models.ErrConflict if the tree or the anchor belongs to another history (Verify
// reports the changes); models.ErrBusy if transactions that add entries outlast the busy
// timeout; models.ErrReadOnly for an archive; models.ErrInvalid inside a transaction.
func (a *Audit) Seal(ctx context.Context) (ledger.Checkpoint, error) {
	if err := a.outside(); err != nil {
		return ledger.Checkpoint{}, err
	}
	return a.h.log.Ledger.Seal(ctx, 0)
}

// Verify reads the whole audit log, in one snapshot and constant memory, and compares the
// entries with the tree, the tree with the checkpoints, and each row with the digest in its
// last entry. The report lists entries that were edited, removed, inserted or reordered, a
// forked log and, with an anchor, a truncated log. Rows without an entry, such as rows that
// another program inserted, are not findings.
//
// Errors: models.ErrInvalid for invalid options, such as an anchor or keys for an archive,
// which has no checkpoints, and inside a transaction; models.ErrNotFound if an anchor or
// archive does not exist.
func (a *Audit) Verify(ctx context.Context, opts ledger.VerifyOptions) (*ledger.Report, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Verify(ctx, opts)
}

// Prove returns a proof that an entry is in the tree of the newest checkpoint.
// ledger.Proof.Check checks it without a database.
//
// Errors: models.ErrNotFound for an entry that does not exist or is not sealed;
// models.ErrConflict if the entry or the tree differs from what was sealed;
// models.ErrInvalid inside a transaction.
func (a *Audit) Prove(ctx context.Context, id int64) (*ledger.Proof, error) {
	if err := a.outside(); err != nil {
		return nil, err
	}
	return a.h.log.Ledger.Prove(ctx, id)
}

// outside rejects calls inside a transaction, and on a store without a ledger.
func (a *Audit) outside() error {
	switch {
	case a.h.log.Ledger == nil:
		return refuse.Invalid(auditTable, "", nil, "this store keeps no tree over its audit log")
	case a.h.inside():
		return refuse.Invalid(auditTable, "", nil, "the audit log cannot be sealed, verified or proved from inside a transaction")
	}
	return nil
}

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
