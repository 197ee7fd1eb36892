package repository

import (
	"cmp"
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// take reads the row of q with that key. Errors: models.ErrInvalid for a blank key;
// models.ErrNotFound.
func take[T any](q *gorm.DB, table, column string, key any) (*T, error) {
	if text, ok := key.(string); ok {
		if err := refuse.Blank(table, column, text); err != nil {
			return nil, err
		}
	}
	row := new(T)
	if err := q.Where(column+" = ?", key).Take(row).Error; err != nil {
		return nil, found(err, table, column, key)
	}
	return row, nil
}

// find reads all rows of q. Without rows the slice is empty, not nil.
func find[T any](q *gorm.DB) ([]T, error) {
	rows := []T{}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	return rows, nil
}

// children reads all rows of q with that key. Errors: models.ErrInvalid for a blank key.
func children[T any](q *gorm.DB, table, column, key, order string) ([]T, error) {
	if err := refuse.Blank(table, column, key); err != nil {
		return nil, err
	}
	return find[T](q.Where(column+" = ?", key).Order(order))
}

// scan calls each for every row of q, with rows positioned on it.
func scan(q *gorm.DB, each func(rows *sql.Rows) error) error {
	defer func() { // q.Rows does not return if a logger panics
		if rows, ok := q.Statement.Dest.(*sql.Rows); ok && rows != nil {
			rows.Close()
		}
	}()
	rows, err := q.Rows()
	if err != nil {
		return translated(q, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return translated(q, err)
		}
	}
	return translated(q, rows.Err())
}

// sqlOf returns the SQL of the engine of db.
func sqlOf(db *gorm.DB) *dialect.Dialect { return dialect.For(db.Name()) }

// receiptColumns are the columns of receipts, in order.
var receiptColumns = strings.Join(schema.Named(receiptsTable).Names(), ", ")

// destinations returns where a row of a model's table is scanned to. Receipts are read by the
// million, and GORM's reflection takes as long for each as SQLite does.
func destinations(m models.Model) []any {
	dest := schema.RecordOf(m).Fields
	for i, field := range dest {
		switch f := field.(type) {
		case *string:
			dest[i] = nullable[string]{f}
		case *int64:
			dest[i] = nullable[int64]{f}
		case *time.Time:
			dest[i] = (*moment)(f)
		}
	}
	return dest
}

// nullable scans a column that can be NULL, which gives the zero value.
type nullable[T any] struct{ into *T }

// Scan implements sql.Scanner.
func (n nullable[T]) Scan(v any) error {
	if value, ok := v.(T); ok || v == nil {
		*n.into = value
		return nil
	}
	var value sql.Null[T]
	err := value.Scan(v)
	*n.into = value.V
	return err
}

// moment scans a column of times that can be NULL.
type moment time.Time

// Scan implements sql.Scanner. A driver returns times of some forms as text.
func (m *moment) Scan(v any) error {
	if at, ok := v.(time.Time); ok {
		*m = moment(at)
		return nil
	}
	var at models.Timestamp
	err := at.Scan(v)
	*m = moment(at.Time)
	return err
}

// indexed reads the first n receipts of a list whose order an index gives. It also returns
// the key of row number want, if there is one.
func (l list) indexed(n, want int) (page []models.Receipt, last key, err error) {
	page = make([]models.Receipt, 0, n)
	var r models.Receipt
	var sortKey sql.RawBytes
	dest := append(destinations(&r), &sortKey)
	err = scan(l.ordered(l.db).Select(receiptColumns+", timestamp || ''").Limit(n), func(rows *sql.Rows) error {
		r = models.Receipt{}
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if page = append(page, r); len(page) == want {
			last = key{r.ID, string(sortKey)}
		}
		return nil
	})
	return page, last, err
}

// receiptQueries caches the texts of receiptQuery by dialect.
var receiptQueries sync.Map

func receiptQuery(d *dialect.Dialect) string {
	text, ok := receiptQueries.Load(d)
	if !ok {
		text = "SELECT " + receiptColumns + " FROM receipts WHERE execution_id = " + d.Placeholder(1)
		receiptQueries.Store(d, text)
	}
	return text.(string)
}

// receipt reads one receipt by constant SQL. Errors: gorm.ErrRecordNotFound.
func (h handle) receipt(ctx context.Context, executionID string) (*models.Receipt, error) {
	query, begun := receiptQuery(h.log.Dialect), time.Now()
	rows, err := h.Read.Statement.ConnPool.QueryContext(ctx, query, executionID)
	if err == nil {
		defer rows.Close() // also if the logger panics
	}
	if h.Read.Logger != logger.Discard {
		h.Read.Logger.Trace(ctx, begun, func() (string, int64) { return h.Read.Explain(query, executionID), -1 }, err)
	}
	if err == nil && !rows.Next() {
		err = cmp.Or(rows.Err(), gorm.ErrRecordNotFound)
	}
	if err != nil {
		return nil, translated(h.Read, err)
	}
	var r models.Receipt
	if err := rows.Scan(destinations(&r)...); err != nil {
		return nil, translated(h.Read, err)
	}
	return &r, translated(h.Read, rows.Close())
}

// translated returns a driver's error as the engine's dialector translates it.
func translated(db *gorm.DB, err error) error {
	if t, ok := db.Dialector.(gorm.ErrorTranslator); ok && err != nil && db.TranslateError {
		return t.Translate(err)
	}
	return err
}
