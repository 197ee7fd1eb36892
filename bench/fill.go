package main

import (
	"context"
	"database/sql"
	"time"
)

// numbered is SQL that generates executions: one per 700 ms, by 50 agents of which some are
// much busier than others, nine of ten passed, with UUIDv7 as keys. All differences derive
// from h, a multiplicative hash of the number. The arguments are the first and last number.
const numbered = `WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?),
hashed AS (SELECT i, 1767225600000 + i * 700 AS ms, (i * 2654435761 >> 5) & 0xffffffff AS h FROM n),
e AS (SELECT i, h,
	substr(printf('%012x', ms), 1, 8) || '-' || substr(printf('%012x', ms), 9) || printf('-7%03x-8%03x-%012x', h & 0xfff, h >> 7 & 0xfff, h * 40503) AS id,
	printf('agent-%02d', min((h >> 4) % 50, (h >> 11) % 50)) AS agent,
	strftime('%Y-%m-%dT%H:%M:%f', ms / 1000.0, 'unixepoch') || '000Z' AS at,
	strftime('%Y-%m-%d %H:%M:%f+00:00', ms / 1000.0, 'unixepoch') AS created,
	CASE WHEN h % 20 < 18 THEN 'passed' WHEN h % 20 = 18 THEN 'failed' ELSE 'partial' END AS status
	FROM hashed)
`

const fillReceipts = `INSERT INTO receipts (` + receiptColumns + `) ` + numbered + `
SELECT id, agent, 'generation', status, at, created, printf('%064x', h), printf('%064x', h >> 5), h % 20, h % 3, 50 + h % 5000,
	'{"execution_id":"' || id || '","agent_id":"' || agent || '","files":["src/main.go","src/model.go","src/schema.go"],"hashes":{"manifest":"'
	|| printf('%064x', h) || '"},"stages":{"μ₁_normalize":{"status":"completed"},"μ₃_emit":{"status":"completed"}}}',
	CASE status WHEN 'failed' THEN 'template not found' ELSE '' END, 'development' FROM e`

const fillAudit = `INSERT INTO audit_log (timestamp, agent_id, operation, status, duration_ms, error_message, context_json, created_at) ` + numbered + `
SELECT at, agent, 'receipts.create', 'completed', 0, NULL,
	'{"v":1,"table":"receipts","action":"create","id":' || i || ',"key":"' || id || '","execution_id":"' || id || '"}', created FROM e`

const fillMetrics = `INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, input_size_bytes, output_size_bytes, status, error_message, timestamp, created_at) ` + numbered + `
SELECT id, column2, 5 + h * column1 % 997, 4096, 8192, iif(status = 'failed' AND column1 = 5, 'failed', 'passed'), '', at, created
FROM e CROSS JOIN (VALUES (1, 'μ₁_normalize'), (2, 'μ₂_extract'), (3, 'μ₃_emit'), (4, 'μ₄_canonicalize'), (5, 'μ₅_receipt'))`

const fillMemory = `INSERT INTO agent_memory (agent_id, memory_json, retry_count, updated_at, created_at)
SELECT agent_id, '{"_activity":{"saves":' || (6 * count(*)) || ',"executions":{"passed":' || sum(status = 'passed') || ',"failed":' || sum(status = 'failed')
	|| ',"partial":' || sum(status = 'partial') || ',"cancelled":0},"last_save":null,"last_execution":null}}', 0, max(created_at), min(created_at)
FROM receipts GROUP BY agent_id`

// filledAt returns the start of execution i of a filled database.
func filledAt(i int) time.Time {
	return time.UnixMilli(1767225600000 + int64(i)*700).UTC()
}

// fill inserts n executions into empty tables, in the order of their ids: a receipt,
// an audit entry and five metrics per execution, and the memories of the agents. It returns
// the size of the file before the metrics, in bytes.
func fill(ctx context.Context, db *sql.DB, n int) (bytes int64, err error) {
	chunks := func(statements ...string) error {
		const chunk = 50_000
		for first := 1; first <= n; first += chunk {
			for _, statement := range statements {
				if _, err := db.ExecContext(ctx, statement, first, min(first+chunk-1, n)); err != nil {
					return err
				}
			}
		}
		_, err := db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
		return err
	}
	if err := chunks(fillReceipts, fillAudit); err != nil {
		return 0, err
	}
	if _, err := db.ExecContext(ctx, fillMemory); err != nil {
		return 0, err
	}
	err = db.QueryRowContext(ctx, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").Scan(&bytes)
	if err != nil {
		return 0, err
	}
	if err := chunks(fillMetrics); err != nil {
		return 0, err
	}
	_, err = db.ExecContext(ctx, "PRAGMA optimize")
	return bytes, err
}
