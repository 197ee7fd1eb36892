package repository

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// receiptColumns are the columns of receipts, in order.
var receiptColumns = strings.Join(schema.Named(receiptsTable).Names(), ", ")

// destinations returns where a row of a model's table is scanned to. Receipts are read by the
// million, and GORM's reflection takes as long for each as SQLite does.
func destinations(m models.Model) []any {
	dest := schema.RecordOf(m).Fields
	for i, field := range dest {
		switch f := field.(type) {
		case *string:
			dest[i] = (*words)(f)
		case *int64:
			dest[i] = (*number)(f)
		case *time.Time:
			dest[i] = (*moment)(f)
		}
	}
	return dest
}

// words, number and moment scan columns that can be NULL, which gives their zero value.
type (
	words  string
	number int64
	moment time.Time
)

// Scan implements sql.Scanner.
func (w *words) Scan(v any) error {
	if text, ok := v.(string); ok {
		*w = words(text)
		return nil
	}
	var s sql.NullString
	err := s.Scan(v)
	*w = words(s.String)
	return err
}

// Scan implements sql.Scanner.
func (n *number) Scan(v any) error {
	if whole, ok := v.(int64); ok {
		*n = number(whole)
		return nil
	}
	var i sql.NullInt64
	err := i.Scan(v)
	*n = number(i.Int64)
	return err
}

// Scan implements sql.Scanner. A driver returns times of some forms as text.
func (m *moment) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*m = moment{}
	case time.Time:
		*m = moment(v)
	case string:
		at, err := models.ParseTimestamp(v)
		*m = moment(at.Time)
		return err
	default:
		return fmt.Errorf("cannot read a time from %T", v)
	}
	return nil
}

// indexed reads the first n receipts of a list whose order an index gives. It also returns
// the key of row number want, if there is one.
func (l list) indexed(n, want int) (page []models.Receipt, last key, err error) {
	q := l.ordered(l.db).Select(receiptColumns + ", timestamp || ''").Limit(n)
	defer func() { // also of a query after which a logger panicked
		if rows, ok := q.Statement.Dest.(*sql.Rows); ok && rows != nil {
			rows.Close()
		}
	}()
	rows, err := q.Rows()
	if err != nil {
		return nil, key{}, translated(l.db, err)
	}
	page = make([]models.Receipt, 0, n)
	var r models.Receipt
	var sortKey sql.RawBytes
	dest := append(destinations(&r), &sortKey)
	for len(page) < n && rows.Next() {
		r = models.Receipt{}
		if err := rows.Scan(dest...); err != nil {
			return nil, key{}, translated(l.db, err)
		}
		if page = append(page, r); len(page) == want {
			last = key{r.ID, string(sortKey)}
		}
	}
	return page, last, translated(l.db, rows.Err())
}

// receipt reads one receipt by constant SQL. Errors: gorm.ErrRecordNotFound.
func (h handle) receipt(ctx context.Context, executionID string) (*models.Receipt, error) {
	query, begun := "SELECT "+receiptColumns+" FROM receipts WHERE execution_id = "+h.log.Dialect.Placeholder(1), time.Now()
	rows, err := h.Read.Statement.ConnPool.QueryContext(ctx, query, executionID)
	if err == nil {
		defer rows.Close() // also if the logger panics
	}
	if h.Read.Logger != logger.Discard {
		h.Read.Logger.Trace(ctx, begun, func() (string, int64) { return h.Read.Explain(query, executionID), -1 }, err)
	}
	if err != nil {
		return nil, translated(h.Read, err)
	}
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return nil, translated(h.Read, err)
		}
		return nil, gorm.ErrRecordNotFound
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
