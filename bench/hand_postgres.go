package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// mergePostgres is mergeSQLite there.
const mergePostgres = `agent_memory.memory_json || jsonb_build_object('_activity', jsonb_build_object(
	'saves', (agent_memory.memory_json #>> '{_activity,saves}')::bigint + ?::bigint,
	'executions', jsonb_set(agent_memory.memory_json #> '{_activity,executions}', '{passed}',
		to_jsonb((agent_memory.memory_json #>> '{_activity,executions,passed}')::bigint + ?::bigint)),
	'last_save', ?::jsonb,
	'last_execution', coalesce(?::jsonb, agent_memory.memory_json #> '{_activity,last_execution}')))`

var (
	pgInsertReceipt = dollars(insertReceipt) + " RETURNING id"
	pgInsertMetric  = dollars(insertMetric) + " RETURNING id"
	pgInsertAudit   = dollars(insertAudit)
	pgUpsertMemory  = dollars(strings.Replace(upsertMemory, mergeSQLite, mergePostgres, 1))
	pgSelectReceipt = strings.Replace(dollars(selectReceipt), "timestamp", `to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`, 1)
)

// dollars writes a statement for PostgreSQL: ? becomes $1, $2, ...
func dollars(query string) string {
	var b strings.Builder
	n := 0
	for _, c := range query {
		if c == '?' {
			n++
			fmt.Fprintf(&b, "$%d", n)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}

// handPostgres is hand over pgx itself, without database/sql; pgx prepares and keeps
// the statements.
type handPostgres struct{ pool *pgxpool.Pool }

func newHandPostgres(ctx context.Context, dsn string) (*handPostgres, error) {
	pool, err := pgxpool.New(ctx, dsn)
	return &handPostgres{pool}, err
}

func (h *handPostgres) save(ctx context.Context, r *models.Receipt) error {
	at := models.At(clock())
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if err := pgReceipt(ctx, tx, r, at); err != nil {
			return err
		}
		return pgMemory(ctx, tx, r, at, 1, lastSave("receipts", "create", r.ID, at))
	})
}

func (h *handPostgres) batch(ctx context.Context, receipts []*models.Receipt) error {
	at := models.At(clock())
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		for _, r := range receipts {
			if err := pgReceipt(ctx, tx, r, at); err != nil {
				return err
			}
			if err := pgMemory(ctx, tx, r, at, 1, lastSave("receipts", "create", r.ID, at)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *handPostgres) execution(ctx context.Context, r *models.Receipt) error {
	at := models.At(clock())
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		if err := pgReceipt(ctx, tx, r, at); err != nil {
			return err
		}
		last := ""
		for i := range r.Metrics {
			m := &r.Metrics[i]
			err := tx.QueryRow(ctx, pgInsertMetric, m.ExecutionID, string(m.Stage), m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes, string(m.Status),
				m.ErrorMessage, m.Timestamp.Time, m.CreatedAt).Scan(&m.ID)
			if err != nil {
				return err
			}
			text := fmt.Sprintf(`{"v":1,"table":"pipeline_metrics","action":"create","id":%d,"execution_id":"%s"}`, m.ID, m.ExecutionID)
			if _, err := tx.Exec(ctx, pgInsertAudit, at.Time, r.AgentID, "pipeline_metrics.create", 0, text, at.Time); err != nil {
				return err
			}
			last = lastSave("pipeline_metrics", "create", m.ID, at)
		}
		return pgMemory(ctx, tx, r, at, 1+len(r.Metrics), last)
	})
}

func pgReceipt(ctx context.Context, tx pgx.Tx, r *models.Receipt, at models.Timestamp) error {
	var doc any
	if r.ReceiptJSON != nil {
		doc = string(r.ReceiptJSON)
	}
	err := tx.QueryRow(ctx, pgInsertReceipt, r.ExecutionID, r.AgentID, string(r.Operation), string(r.Status), r.Timestamp.Time, r.CreatedAt,
		r.ManifestHash, r.OntologyHash, r.FilesGenerated, r.FilesModified, r.DurationMS, doc, r.ErrorMessage, r.Environment).Scan(&r.ID)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, pgInsertAudit, at.Time, r.AgentID, "receipts.create", 0, receiptContext("create", r.ID, r.ExecutionID, ""), at.Time)
	return err
}

func pgMemory(ctx context.Context, tx pgx.Tx, r *models.Receipt, at models.Timestamp, saves int, save string) error {
	execution := lastExecution(r)
	first := firstMemory(saves, save, 1, execution)
	_, err := tx.Exec(ctx, pgUpsertMemory, r.AgentID, first, at.Time, at.Time, saves, 1, save, execution)
	return err
}

func (h *handPostgres) get(ctx context.Context, executionID string) (*models.Receipt, error) {
	return scan(h.pool.QueryRow(ctx, pgSelectReceipt, executionID))
}

// The rest is compared on SQLite only.

func (*handPostgres) updateOne(context.Context, string, string) error  { return errors.ErrUnsupported }
func (*handPostgres) updateMany(context.Context, string, string) error { return errors.ErrUnsupported }
func (*handPostgres) page(context.Context, string, models.Timestamp, int64) ([]*models.Receipt, error) {
	return nil, errors.ErrUnsupported
}
func (*handPostgres) stream(context.Context, func(*models.Receipt)) error {
	return errors.ErrUnsupported
}

func (h *handPostgres) close() error {
	h.pool.Close()
	return nil
}
