package repository

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Sizes of a page, in rows.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Page selects a part of a list. The zero value selects the first DefaultLimit rows.
type Page struct {
	Limit  int    // rows; 0 means DefaultLimit; negative or above MaxLimit is models.ErrInvalid
	Cursor string // the cursor that the previous call returned; "" is the start of the list
}

// limit returns the number of rows to read.
func (p Page) limit(table string) (int, error) {
	return bounded(table, "limit", p.Limit, DefaultLimit, MaxLimit)
}

// bounded returns n, or byDefault if n is 0. It rejects a number below 0 or above most.
func bounded(table, name string, n, byDefault, most int) (int, error) {
	switch {
	case n < 0:
		return 0, refuse.Invalid(table, name, n, "must not be negative")
	case n > most:
		return 0, refuse.Invalid(table, name, n, fmt.Sprintf("must not be more than %d", most))
	case n == 0:
		return byDefault, nil
	}
	return n, nil
}

// cursor is the position of a row in its list: the row's id, and its time as the database
// shows it, which may be in a form that another program wrote.
type cursor struct {
	Table string `json:"t"`
	Time  string `json:"at"`
	ID    int64  `json:"id"`
}

// encode returns the opaque text of Page.Cursor.
func (c cursor) encode() string {
	c.Time = strings.ToValidUTF8(c.Time, "\uFFFD") // JSON replaces the same bytes, so decoding and encoding gives the same text
	b, _ := json.Marshal(c)                        // strings and an int64 always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor rejects every text that encode does not return for that table.
func decodeCursor(table, text string) (c cursor, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil || c.Table != table || c.Time == "" || strings.IndexByte(c.Time, 0) >= 0 || c.encode() != text {
		return cursor{}, &models.Error{
			Table: table, Column: "cursor", Value: text, Kind: models.ErrInvalid, Err: err,
			Reason: "is not the next cursor of this list",
		}
	}
	return c, nil
}

// list is a filtered table, newest first by (column, id).
type list struct {
	db     *gorm.DB // the filter, on a handle that may be used again
	table  string
	column string // the time column
	// inOrder says that an index returns the filtered rows in the list's order. Only lists
	// of receipts set it.
	inOrder bool
	err     error // the faults of the filter
}

// key is the position of a row in its list: its time as the database shows it, and its id.
type key struct {
	ID      int64
	SortKey string
}

// cursor returns the cursor of the page after a row.
func (l list) cursor(k key) string { return cursor{l.table, k.SortKey, k.ID}.encode() }

// from returns the part of the list that a page starts with, and the page's number of rows.
func (l list) from(p Page) (list, int, error) {
	if l.err != nil {
		return l, 0, l.err
	}
	limit, err := p.limit(l.table)
	if err != nil || p.Cursor == "" {
		return l, limit, err
	}
	c, err := decodeCursor(l.table, p.Cursor)
	l.db = l.db.Session(&gorm.Session{}).Where("(?, ?) < (?, ?)", clause.Column{Name: l.column}, clause.Column{Name: "id"}, c.Time, c.ID)
	return l, limit, err
}

// ordered returns q in the list's order and leaves q unchanged.
func (l list) ordered(q *gorm.DB) *gorm.DB {
	return q.Session(&gorm.Session{}).Order(clause.OrderBy{Columns: []clause.OrderByColumn{
		{Column: clause.Column{Name: l.column}, Desc: true}, {Column: clause.Column{Name: "id"}, Desc: true},
	}})
}

// keys reads the keys of the first n rows. The database may have to sort them, and sorting
// whole rows would be slow, since rows can be long.
func (l list) keys(n int) (keys []key, err error) {
	err = l.ordered(l.db).Select("id, ? || '' AS sort_key", clause.Column{Name: l.column}).Limit(n).Find(&keys).Error
	return keys, err
}

// rows reads the current rows of these keys, in order. Rows deleted meanwhile are missing.
// It omits the filter, whose index the database would prefer to the primary key.
func rows[T any](l list, keys []key) ([]T, error) {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	page := make([]T, 0, len(keys))
	err := l.ordered(l.db.Session(&gorm.Session{NewDB: true})).Where("id IN ?", ids).Find(&page).Error
	return page, err
}

// fetch reads one page and returns the cursor of the next page, "" if there is none.
func fetch[T any](l list, p Page) (page []T, next string, _ error) {
	l, limit, err := l.from(p)
	if err != nil {
		return nil, "", err
	}
	if l.inOrder {
		receipts, last, err := l.indexed(limit+1, limit)
		page, _ = any(receipts).([]T)
		if len(page) > limit {
			page, next = page[:limit], l.cursor(last)
		}
		return page, next, err
	}
	keys, err := l.keys(limit + 1)
	if err != nil {
		return nil, "", err
	}
	if len(keys) > limit {
		keys = keys[:limit]
		next = l.cursor(keys[limit-1])
	}
	page, err = rows[T](l, keys)
	return page, next, err
}

// keysAhead is the number of keys that walk reads per statement, about 3 MB, because every
// statement sorts a list that has no index for its order.
const keysAhead = 50_000

// walk yields every row from p.Cursor on. It reads p.Limit rows per statement, MaxLimit
// if 0. The first error ends it.
func walk[T any](l list, p Page) iter.Seq2[T, error] {
	if l.inOrder {
		return pages(p, func(p Page) ([]T, string, error) { return fetch[T](l, p) })
	}
	return func(yield func(T, error) bool) {
		if err := walkSorted(l, p, yield); err != nil {
			var zero T
			yield(zero, err)
		}
	}
}

// walkSorted reads many keys per statement, and their rows by pages. Its first statement
// reads the keys of one page, since the caller may stop after it.
func walkSorted[T any](start list, p Page, yield func(T, error) bool) error {
	p.Limit = cmp.Or(p.Limit, MaxLimit)
	for ahead := p.Limit; ; ahead = keysAhead {
		l, limit, err := start.from(p)
		if err != nil {
			return err
		}
		keys, err := l.keys(ahead)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(keys, limit) {
			page, err := rows[T](l, part)
			if err != nil || !all(page, yield) {
				return err
			}
		}
		if len(keys) < ahead {
			return nil
		}
		p.Cursor = l.cursor(keys[len(keys)-1])
	}
}

// pages yields the rows of the page p and of the pages after it. A page has MaxLimit rows
// if p.Limit is 0. The first error ends it.
func pages[T any](p Page, fetch func(Page) ([]T, string, error)) iter.Seq2[T, error] {
	p.Limit = cmp.Or(p.Limit, MaxLimit)
	return func(yield func(T, error) bool) {
		for p := p; ; {
			page, next, err := fetch(p)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			if !all(page, yield) || next == "" {
				return
			}
			p.Cursor = next
		}
	}
}

// all yields each row and reports whether yield returned true every time.
func all[T any](page []T, yield func(T, error) bool) bool {
	for _, row := range page {
		if !yield(row, nil) {
			return false
		}
	}
	return true
}

// list returns the list of all rows of a model's table, newest first by that column.
func (h handle) list(ctx context.Context, m models.Model, column string) list {
	return list{db: h.read(ctx).Model(m), table: m.TableName(), column: column}
}

// where adds a condition on a value of a filter, unless the value is "".
func (l *list) where(name, value string, condition any, args ...any) {
	if err := refuse.Unstorable(l.table, name, value); err != nil {
		l.err = errors.Join(l.err, err)
	} else if value != "" {
		l.db = l.db.Where(condition, args...)
	}
}

// equal selects the rows with that value; "" selects all.
func (l *list) equal(column, value string) {
	l.where(column, value, clause.Eq{Column: clause.Column{Name: column}, Value: value})
}

// oneOf selects the rows with that value of an enum; "" selects all.
func oneOf[T ~string](l *list, column string, value T, allowed []T) {
	if value == "" {
		return
	}
	if err := refuse.Unknown(l.table, column, value, allowed); err != nil {
		l.err = errors.Join(l.err, err)
		return
	}
	l.equal(column, string(value))
}

// between selects the rows with since <= l.column < until. A zero time is no bound.
//
// On an engine with times as text (SQLite), each bound is two conditions:
//
//   - A coarse one uses an index. It accepts every form of the bound's second in UTC, also
//     forms without seconds or hour. A time in another zone must lie within the bound by
//     its offset.
//   - An exact one. It first compares a time in UTC with a bound that is a second or a day
//     narrower, since the conversion by Dialect.TimeText takes a dozen times as long.
func (l *list) between(since, until time.Time) {
	if l.err != nil {
		return
	}
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		l.err = refuse.Invalid(l.table, l.column, until, "until must not lie before since")
		return
	}
	if !since.IsZero() && since.UTC().Year() >= 1 {
		at := ceil(since)
		if at.Year() > 9999 {
			l.err = refuse.Invalid(l.table, l.column, since, "must not lie after the year 9999")
			return
		}
		coarse := strings.TrimSuffix(strings.TrimSuffix(since.UTC().Format("2006-01-02 15:04:05"), ":00"), " 00:00")
		l.bound(">=", coarse, nextSecond(since), at)
	}
	if !until.IsZero() && ceil(until).Year() <= 9999 {
		at := ceil(until)
		if at.Year() < 1 {
			l.err = refuse.Invalid(l.table, l.column, until, "must not lie before the year 1")
			return
		}
		l.bound("<", nextSecond(until), until.UTC().Format("2006-01-02"), at)
	}
}

// ceil rounds up to a whole microsecond, the precision of stored times.
func ceil(t time.Time) models.Timestamp {
	return models.At(t.Add(time.Microsecond - time.Nanosecond))
}

// nextSecond returns the second after t, as text; after the year 9999, a text that sorts
// behind every time.
func nextSecond(t time.Time) string {
	if next := t.UTC().Add(time.Second); next.Year() <= 9999 {
		return next.Format("2006-01-02T15:04:05")
	}
	return "9999-13"
}

func (l *list) bound(op, coarse, within string, at models.Timestamp) {
	col, text := clause.Column{Table: l.table, Name: l.column}, sqlOf(l.db).TimeText
	if text == nil {
		l.db = l.db.Where("? "+op+" ?", col, at.Time)
		return
	}
	t := l.db.Statement.Quote(col)
	inside := t + " " + op + " ? AND substr(" + t + ", -1) = 'Z' OR (" + text(t) + ") " + op + " ?"
	l.db = l.db.Where("? "+op+" ?", col, coarse).Where("("+inside+")", within, at.String())
}
