-- A database of the seed's schema 1.0.0, with rows in every table: inline UNIQUE,
-- unnamed CHECKs, plain foreign keys, and a recent_executions that counts nothing.
PRAGMA foreign_keys = ON;

CREATE TABLE IF NOT EXISTS receipts (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  execution_id TEXT UNIQUE NOT NULL,           -- one per ggen sync
  agent_id TEXT NOT NULL,
  operation TEXT NOT NULL CHECK (operation IN ('validation', 'generation', 'normalization', 'extraction', 'emission', 'canonicalization', 'receipt', 'dry_run', 'watch')),
  status TEXT NOT NULL CHECK (status IN ('passed', 'failed', 'partial', 'cancelled')),
  timestamp TEXT NOT NULL,                     -- ISO8601, UTC
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  manifest_hash TEXT,
  ontology_hash TEXT,
  files_generated INTEGER DEFAULT 0,
  files_modified INTEGER DEFAULT 0,
  duration_ms INTEGER NOT NULL,
  receipt_json TEXT,
  error_message TEXT,
  environment TEXT
);
CREATE INDEX IF NOT EXISTS idx_receipts_agent_timestamp ON receipts(agent_id, timestamp DESC);
CREATE INDEX IF NOT EXISTS idx_receipts_execution_id ON receipts(execution_id);
CREATE INDEX IF NOT EXISTS idx_receipts_status ON receipts(status, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_receipts_created_at ON receipts(created_at DESC);

CREATE TABLE IF NOT EXISTS agent_memory (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  agent_id TEXT UNIQUE NOT NULL,
  memory_json TEXT NOT NULL,
  collision_history TEXT,
  retry_count INTEGER DEFAULT 0,
  last_error TEXT,
  updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_agent_memory_agent_id ON agent_memory(agent_id);
CREATE INDEX IF NOT EXISTS idx_agent_memory_updated_at ON agent_memory(updated_at DESC);

CREATE TABLE IF NOT EXISTS audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  timestamp TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  operation TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('started', 'completed', 'failed', 'skipped')),
  duration_ms INTEGER,
  error_message TEXT,
  context_json TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_audit_log_timestamp ON audit_log(timestamp DESC);
CREATE INDEX IF NOT EXISTS idx_audit_log_agent_id ON audit_log(agent_id, timestamp DESC);
CREATE INDEX IF NOT EXISTS idx_audit_log_status ON audit_log(status, created_at DESC);

CREATE TABLE IF NOT EXISTS workflow_sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT UNIQUE NOT NULL,
  start_time TIMESTAMP NOT NULL,
  end_time TIMESTAMP,
  status TEXT NOT NULL CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
  agent_count INTEGER NOT NULL,
  total_duration_ms INTEGER,
  successful_operations INTEGER DEFAULT 0,
  failed_operations INTEGER DEFAULT 0,
  context_json TEXT,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_workflow_sessions_session_id ON workflow_sessions(session_id);
CREATE INDEX IF NOT EXISTS idx_workflow_sessions_status ON workflow_sessions(status, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_workflow_sessions_created_at ON workflow_sessions(created_at DESC);

CREATE TABLE IF NOT EXISTS collision_detection (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  session_id TEXT NOT NULL,
  agent_id_1 TEXT NOT NULL,
  agent_id_2 TEXT NOT NULL,
  collision_type TEXT NOT NULL CHECK (collision_type IN ('file_conflict', 'memory_conflict', 'semantic_overlap', 'structural_overlap')),
  description TEXT NOT NULL,
  resolution TEXT,
  severity TEXT NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
  timestamp TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
  FOREIGN KEY (session_id) REFERENCES workflow_sessions(session_id)
);
CREATE INDEX IF NOT EXISTS idx_collision_detection_session_id ON collision_detection(session_id, timestamp DESC);
CREATE INDEX IF NOT EXISTS idx_collision_detection_agents ON collision_detection(agent_id_1, agent_id_2);
CREATE INDEX IF NOT EXISTS idx_collision_detection_severity ON collision_detection(severity, created_at DESC);

CREATE TABLE IF NOT EXISTS pipeline_metrics (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  execution_id TEXT NOT NULL REFERENCES receipts(execution_id),
  stage TEXT NOT NULL CHECK (stage IN ('μ₁_normalize', 'μ₂_extract', 'μ₃_emit', 'μ₄_canonicalize', 'μ₅_receipt')),
  duration_ms INTEGER NOT NULL,
  input_size_bytes INTEGER,
  output_size_bytes INTEGER,
  status TEXT NOT NULL,
  error_message TEXT,
  timestamp TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_pipeline_metrics_execution_id ON pipeline_metrics(execution_id);
CREATE INDEX IF NOT EXISTS idx_pipeline_metrics_stage ON pipeline_metrics(stage, duration_ms DESC);
CREATE INDEX IF NOT EXISTS idx_pipeline_metrics_timestamp ON pipeline_metrics(timestamp DESC);

CREATE TABLE IF NOT EXISTS slo_violations (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  execution_id TEXT NOT NULL REFERENCES receipts(execution_id),
  metric TEXT NOT NULL,
  target_value REAL NOT NULL,
  actual_value REAL NOT NULL,
  severity TEXT NOT NULL CHECK (severity IN ('warning', 'critical')),
  description TEXT,
  timestamp TEXT NOT NULL,
  created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX IF NOT EXISTS idx_slo_violations_execution_id ON slo_violations(execution_id);
CREATE INDEX IF NOT EXISTS idx_slo_violations_metric ON slo_violations(metric, created_at DESC);
CREATE INDEX IF NOT EXISTS idx_slo_violations_severity ON slo_violations(severity, created_at DESC);

CREATE VIEW IF NOT EXISTS recent_executions AS
SELECT r.id, r.execution_id, r.agent_id, r.operation, r.status, r.timestamp, r.duration_ms,
  COUNT(DISTINCT a.id) AS audit_entries, COUNT(DISTINCT v.id) AS slo_violations
FROM receipts r
LEFT JOIN audit_log a ON a.agent_id = r.agent_id
  AND a.timestamp BETWEEN r.timestamp AND datetime(r.timestamp, '+' || r.duration_ms || ' milliseconds')
LEFT JOIN slo_violations v ON v.execution_id = r.execution_id
GROUP BY r.id ORDER BY r.timestamp DESC LIMIT 100;
CREATE VIEW IF NOT EXISTS agent_performance_summary AS
SELECT agent_id, COUNT(*) AS total_executions FROM receipts GROUP BY agent_id;
CREATE VIEW IF NOT EXISTS pipeline_stage_performance AS
SELECT stage, COUNT(*) AS execution_count FROM pipeline_metrics GROUP BY stage;

INSERT INTO receipts (id, execution_id, agent_id, operation, status, timestamp, created_at, manifest_hash, ontology_hash, files_generated, files_modified, duration_ms, receipt_json, error_message, environment) VALUES
  (1, 'exec-001', 'code-generator', 'generation', 'passed', '2026-01-29T12:34:56Z', '2026-01-29 12:34:57', 'abc123', NULL, 5, 0, 2500, '{"files": ["src/main.rs"],  "hashes": {}}', NULL, 'dev'),
  (7, 'exec-007', 'valid''ator', 'validation', 'failed', '2026-01-30T00:00:00Z', NULL, NULL, NULL, NULL, NULL, 0, NULL, 'größer', NULL),
  (9, 'exec-gone', 'x', 'watch', 'partial', '2026-01-31T00:00:00Z', '2026-01-31 00:00:00', NULL, NULL, 0, 0, 1, NULL, NULL, NULL);
DELETE FROM receipts WHERE id = 9;
INSERT INTO agent_memory VALUES (3, 'code-generator', '{"state": "initialized", "capacity": 100}', '[]', 2, 'boom', '2026-01-29 12:34:57', '2026-01-29 12:34:57');
INSERT INTO audit_log VALUES (2, '2026-01-29T12:34:56Z', 'code-generator', 'RDF normalization', 'completed', 450, NULL, '{"triples_processed": 1240}', '2026-01-29 12:34:57'), (4, '2026-01-29T12:34:58.5Z', 'code-generator', 'emit', 'skipped', NULL, NULL, NULL, '2026-01-29 12:34:59');
INSERT INTO workflow_sessions VALUES (5, 'session-001', '2026-01-29 12:00:00', NULL, 'running', 3, NULL, 0, 0, '{"topology": "hierarchical"}', '2026-01-29 12:00:00');
INSERT INTO collision_detection VALUES (6, 'session-001', 'a', 'b', 'file_conflict', 'both wrote main.rs', NULL, 'warning', '2026-01-29T12:10:00Z', '2026-01-29 12:10:00');
INSERT INTO pipeline_metrics VALUES (8, 'exec-001', 'μ₁_normalize', 450, 1024, NULL, 'passed', NULL, '2026-01-29T12:34:56Z', '2026-01-29 12:34:57');
INSERT INTO slo_violations VALUES (10, 'exec-001', 'incremental_build', 2000.0, 2500.5, 'warning', NULL, '2026-01-29T12:34:59Z', '2026-01-29 12:34:59');
