-- tier2: the SQLite schema, version 4 (PRAGMA user_version).
--
-- Seven tables, their indexes, three views; then the totals that keep the views from
-- scanning, and the tables and triggers that prove the audit log. Loading it twice changes
-- nothing. Every unique key is a named unique index, every constraint has GORM's name for it,
-- and no CREATE TABLE contains a comment, so that AutoMigrate of the models changes nothing.
--
-- json_valid(NULL) is 0, and not NULL, in SQLite 3.40, so nullable columns test IS NULL.
--
-- "timestamp" columns hold ISO 8601 text in UTC (2026-01-29T12:34:56.000000Z);
-- the other times hold UTC text that SQLite's date functions read.

-- One row per execution of the five-stage pipeline.
CREATE TABLE IF NOT EXISTS `receipts` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `execution_id` text NOT NULL,
  `agent_id` text NOT NULL,
  `operation` text NOT NULL,
  `status` text NOT NULL,
  `timestamp` text NOT NULL,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  `manifest_hash` text,
  `ontology_hash` text,
  `files_generated` integer DEFAULT 0,
  `files_modified` integer DEFAULT 0,
  `duration_ms` integer NOT NULL,
  `receipt_json` text,
  `error_message` text,
  `environment` text,
  CONSTRAINT `chk_receipts_operation` CHECK (operation IN ('validation','generation','normalization','extraction','emission','canonicalization','receipt','dry_run','watch')),
  CONSTRAINT `chk_receipts_status` CHECK (status IN ('passed','failed','partial','cancelled')),
  CONSTRAINT `chk_receipts_files_generated` CHECK (files_generated >= 0),
  CONSTRAINT `chk_receipts_files_modified` CHECK (files_modified >= 0),
  CONSTRAINT `chk_receipts_duration_ms` CHECK (duration_ms >= 0),
  CONSTRAINT `chk_receipts_receipt_json` CHECK (receipt_json IS NULL OR json_valid(receipt_json))
);
CREATE INDEX IF NOT EXISTS `idx_receipts_agent_timestamp` ON `receipts`(`agent_id`,`timestamp`,`duration_ms`);
CREATE INDEX IF NOT EXISTS `idx_receipts_timestamp` ON `receipts`(`timestamp`);
CREATE UNIQUE INDEX IF NOT EXISTS `idx_receipts_execution_id` ON `receipts`(`execution_id`);
CREATE INDEX IF NOT EXISTS `idx_receipts_status` ON `receipts`(`status`,`created_at`);
CREATE INDEX IF NOT EXISTS `idx_receipts_created_at` ON `receipts`(`created_at`);

-- One row per agent: its own state, and under "_activity" the counters of the store.
CREATE TABLE IF NOT EXISTS `agent_memory` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `agent_id` text NOT NULL,
  `memory_json` text NOT NULL,
  `collision_history` text,
  `retry_count` integer DEFAULT 0,
  `last_error` text,
  `updated_at` datetime DEFAULT CURRENT_TIMESTAMP,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `chk_agent_memory_memory_json` CHECK (json_valid(memory_json)),
  CONSTRAINT `chk_agent_memory_collision_history` CHECK (collision_history IS NULL OR json_valid(collision_history)),
  CONSTRAINT `chk_agent_memory_retry_count` CHECK (retry_count >= 0)
);
CREATE UNIQUE INDEX IF NOT EXISTS `idx_agent_memory_agent_id` ON `agent_memory`(`agent_id`);
CREATE INDEX IF NOT EXISTS `idx_agent_memory_updated_at` ON `agent_memory`(`updated_at`);

-- One entry per change or operation: agent, status and context. Entries are never changed.
CREATE TABLE IF NOT EXISTS `audit_log` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `timestamp` text NOT NULL,
  `agent_id` text NOT NULL,
  `operation` text NOT NULL,
  `status` text NOT NULL,
  `duration_ms` integer,
  `error_message` text,
  `context_json` text,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `chk_audit_log_status` CHECK (status IN ('started','completed','failed','skipped')),
  CONSTRAINT `chk_audit_log_duration_ms` CHECK (duration_ms >= 0),
  CONSTRAINT `chk_audit_log_context_json` CHECK (context_json IS NULL OR json_valid(context_json))
);
CREATE INDEX IF NOT EXISTS `idx_audit_log_timestamp` ON `audit_log`(`timestamp`);
CREATE INDEX IF NOT EXISTS `idx_audit_log_agent_id` ON `audit_log`(`agent_id`,`timestamp`);
CREATE INDEX IF NOT EXISTS `idx_audit_log_status` ON `audit_log`(`status`,`created_at`);
-- The entries of an execution, and the entries of an agent that name no execution.
CREATE INDEX IF NOT EXISTS `idx_audit_log_execution_id` ON `audit_log`(json_extract(context_json, '$.execution_id'))
  WHERE json_extract(context_json, '$.execution_id') IS NOT NULL;
CREATE INDEX IF NOT EXISTS `idx_audit_log_no_execution` ON `audit_log`(`agent_id`,`timestamp`)
  WHERE json_extract(context_json, '$.execution_id') IS NULL;
-- The history of an agent's memory.
CREATE INDEX IF NOT EXISTS `idx_audit_log_memory` ON `audit_log`(json_extract(context_json, '$.key'),`id`)
  WHERE operation IN ('agent_memory.create','agent_memory.update','agent_memory.delete');

-- One row per parallel run of several agents.
CREATE TABLE IF NOT EXISTS `workflow_sessions` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `session_id` text NOT NULL,
  `start_time` datetime NOT NULL,
  `end_time` datetime,
  `status` text NOT NULL,
  `agent_count` integer NOT NULL,
  `total_duration_ms` integer,
  `successful_operations` integer DEFAULT 0,
  `failed_operations` integer DEFAULT 0,
  `context_json` text,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `chk_workflow_sessions_status` CHECK (status IN ('running','completed','failed','cancelled')),
  CONSTRAINT `chk_workflow_sessions_agent_count` CHECK (agent_count >= 0),
  CONSTRAINT `chk_workflow_sessions_total_duration_ms` CHECK (total_duration_ms >= 0),
  CONSTRAINT `chk_workflow_sessions_successful_operations` CHECK (successful_operations >= 0),
  CONSTRAINT `chk_workflow_sessions_failed_operations` CHECK (failed_operations >= 0),
  CONSTRAINT `chk_workflow_sessions_context_json` CHECK (context_json IS NULL OR json_valid(context_json))
);
CREATE UNIQUE INDEX IF NOT EXISTS `idx_workflow_sessions_session_id` ON `workflow_sessions`(`session_id`);
CREATE INDEX IF NOT EXISTS `idx_workflow_sessions_status` ON `workflow_sessions`(`status`,`created_at`);
CREATE INDEX IF NOT EXISTS `idx_workflow_sessions_created_at` ON `workflow_sessions`(`created_at`);

-- One row per conflict between two agents of a session.
CREATE TABLE IF NOT EXISTS `collision_detection` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `session_id` text NOT NULL,
  `agent_id_1` text NOT NULL,
  `agent_id_2` text NOT NULL,
  `collision_type` text NOT NULL,
  `description` text NOT NULL,
  `resolution` text,
  `severity` text NOT NULL,
  `timestamp` text NOT NULL,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `fk_workflow_sessions_collisions` FOREIGN KEY (`session_id`) REFERENCES `workflow_sessions`(`session_id`) ON DELETE RESTRICT,
  CONSTRAINT `chk_collision_detection_collision_type` CHECK (collision_type IN ('file_conflict','memory_conflict','semantic_overlap','structural_overlap')),
  CONSTRAINT `chk_collision_detection_severity` CHECK (severity IN ('info','warning','critical'))
);
CREATE INDEX IF NOT EXISTS `idx_collision_detection_session_id` ON `collision_detection`(`session_id`,`timestamp`);
CREATE INDEX IF NOT EXISTS `idx_collision_detection_agents` ON `collision_detection`(`agent_id_1`,`agent_id_2`);
CREATE INDEX IF NOT EXISTS `idx_collision_detection_severity` ON `collision_detection`(`severity`,`created_at`);

-- One row per stage of an execution.
CREATE TABLE IF NOT EXISTS `pipeline_metrics` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `execution_id` text NOT NULL,
  `stage` text NOT NULL,
  `duration_ms` integer NOT NULL,
  `input_size_bytes` integer,
  `output_size_bytes` integer,
  `status` text NOT NULL,
  `error_message` text,
  `timestamp` text NOT NULL,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `fk_receipts_metrics` FOREIGN KEY (`execution_id`) REFERENCES `receipts`(`execution_id`) ON DELETE RESTRICT,
  CONSTRAINT `chk_pipeline_metrics_stage` CHECK (stage IN ('μ₁_normalize','μ₂_extract','μ₃_emit','μ₄_canonicalize','μ₅_receipt')),
  CONSTRAINT `chk_pipeline_metrics_duration_ms` CHECK (duration_ms >= 0),
  CONSTRAINT `chk_pipeline_metrics_input_size_bytes` CHECK (input_size_bytes >= 0),
  CONSTRAINT `chk_pipeline_metrics_output_size_bytes` CHECK (output_size_bytes >= 0),
  CONSTRAINT `chk_pipeline_metrics_status` CHECK (status IN ('passed','failed'))
);
CREATE INDEX IF NOT EXISTS `idx_pipeline_metrics_execution_id` ON `pipeline_metrics`(`execution_id`);
CREATE INDEX IF NOT EXISTS `idx_pipeline_metrics_stage` ON `pipeline_metrics`(`stage`,`duration_ms`);
CREATE INDEX IF NOT EXISTS `idx_pipeline_metrics_timestamp` ON `pipeline_metrics`(`timestamp`);

-- One row per SLO target that an execution missed.
CREATE TABLE IF NOT EXISTS `slo_violations` (
  `id` integer PRIMARY KEY AUTOINCREMENT,
  `execution_id` text NOT NULL,
  `metric` text NOT NULL,
  `target_value` real NOT NULL,
  `actual_value` real NOT NULL,
  `severity` text NOT NULL,
  `description` text,
  `timestamp` text NOT NULL,
  `created_at` datetime DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT `fk_receipts_violations` FOREIGN KEY (`execution_id`) REFERENCES `receipts`(`execution_id`) ON DELETE RESTRICT,
  CONSTRAINT `chk_slo_violations_severity` CHECK (severity IN ('warning','critical'))
);
CREATE INDEX IF NOT EXISTS `idx_slo_violations_execution_id` ON `slo_violations`(`execution_id`);
CREATE INDEX IF NOT EXISTS `idx_slo_violations_metric` ON `slo_violations`(`metric`,`created_at`);
CREATE INDEX IF NOT EXISTS `idx_slo_violations_severity` ON `slo_violations`(`severity`,`created_at`);

-- The newest 100 executions, with the number of their violations and audit entries: the
-- entries whose context names the execution, and the entries of its agent that name no
-- execution and fall within [timestamp, timestamp + duration_ms]. julianday() resolves
-- milliseconds; the half millisecond includes an entry at the very end. The + removes the
-- affinity of the column, which would rule out the index on the expression.
DROP VIEW IF EXISTS `recent_executions`;
CREATE VIEW `recent_executions` AS
WITH newest AS MATERIALIZED (
  SELECT * FROM receipts ORDER BY timestamp DESC, id DESC LIMIT 100
)
SELECT r.id, r.execution_id, r.agent_id, r.operation, r.status, r.timestamp, r.duration_ms,
  r.files_generated, r.files_modified, r.error_message, r.environment, r.created_at,
  (SELECT COUNT(*) FROM audit_log a WHERE json_extract(a.context_json, '$.execution_id') = +r.execution_id)
  + (SELECT COUNT(*) FROM audit_log a
    WHERE a.agent_id = r.agent_id
      AND (a.timestamp BETWEEN strftime('%Y-%m-%dT%H:%M:%S', r.timestamp)
          AND strftime('%Y-%m-%dT%H:%M:%S', r.timestamp, (r.duration_ms / 1000.0 + 1) || ' seconds')
        OR a.timestamp BETWEEN datetime(r.timestamp)
          AND datetime(r.timestamp, (r.duration_ms / 1000.0 + 1) || ' seconds'))
      AND julianday(a.timestamp) BETWEEN julianday(r.timestamp)
        AND julianday(r.timestamp) + (r.duration_ms + 0.5) / 86400000.0
      AND json_extract(a.context_json, '$.execution_id') IS NULL
    ) AS audit_entries,
  (SELECT COUNT(*) FROM slo_violations v WHERE v.execution_id = r.execution_id) AS slo_violations
FROM newest r
ORDER BY r.timestamp DESC, r.id DESC;

-- Totals of the rows up to last_id (initially none), so that the two views below add up only
-- the later rows. The store folds later rows in periodically; triggers correct the totals when
-- any program updates or deletes a folded row. Two cases bypass the triggers, and verify finds
-- them: an INSERT with an explicit id at or below last_id, and the row that an INSERT OR
-- REPLACE removes on a connection without PRAGMA recursive_triggers. A minimum or maximum is
-- NULL after its row was removed; the view then reads it from the index.
CREATE TABLE IF NOT EXISTS `tier2_folded` (`name` text NOT NULL PRIMARY KEY, `last_id` integer NOT NULL);
INSERT OR IGNORE INTO `tier2_folded` VALUES ('receipts', -9223372036854775808), ('pipeline_metrics', -9223372036854775808);
CREATE TABLE IF NOT EXISTS `tier2_agent_totals` (
  `agent_id` text NOT NULL PRIMARY KEY,
  `executions` integer NOT NULL,
  `passed` integer NOT NULL,
  `failed` integer NOT NULL,
  `duration_ms` integer NOT NULL,
  `files_generated` integer NOT NULL,
  `files_known` integer NOT NULL,
  `min_duration_ms` integer,
  `max_duration_ms` integer
);
CREATE TABLE IF NOT EXISTS `tier2_stage_totals` (
  `stage` text NOT NULL PRIMARY KEY,
  `executions` integer NOT NULL,
  `passed` integer NOT NULL,
  `failed` integer NOT NULL,
  `duration_ms` integer NOT NULL
);

DROP TRIGGER IF EXISTS `tier2_receipts_delete`;
CREATE TRIGGER `tier2_receipts_delete` AFTER DELETE ON `receipts`
WHEN OLD.id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts')
BEGIN
  UPDATE tier2_agent_totals SET executions = executions - 1, passed = passed - (OLD.status = 'passed'),
    failed = failed - (OLD.status = 'failed'), duration_ms = duration_ms - OLD.duration_ms,
    files_generated = files_generated - COALESCE(OLD.files_generated, 0), files_known = files_known - (OLD.files_generated IS NOT NULL),
    min_duration_ms = NULLIF(min_duration_ms, OLD.duration_ms), max_duration_ms = NULLIF(max_duration_ms, OLD.duration_ms)
  WHERE agent_id = OLD.agent_id;
  DELETE FROM tier2_agent_totals WHERE agent_id = OLD.agent_id AND executions = 0;
END;

DROP TRIGGER IF EXISTS `tier2_receipts_update`;
CREATE TRIGGER `tier2_receipts_update` AFTER UPDATE OF id, agent_id, status, duration_ms, files_generated ON `receipts`
WHEN min(OLD.id, NEW.id) <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts')
BEGIN
  UPDATE tier2_agent_totals SET executions = executions - 1, passed = passed - (OLD.status = 'passed'),
    failed = failed - (OLD.status = 'failed'), duration_ms = duration_ms - OLD.duration_ms,
    files_generated = files_generated - COALESCE(OLD.files_generated, 0), files_known = files_known - (OLD.files_generated IS NOT NULL),
    min_duration_ms = NULLIF(min_duration_ms, OLD.duration_ms), max_duration_ms = NULLIF(max_duration_ms, OLD.duration_ms)
  WHERE agent_id = OLD.agent_id AND OLD.id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts');
  INSERT INTO tier2_agent_totals SELECT NEW.agent_id, 0, 0, 0, 0, 0, 0, NEW.duration_ms, NEW.duration_ms
  WHERE NOT EXISTS (SELECT 1 FROM tier2_agent_totals WHERE agent_id = NEW.agent_id);
  UPDATE tier2_agent_totals SET executions = executions + 1, passed = passed + (NEW.status = 'passed'),
    failed = failed + (NEW.status = 'failed'), duration_ms = duration_ms + NEW.duration_ms,
    files_generated = files_generated + COALESCE(NEW.files_generated, 0), files_known = files_known + (NEW.files_generated IS NOT NULL),
    min_duration_ms = min(min_duration_ms, NEW.duration_ms), max_duration_ms = max(max_duration_ms, NEW.duration_ms)
  WHERE agent_id = NEW.agent_id AND NEW.id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts');
  DELETE FROM tier2_agent_totals WHERE agent_id IN (OLD.agent_id, NEW.agent_id) AND executions = 0;
END;

DROP TRIGGER IF EXISTS `tier2_pipeline_metrics_delete`;
CREATE TRIGGER `tier2_pipeline_metrics_delete` AFTER DELETE ON `pipeline_metrics`
WHEN OLD.id <= (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics')
BEGIN
  UPDATE tier2_stage_totals SET executions = executions - 1, passed = passed - (OLD.status = 'passed'),
    failed = failed - (OLD.status = 'failed'), duration_ms = duration_ms - OLD.duration_ms
  WHERE stage = OLD.stage;
  DELETE FROM tier2_stage_totals WHERE stage = OLD.stage AND executions = 0;
END;

DROP TRIGGER IF EXISTS `tier2_pipeline_metrics_update`;
CREATE TRIGGER `tier2_pipeline_metrics_update` AFTER UPDATE OF id, stage, status, duration_ms ON `pipeline_metrics`
WHEN min(OLD.id, NEW.id) <= (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics')
BEGIN
  UPDATE tier2_stage_totals SET executions = executions - 1, passed = passed - (OLD.status = 'passed'),
    failed = failed - (OLD.status = 'failed'), duration_ms = duration_ms - OLD.duration_ms
  WHERE stage = OLD.stage AND OLD.id <= (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics');
  INSERT INTO tier2_stage_totals SELECT NEW.stage, 0, 0, 0, 0
  WHERE NOT EXISTS (SELECT 1 FROM tier2_stage_totals WHERE stage = NEW.stage);
  UPDATE tier2_stage_totals SET executions = executions + 1, passed = passed + (NEW.status = 'passed'),
    failed = failed + (NEW.status = 'failed'), duration_ms = duration_ms + NEW.duration_ms
  WHERE stage = NEW.stage AND NEW.id <= (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics');
  DELETE FROM tier2_stage_totals WHERE stage IN (OLD.stage, NEW.stage) AND executions = 0;
END;

DROP VIEW IF EXISTS `agent_performance_summary`;
CREATE VIEW `agent_performance_summary` AS
SELECT t.agent_id,
  t.executions AS total_executions,
  t.passed AS successful_executions,
  t.failed AS failed_executions,
  t.duration_ms * 1.0 / t.executions AS avg_duration_ms,
  CASE WHEN t.min_known THEN t.min_duration_ms ELSE (SELECT MIN(r.duration_ms) FROM receipts r WHERE r.agent_id = t.agent_id) END AS min_duration_ms,
  CASE WHEN t.max_known THEN t.max_duration_ms ELSE (SELECT MAX(r.duration_ms) FROM receipts r WHERE r.agent_id = t.agent_id) END AS max_duration_ms,
  CASE WHEN t.files_known > 0 THEN t.files_generated END AS total_files_generated,
  (SELECT MAX(r.timestamp) FROM receipts r WHERE r.agent_id = t.agent_id) AS last_execution
FROM (
  SELECT agent_id, SUM(executions) AS executions, SUM(passed) AS passed, SUM(failed) AS failed,
    SUM(duration_ms) AS duration_ms, SUM(files_generated) AS files_generated, SUM(files_known) AS files_known,
    MIN(min_duration_ms) AS min_duration_ms, MAX(max_duration_ms) AS max_duration_ms,
    MIN(min_duration_ms IS NOT NULL) AS min_known, MIN(max_duration_ms IS NOT NULL) AS max_known
  FROM (
    SELECT agent_id, executions, passed, failed, duration_ms, files_generated, files_known, min_duration_ms, max_duration_ms
    FROM tier2_agent_totals
    UNION ALL
    SELECT agent_id, 1, status = 'passed', status = 'failed', duration_ms, files_generated, files_generated IS NOT NULL, duration_ms, duration_ms
    FROM receipts WHERE id > (SELECT last_id FROM tier2_folded WHERE name = 'receipts')
  )
  GROUP BY agent_id
) t;

DROP VIEW IF EXISTS `pipeline_stage_performance`;
CREATE VIEW `pipeline_stage_performance` AS
SELECT t.stage,
  t.executions AS execution_count,
  t.duration_ms * 1.0 / t.executions AS avg_duration_ms,
  (SELECT MIN(m.duration_ms) FROM pipeline_metrics m WHERE m.stage = t.stage) AS min_duration_ms,
  (SELECT MAX(m.duration_ms) FROM pipeline_metrics m WHERE m.stage = t.stage) AS max_duration_ms,
  t.passed AS passed_count,
  t.failed AS failed_count
FROM (
  SELECT stage, SUM(executions) AS executions, SUM(passed) AS passed, SUM(failed) AS failed, SUM(duration_ms) AS duration_ms
  FROM (
    SELECT stage, executions, passed, failed, duration_ms FROM tier2_stage_totals
    UNION ALL
    SELECT stage, 1, status = 'passed', status = 'failed', duration_ms
    FROM pipeline_metrics WHERE id > (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics')
  )
  GROUP BY stage
) t;

-- The audit log is append-only for every client. Only entries that tier2_removed names, as
-- archiving does, can be deleted; their hashes stay in the tree.
DROP TRIGGER IF EXISTS `tier2_audit_log_update`;
CREATE TRIGGER `tier2_audit_log_update` BEFORE UPDATE ON `audit_log`
BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: entries are never changed');
END;
DROP TRIGGER IF EXISTS `tier2_audit_log_delete`;
CREATE TRIGGER `tier2_audit_log_delete` BEFORE DELETE ON `audit_log`
WHEN NOT EXISTS (SELECT 1 FROM tier2_removed WHERE entry_id = OLD.id)
BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: only retention removes entries');
END;

-- On most connections INSERT OR REPLACE does not fire the triggers of the row that it removes.
DROP TRIGGER IF EXISTS `tier2_audit_log_replace`;
CREATE TRIGGER `tier2_audit_log_replace` BEFORE INSERT ON `audit_log`
WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)
BEGIN
  SELECT RAISE(ABORT, 'audit_log is append-only: an entry with this id exists');
END;

-- A Merkle tree (RFC 6962, 2.1) over the entries in order of id. The store extends it in
-- batches, never in a save. At level 0 the nth row has the id of the nth entry and the SHA-256
-- of its columns except id, in base64; the leaf is the id, in 8 bytes, followed by that hash.
-- At levels 8, 16, ... the nth row has the hash of the nth complete subtree of that height.
CREATE TABLE IF NOT EXISTS `tier2_audit_tree` (
  `level` integer NOT NULL,
  `n` integer NOT NULL,
  `hash` text NOT NULL,
  `entry_id` integer,
  PRIMARY KEY (`level`,`n`)
) WITHOUT ROWID;
CREATE UNIQUE INDEX IF NOT EXISTS `tier2_audit_tree_entry_id` ON `tier2_audit_tree`(`entry_id`) WHERE `entry_id` IS NOT NULL;
-- Checkpoints of the tree: its size in entries, its root in base64, and the signed note (C2SP
-- tlog-checkpoint) if there was a key.
CREATE TABLE IF NOT EXISTS `tier2_checkpoints` (
  `size` integer NOT NULL PRIMARY KEY,
  `root` text NOT NULL,
  `timestamp` text NOT NULL,
  `note` text
);
-- The entries that retention has removed, each with the id of the entry that records it.
CREATE TABLE IF NOT EXISTS `tier2_removed` (
  `entry_id` integer NOT NULL PRIMARY KEY,
  `boundary` integer NOT NULL
);
-- A row makes this database an archive of executions from another store.
CREATE TABLE IF NOT EXISTS `tier2_archive` (
  `source` text NOT NULL PRIMARY KEY,
  `created_at` datetime NOT NULL
);

PRAGMA user_version = 4;
