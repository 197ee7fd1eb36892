-- Measures how much room receipts take on PostgreSQL: loads n executions as
-- Executions.Begin, five stages and Finish leave them (a receipt, 5 metrics, 8 audit
-- entries, which are sealed) into the tables of an empty store, and reports sizes. Of the
-- digests and of the hashes of the tree only the length is real.
--
--   psql "$SERVER" -c 'CREATE SCHEMA growth'
--   a program that calls tier2.Open(ctx, "$SERVER?search_path=growth") makes the tables
--   PGOPTIONS='-c search_path=growth' psql "$SERVER" -v n=1000000 -f docs/growth.sql
--   psql "$SERVER" -c 'DROP SCHEMA growth CASCADE'

\set ON_ERROR_STOP on
SET synchronous_commit = off;

-- An execution each 100 ms, of 100 agents; keys as UUIDv7: time first, then random.
CREATE TEMP TABLE execution AS
SELECT i, at,
  substr(ms, 1, 8) || '-' || substr(ms, 9, 4) || '-7' || substr(rnd, 1, 3) || '-8' || substr(rnd, 4, 3) || '-' || substr(rnd, 7, 12) AS id,
  'agent-' || i % 100 AS agent
FROM generate_series(1, :n) AS i,
  LATERAL (SELECT timestamptz '2026-01-01 00:00Z' + i * interval '100 ms' AS at) t,
  LATERAL (SELECT lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS ms, md5(i::text) AS rnd) k;

CREATE TEMP TABLE stage AS
SELECT n, name FROM unnest(ARRAY['μ₁_normalize','μ₂_extract','μ₃_emit','μ₄_canonicalize','μ₅_receipt']) WITH ORDINALITY AS s(name, n);

INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, created_at, manifest_hash, ontology_hash,
  files_generated, files_modified, duration_ms, receipt_json, error_message, environment)
SELECT e.id, agent, 'generation', 'passed', at, at, h, h, 5, 0, i % 5000,
  '{"receipt":{"execution_id":"' || e.id || '","agent_id":"' || agent || '","operation":"generation","status":"passed","timestamp":"2026-01-01T00:00:00.000000Z","environment":"dev","hashes":{"manifest":"' || h || '","ontology":"' || h || '"},"files_generated":5,"files_modified":0,"pipeline_stages":{'
  || (SELECT string_agg('"' || name || '":{"status":"passed","duration_ms":' || i % 1000 || ',"input_size_bytes":12345,"output_size_bytes":23456}', ',') FROM stage)
  || '},"total_duration_ms":' || i % 5000 || '}}', '', 'dev'
FROM execution e, LATERAL (SELECT encode(sha256(agent::bytea), 'hex') AS h) hash ORDER BY i;

INSERT INTO pipeline_metrics (execution_id, stage, duration_ms, input_size_bytes, output_size_bytes, status, error_message, timestamp, created_at)
SELECT e.id, name, (i * n) % 1000, 12345, 23456, 'passed', '', at + n * interval '1 ms', at + interval '5 ms'
FROM execution e, stage ORDER BY i, n;

INSERT INTO audit_log (timestamp, agent_id, operation, status, duration_ms, error_message, context_json, created_at)
SELECT at, agent,
  CASE WHEN n IN (1, 8) THEN 'generation' WHEN n = 2 THEN 'receipts.create' ELSE 'pipeline_metrics.create' END,
  CASE n WHEN 1 THEN 'started' ELSE 'completed' END, 0, NULL,
  (CASE WHEN n IN (1, 8) THEN '{"v":1,"execution_id":"' || e.id || '"}'
    WHEN n = 2 THEN '{"v":1,"table":"receipts","action":"create","id":' || i || ',"key":"' || e.id || '","execution_id":"' || e.id || '","digest":"' || encode(sha256(e.id::bytea), 'hex') || '"}'
    ELSE '{"v":1,"table":"pipeline_metrics","action":"create","id":' || i * 5 + n || ',"execution_id":"' || e.id || '","digest":"' || encode(sha256(e.id::bytea), 'hex') || '"}' END)::json, at
FROM execution e, generate_series(1, 8) AS n ORDER BY i, n;

INSERT INTO tier2_audit_tree (level, n, hash, entry_id)
SELECT 0, row_number() OVER (ORDER BY id) - 1, encode(sha256(id::text::bytea), 'base64'), id FROM audit_log;
INSERT INTO tier2_audit_tree (level, n, hash)
SELECT 8, n / 256, min(hash) FROM tier2_audit_tree WHERE level = 0 GROUP BY n / 256 HAVING count(*) = 256;

ANALYZE receipts, pipeline_metrics, audit_log, tier2_audit_tree;

\echo Bytes a row, and a billion executions in GB
SELECT c.relname AS "table", c.reltuples::bigint AS rows, s.heap / 1000000 AS heap_mb, s.indexes / 1000000 AS index_mb,
  round(s.heap / c.reltuples) AS heap_bytes_a_row, round(s.indexes / c.reltuples) AS index_bytes_a_row,
  round((s.heap + s.indexes) / :n::numeric) AS gb_a_billion_executions
FROM pg_class c, LATERAL (SELECT pg_table_size(c.oid) AS heap, pg_indexes_size(c.oid) AS indexes) s
WHERE c.oid IN ('receipts'::regclass, 'pipeline_metrics'::regclass, 'audit_log'::regclass, 'tier2_audit_tree'::regclass) ORDER BY c.relname DESC;

\echo Indexes
SELECT c.relname AS index, pg_relation_size(c.oid) / 1000000 AS mb, round(pg_relation_size(c.oid) / t.reltuples) AS bytes_a_row
FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid
WHERE t.oid IN ('receipts'::regclass, 'pipeline_metrics'::regclass, 'audit_log'::regclass, 'tier2_audit_tree'::regclass) ORDER BY t.relname DESC, 2 DESC;
