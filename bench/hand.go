package main

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// hand is hand-written SQL for speed alone: prepared statements, one transaction for the
// writes that belong together, and no checks. It uses the connections of a store, so that
// driver, version, pragmas and schema are the same.
type hand struct {
	db    *sql.DB
	stmts map[string]*sql.Stmt
}

// The statements of a hand-written store, in SQLite's dialect.
const (
	receiptColumns = `execution_id, agent_id, operation, status, timestamp, created_at, manifest_hash, ontology_hash,
		files_generated, files_modified, duration_ms, receipt_json, error_message, environment`

	insertReceipt = `INSERT INTO receipts (` + receiptColumns + `) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertMetric = `INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, input_size_bytes, output_size_bytes, status,
		error_message, timestamp, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`

	insertAudit = `INSERT INTO audit_log (timestamp, agent_id, operation, status, duration_ms, error_message, context_json, created_at)
		VALUES (?, ?, ?, 'completed', ?, NULL, ?, ?)`

	upsertMemory = `INSERT INTO agent_memory (agent_id, memory_json, retry_count, updated_at, created_at) VALUES (?, ?, 0, ?, ?)
		ON CONFLICT (agent_id) DO UPDATE SET memory_json = ` + mergeSQLite + `, updated_at = excluded.updated_at`

	// mergeSQLite adds to the counts of saves and passed executions, and sets the last of both.
	mergeSQLite = `json_set(agent_memory.memory_json,
		'$._activity.saves', json_extract(agent_memory.memory_json, '$._activity.saves') + ?,
		'$._activity.executions.passed', json_extract(agent_memory.memory_json, '$._activity.executions.passed') + ?,
		'$._activity.last_save', json(?),
		'$._activity.last_execution', json(coalesce(?, json_extract(agent_memory.memory_json, '$._activity.last_execution'))))`

	selectByKey   = `SELECT id, agent_id, environment FROM receipts WHERE execution_id = ?`
	selectByAgent = `SELECT id, execution_id, environment FROM receipts WHERE agent_id = ? AND operation = 'generation' ORDER BY id`
	updateByKey   = `UPDATE receipts SET environment = ? WHERE execution_id = ?`
	updateByAgent = `UPDATE receipts SET environment = ? WHERE agent_id = ? AND operation = 'generation'`
	selectReceipt = `SELECT id, ` + receiptColumns + ` FROM receipts WHERE execution_id = ?`
	selectPage    = `SELECT id, ` + receiptColumns + ` FROM receipts WHERE agent_id = ? AND (timestamp, id) < (?, ?)
		ORDER BY timestamp DESC, id DESC LIMIT 50`
	selectPageOfAll = `SELECT id, ` + receiptColumns + ` FROM receipts WHERE (timestamp, id) < (?, ?) ORDER BY timestamp DESC, id DESC LIMIT 50`
	selectAll       = `SELECT id, ` + receiptColumns + ` FROM receipts ORDER BY timestamp DESC, id DESC`
)

func newHand(db *sql.DB) (*hand, error) {
	h := &hand{db: db, stmts: map[string]*sql.Stmt{}}
	for _, query := range []string{
		insertReceipt, insertMetric, insertAudit, upsertMemory, selectByKey, selectByAgent, updateByKey, updateByAgent,
		selectReceipt, selectPage, selectPageOfAll, selectAll,
	} {
		stmt, err := db.Prepare(query)
		if err != nil {
			return nil, err
		}
		h.stmts[query] = stmt
	}
	return h, nil
}

// transaction runs fn with exec in one transaction.
func (h *hand) transaction(ctx context.Context, fn func(tx handTx) error) error {
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(handTx{ctx, h, tx}); err != nil {
		_ = tx.Rollback()
		return err
	}
	return tx.Commit()
}

type handTx struct {
	ctx context.Context
	h   *hand
	tx  *sql.Tx
}

func (t handTx) exec(query string, args ...any) (int64, error) {
	result, err := t.tx.StmtContext(t.ctx, t.h.stmts[query]).ExecContext(t.ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.LastInsertId()
}

func (t handTx) audit(at models.Timestamp, agent, operation, context string) error {
	_, err := t.exec(insertAudit, at.String(), agent, operation, 0, context, at.Time)
	return err
}

// firstMemory returns the memory of an agent after its first save.
func firstMemory(saves int, save string, passed int, execution any) string {
	if execution == nil {
		execution = "null"
	}
	return fmt.Sprintf(`{"_activity":{"saves":%d,"executions":{"passed":%d,"failed":0,"partial":0,"cancelled":0},"last_save":%s,"last_execution":%s}}`,
		saves, passed, save, execution)
}

// memory adds to the counts of saves and passed executions of an agent.
func (t handTx) memory(at models.Timestamp, agent string, saves int, save string, passed int, execution any) error {
	first := firstMemory(saves, save, passed, execution)
	_, err := t.exec(upsertMemory, agent, first, at.Time, at.Time, saves, passed, save, execution)
	return err
}

func (t handTx) receipt(r *models.Receipt) (err error) {
	var doc any
	if r.ReceiptJSON != nil {
		doc = string(r.ReceiptJSON)
	}
	r.ID, err = t.exec(insertReceipt, r.ExecutionID, r.AgentID, string(r.Operation), string(r.Status), r.Timestamp.String(), r.CreatedAt,
		r.ManifestHash, r.OntologyHash, r.FilesGenerated, r.FilesModified, r.DurationMS, doc, r.ErrorMessage, r.Environment)
	if err != nil {
		return err
	}
	return t.audit(models.At(clock()), r.AgentID, "receipts.create", receiptContext("create", r.ID, r.ExecutionID, ""))
}

func (t handTx) metric(agent string, m *models.PipelineMetric) (err error) {
	m.ID, err = t.exec(insertMetric, m.ExecutionID, string(m.Stage), m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes, string(m.Status),
		m.ErrorMessage, m.Timestamp.String(), m.CreatedAt)
	if err != nil {
		return err
	}
	return t.audit(models.At(clock()), agent, "pipeline_metrics.create",
		fmt.Sprintf(`{"v":1,"table":"pipeline_metrics","action":"create","id":%d,"execution_id":"%s"}`, m.ID, m.ExecutionID))
}

func receiptContext(action string, id int64, execution, changes string) string {
	return fmt.Sprintf(`{"v":1,"table":"receipts","action":"%s","id":%d,"key":"%s","execution_id":"%s"%s}`, action, id, execution, execution, changes)
}

func lastSave(table, action string, id int64, at models.Timestamp) string {
	return fmt.Sprintf(`{"table":"%s","action":"%s","id":%d,"timestamp":"%s"}`, table, action, id, at)
}

func lastExecution(r *models.Receipt) string {
	return fmt.Sprintf(`{"execution_id":"%s","operation":"%s","status":"%s","timestamp":"%s"}`, r.ExecutionID, r.Operation, r.Status, r.Timestamp)
}

func (h *hand) save(ctx context.Context, r *models.Receipt) error {
	at := models.At(clock())
	return h.transaction(ctx, func(tx handTx) error {
		if err := tx.receipt(r); err != nil {
			return err
		}
		return tx.memory(at, r.AgentID, 1, lastSave("receipts", "create", r.ID, at), 1, lastExecution(r))
	})
}

func (h *hand) batch(ctx context.Context, receipts []*models.Receipt) error {
	at := models.At(clock())
	return h.transaction(ctx, func(tx handTx) error {
		for _, r := range receipts {
			if err := tx.receipt(r); err != nil {
				return err
			}
			if err := tx.memory(at, r.AgentID, 1, lastSave("receipts", "create", r.ID, at), 1, lastExecution(r)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (h *hand) execution(ctx context.Context, r *models.Receipt) error {
	at := models.At(clock())
	return h.transaction(ctx, func(tx handTx) error {
		if err := tx.receipt(r); err != nil {
			return err
		}
		for i := range r.Metrics {
			if err := tx.metric(r.AgentID, &r.Metrics[i]); err != nil {
				return err
			}
		}
		last := r.Metrics[len(r.Metrics)-1]
		return tx.memory(at, r.AgentID, 1+len(r.Metrics), lastSave("pipeline_metrics", "create", last.ID, at), 1, lastExecution(r))
	})
}

func (h *hand) updateOne(ctx context.Context, executionID, environment string) error {
	at := models.At(clock())
	return h.transaction(ctx, func(tx handTx) error {
		var id int64
		var agent, was string
		if err := tx.tx.StmtContext(ctx, h.stmts[selectByKey]).QueryRowContext(ctx, executionID).Scan(&id, &agent, &was); err != nil {
			return err
		}
		if _, err := tx.exec(updateByKey, environment, executionID); err != nil {
			return err
		}
		if err := tx.audit(at, agent, "receipts.update", receiptContext("update", id, executionID, changed(was, environment))); err != nil {
			return err
		}
		return tx.memory(at, agent, 1, lastSave("receipts", "update", id, at), 0, nil)
	})
}

func changed(from, to string) string {
	return fmt.Sprintf(`,"changes":{"environment":{"from":"%s","to":"%s"}}`, from, to)
}

func (h *hand) updateMany(ctx context.Context, agent, environment string) error {
	at := models.At(clock())
	return h.transaction(ctx, func(tx handTx) error {
		rows, err := tx.tx.StmtContext(ctx, h.stmts[selectByAgent]).QueryContext(ctx, agent)
		if err != nil {
			return err
		}
		defer rows.Close()
		var ids []int64
		var contexts []string
		for rows.Next() {
			var id int64
			var execution, was string
			if err := rows.Scan(&id, &execution, &was); err != nil {
				return err
			}
			if was != environment {
				ids, contexts = append(ids, id), append(contexts, receiptContext("update", id, execution, changed(was, environment)))
			}
		}
		if err := rows.Err(); err != nil || len(ids) == 0 {
			return err
		}
		if _, err := tx.exec(updateByAgent, environment, agent); err != nil {
			return err
		}
		for _, text := range contexts {
			if err := tx.audit(at, agent, "receipts.update", text); err != nil {
				return err
			}
		}
		return tx.memory(at, agent, len(ids), lastSave("receipts", "update", ids[len(ids)-1], at), 0, nil)
	})
}

func (h *hand) close() error { return nil } // the store closes the connections
