package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// mergePostgres is mergeSQLite for PostgreSQL.
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
	pgSelectByKey   = "SELECT id, execution_id, agent_id, environment FROM receipts WHERE execution_id = $1 FOR UPDATE"
	pgSelectByAgent = "SELECT id, execution_id, agent_id, environment FROM receipts WHERE agent_id = $1 AND operation = 'generation' ORDER BY id FOR UPDATE"
	pgUpdateByKey   = dollars(updateByKey)
	pgUpdateByAgent = dollars(updateByAgent)
	pgSelectReceipt = strings.Replace(dollars(selectReceipt), "timestamp", `to_char(timestamp AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`, 1)
)

// dollars returns a statement for PostgreSQL, with $1, $2, ... for ?.
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

// handPostgres is hand with pgx alone, without database/sql. pgx prepares and caches the
// statements.
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

func (h *handPostgres) updateOne(ctx context.Context, executionID, environment string) error {
	return h.update(ctx, pgSelectByKey, pgUpdateByKey, executionID, environment)
}

func (h *handPostgres) updateMany(ctx context.Context, agent, environment string) error {
	return h.update(ctx, pgSelectByAgent, pgUpdateByAgent, agent, environment)
}

func (h *handPostgres) update(ctx context.Context, find, update, key, environment string) error {
	at := models.At(clock())
	return pgx.BeginFunc(ctx, h.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, find, key)
		if err != nil {
			return err
		}
		found, err := pgx.CollectRows(rows, pgx.RowToStructByPos[updated])
		if err != nil {
			return err
		}
		found = slices.DeleteFunc(found, func(r updated) bool { return r.Environment == environment })
		if len(found) == 0 {
			return nil
		}
		if _, err := tx.Exec(ctx, update, environment, key); err != nil {
			return err
		}
		for _, r := range found {
			text := receiptContext("update", r.ID, r.ExecutionID, changed(r.Environment, environment))
			if _, err := tx.Exec(ctx, pgInsertAudit, at.Time, r.AgentID, "receipts.update", 0, text, at.Time); err != nil {
				return err
			}
		}
		last := found[len(found)-1]
		save := lastSave("receipts", "update", last.ID, at)
		_, err = tx.Exec(ctx, pgUpsertMemory, last.AgentID, firstMemory(len(found), save, 0, nil), at.Time, at.Time, len(found), 0, save, nil)
		return err
	})
}

// updated holds a receipt before its update.
type updated struct {
	ID                                int64
	ExecutionID, AgentID, Environment string
}

// The other operations are compared on SQLite only.

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
