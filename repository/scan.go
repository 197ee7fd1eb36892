package repository

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// receiptColumns are the columns of receipts in the order of receiptFields.
const receiptColumns = "id, execution_id, agent_id, operation, status, timestamp, created_at, manifest_hash, ontology_hash, " +
	"files_generated, files_modified, duration_ms, receipt_json, error_message, environment"

// receiptFields appends where a row of receiptColumns goes. Receipts are read by the
// million, and GORM's reflection takes as long for each as SQLite does.
func receiptFields(fields []any, r *models.Receipt) []any {
	return append(fields,
		&r.ID, &r.ExecutionID, &r.AgentID, &r.Operation, &r.Status, &r.Timestamp, (*moment)(&r.CreatedAt),
		(*words)(&r.ManifestHash), (*words)(&r.OntologyHash), (*number)(&r.FilesGenerated), (*number)(&r.FilesModified),
		&r.DurationMS, &r.ReceiptJSON, (*words)(&r.ErrorMessage), (*words)(&r.Environment))
}

// words, number and moment read columns that can be NULL, which is their zero value.
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

// Scan implements sql.Scanner. A driver gives text for a time in a form of its own.
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

// indexed reads the first n rows of a list of receipts whose order an index gives, and
// the key of the last or, if there are more than want, of the last that is wanted.
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
	fields, sortKey := make([]any, 0, 16), sql.RawBytes{}
	for len(page) < n && rows.Next() {
		page = page[:len(page)+1]
		r := &page[len(page)-1]
		if err := rows.Scan(append(receiptFields(fields, r), &sortKey)...); err != nil {
			return nil, key{}, translated(l.db, err)
		}
		if len(page) == want {
			last = key{r.ID, string(sortKey)}
		}
	}
	return page, last, translated(l.db, rows.Err())
}

// selectReceipt reads one receipt, on the engine of that name.
var selectReceipt = map[string]string{
	"sqlite":   "SELECT " + receiptColumns + " FROM receipts WHERE execution_id = ?",
	"postgres": "SELECT " + receiptColumns + " FROM receipts WHERE execution_id = $1",
}

// receipt reads one receipt by constant SQL; gorm.ErrRecordNotFound if there is none.
func (h Handle) receipt(ctx context.Context, executionID string) (*models.Receipt, error) {
	query, begun := selectReceipt[h.Read.Name()], time.Now()
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
	if err := rows.Scan(receiptFields(make([]any, 0, 15), &r)...); err != nil {
		return nil, translated(h.Read, err)
	}
	return &r, translated(h.Read, rows.Close())
}

// translated is a driver's error as the engine's dialect tells it.
func translated(db *gorm.DB, err error) error {
	if t, ok := db.Dialector.(gorm.ErrorTranslator); ok && err != nil && db.TranslateError {
		return t.Translate(err)
	}
	return err
}
