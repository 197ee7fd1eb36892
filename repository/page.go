package repository

import (
	"iter"

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
	Limit  int    // rows; 0 is DefaultLimit, more than MaxLimit or less than 0 is ErrInvalid
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
}

// keyed is a row with its key in the list, read by the same statement.
type keyed[T any] struct {
	Row     T      `gorm:"embedded"`
	SortKey string `gorm:"->"`
	SortID  int64  `gorm:"->"`
}

// fetch reads one page and the cursor of the page behind it, "" if there is none.
func fetch[T any](l list, p Page) (rows []T, next string, err error) {
	limit, err := p.limit(l.table)
	if err != nil {
		return nil, "", err
	}
	column := clause.Column{Table: l.table, Name: l.column}
	id := clause.Column{Table: l.table, Name: "id"}
	q := l.db.Session(&gorm.Session{}).Table(l.table)
	if p.Cursor != "" {
		c, err := decodeCursor(l.table, p.Cursor)
		if err != nil {
			return nil, "", err
		}
		q = q.Where("(?, ?) < (?, ?)", column, id, c.Time, c.ID)
	}
	var found []keyed[T]
	err = q.Select("?.*, ? || '' AS sort_key, ? AS sort_id", clause.Table{Name: l.table}, column, id).
		Order(clause.OrderBy{Columns: []clause.OrderByColumn{{Column: column, Desc: true}, {Column: id, Desc: true}}}).
		Limit(limit + 1).Find(&found).Error
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		last := found[limit-1]
		next = cursor{l.table, last.SortKey, last.SortID}.encode()
	}
	rows = make([]T, len(found))
	for i := range found {
		rows[i] = found[i].Row
	}
	return rows, next, nil
}

// walk yields every row from p.Cursor on, a page at a time: p.Limit is the size of
// the pages, MaxLimit if 0. The first error ends it.
func walk[T any](l list, err error, p Page) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		if err != nil {
			yield(zero, err)
			return
		}
		page := p
		if page.Limit == 0 {
			page.Limit = MaxLimit
		}
		for {
			rows, next, err := fetch[T](l, page)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			page.Cursor = next
		}
	}
}
