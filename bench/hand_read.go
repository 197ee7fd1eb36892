package main

import (
	"context"
	"database/sql"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// scan reads a row of receipts.
func scan(row interface{ Scan(...any) error }) (*models.Receipt, error) {
	var r models.Receipt
	var at, doc sql.NullString
	err := row.Scan(&r.ID, &r.ExecutionID, &r.AgentID, &r.Operation, &r.Status, &at, &r.CreatedAt, &r.ManifestHash, &r.OntologyHash,
		&r.FilesGenerated, &r.FilesModified, &r.DurationMS, &doc, &r.ErrorMessage, &r.Environment)
	if err != nil {
		return nil, err
	}
	if doc.Valid {
		r.ReceiptJSON = models.JSON(doc.String)
	}
	r.Timestamp.Time, err = time.Parse(time.RFC3339Nano, at.String)
	return &r, err
}

func (h *hand) get(ctx context.Context, executionID string) (*models.Receipt, error) {
	return scan(h.stmts[selectReceipt].QueryRowContext(ctx, executionID))
}

func (h *hand) page(ctx context.Context, agent string, before models.Timestamp, id int64) (list []*models.Receipt, err error) {
	query, args := selectPage, []any{agent, before.String(), id}
	if agent == "" {
		query, args = selectPageOfAll, args[1:]
	}
	rows, err := h.stmts[query].QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

func (h *hand) stream(ctx context.Context, yield func(*models.Receipt)) error {
	rows, err := h.stmts[selectAll].QueryContext(ctx)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return err
		}
		yield(r)
	}
	return rows.Err()
}
