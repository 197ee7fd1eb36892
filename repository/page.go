package repository

import (
	"iter"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// The sizes of a page, in rows.
const (
	DefaultLimit = 50
	MaxLimit     = 1000
)

// Page asks for a part of a list. The zero value is its first DefaultLimit rows.
type Page struct {
	Limit  int    // rows; 0 is DefaultLimit, more than MaxLimit or less than 0 is models.ErrInvalid
	Cursor string // what the call before returned as next; "" is the start
}

// limit is the number of rows to read.
func (p Page) limit(table string) (int, error) {
	switch {
	case p.Limit < 0:
		return 0, invalid(table, "limit", p.Limit, "must not be negative")
	case p.Limit > MaxLimit:
		return 0, invalid(table, "limit", p.Limit, "must not be more than 1000")
	case p.Limit == 0:
		return DefaultLimit, nil
	}
	return p.Limit, nil
}

// list is a filtered table in its order: newest first by (column, id).
type list struct {
	db     *gorm.DB // the filter, on a handle that may be used again
	table  string
	column string // the time column
	// inOrder says that an index gives the filtered rows in the list's order. It is a
	// list of receipts then.
	inOrder bool
}

// key is where a row stands in its list: its time as the database shows it, and id.
type key struct {
	ID      int64
	SortKey string
}

// behind keeps what comes after a cursor of this list; "" is its start.
func (l list) behind(text string) (list, error) {
	if text == "" {
		return l, nil
	}
	c, err := decodeCursor(l.table, text)
	if err != nil {
		return list{}, err
	}
	l.db = l.db.Session(&gorm.Session{}).Where("(?, ?) < (?, ?)", clause.Column{Name: l.column}, clause.Column{Name: "id"}, c.Time, c.ID)
	return l, nil
}

// ordered is q in the list's order; q stays as it is.
func (l list) ordered(q *gorm.DB) *gorm.DB {
	return q.Session(&gorm.Session{}).Order(clause.OrderBy{Columns: []clause.OrderByColumn{
		{Column: clause.Column{Name: l.column}, Desc: true}, {Column: clause.Column{Name: "id"}, Desc: true},
	}})
}

// keys reads the keys of the first n rows. No index may help the order: so the rows
// themselves, which can be long, are not sorted with them.
func (l list) keys(n int) (keys []key, err error) {
	err = l.ordered(l.db).Select("id, ? || '' AS sort_key", clause.Column{Name: l.column}).Limit(n).Find(&keys).Error
	return keys, err
}

// rows reads the rows of these keys as they are now, in order, without those deleted
// meanwhile. The filter is not repeated: its index would win over the primary key.
func rows[T any](l list, keys []key) ([]T, error) {
	ids := make([]int64, len(keys))
	for i, k := range keys {
		ids[i] = k.ID
	}
	page := make([]T, 0, len(keys))
	err := l.ordered(l.db.Session(&gorm.Session{NewDB: true})).Where("id IN ?", ids).Find(&page).Error
	return page, err
}

// fetch reads one page and the cursor of the page behind it, "" if there is none.
func fetch[T any](l list, p Page) (page []T, next string, err error) {
	limit, err := p.limit(l.table)
	if err != nil {
		return nil, "", err
	}
	if l, err = l.behind(p.Cursor); err != nil {
		return nil, "", err
	}
	if l.inOrder {
		page, last, err := inOrder[T](l, limit+1, limit)
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

// cursor is what comes after a row of this list.
func (l list) cursor(k key) string { return cursor{l.table, k.SortKey, k.ID}.encode() }

// inOrder is list.indexed, whose rows are a T.
func inOrder[T any](l list, n, want int) ([]T, key, error) {
	receipts, last, err := l.indexed(n, want)
	page, _ := any(receipts).([]T)
	return page, last, err
}

// keysAhead is how many keys walk reads at once, some 3 MB, because a list without an
// index for its order is sorted each time.
const keysAhead = 50_000

// walk yields every row from p.Cursor on, p.Limit rows to a statement, MaxLimit if 0.
// The first error ends it.
func walk[T any](l list, err error, p Page) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err := each(l, err, p, func(row T) bool { return yield(row, nil) }); err != nil {
			var zero T
			yield(zero, err)
		}
	}
}

// each calls yield for every row until it returns false.
func each[T any](start list, err error, p Page, yield func(T) bool) error {
	if err != nil {
		return err
	}
	if p.Limit == 0 {
		p.Limit = MaxLimit
	}
	size, err := p.limit(start.table)
	if err != nil {
		return err
	}
	step := stepSorted[T]
	if start.inOrder {
		step = stepInOrder[T]
	}
	for first := true; ; first = false {
		l, err := start.behind(p.Cursor)
		if err != nil {
			return err
		}
		last, more, err := step(l, size, first, yield)
		if err != nil || !more {
			return err
		}
		p.Cursor = l.cursor(last)
	}
}

// stepInOrder yields one page.
func stepInOrder[T any](l list, size int, _ bool, yield func(T) bool) (last key, more bool, err error) {
	page, last, err := inOrder[T](l, size, size)
	if err != nil {
		return last, false, err
	}
	return last, all(page, yield) && len(page) == size, nil
}

// stepSorted yields as many pages as it has read keys for: few at first, since the
// caller may not want more.
func stepSorted[T any](l list, size int, first bool, yield func(T) bool) (last key, more bool, err error) {
	ahead := keysAhead
	if first {
		ahead = size
	}
	keys, err := l.keys(ahead)
	if err != nil {
		return last, false, err
	}
	for part := range slices.Chunk(keys, size) {
		page, err := rows[T](l, part)
		if err != nil || !all(page, yield) {
			return last, false, err
		}
	}
	if len(keys) < ahead {
		return last, false, nil
	}
	return keys[len(keys)-1], true, nil
}

// all reports whether yield wanted every row.
func all[T any](page []T, yield func(T) bool) bool {
	for _, row := range page {
		if !yield(row) {
			return false
		}
	}
	return true
}
