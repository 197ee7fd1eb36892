package dialect

var sqlite = Dialect{
	Begin:       "BEGIN IMMEDIATE",
	Placeholder: func(int) string { return "?" },

	AgentOf: `SELECT agent_id FROM receipts WHERE execution_id = ?`,

	// The inserted row carries the additions, and the update finds them in excluded. So the
	// database adds up the counters, and no client reads them first. If the stored document
	// is not an object, or the history is not an array, no row matches and the caller
	// reports it.
	UpsertMemory: `INSERT INTO agent_memory (agent_id, memory_json, collision_history, retry_count, last_error, updated_at, created_at)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (agent_id) DO UPDATE SET
  memory_json = json_set(agent_memory.memory_json, '$._activity', json_object(
    'saves', coalesce(json_extract(agent_memory.memory_json, '$._activity.saves'), 0)
      + json_extract(excluded.memory_json, '$._activity.saves'),
    'executions', json_object(
      'passed', coalesce(json_extract(agent_memory.memory_json, '$._activity.executions.passed'), 0)
        + json_extract(excluded.memory_json, '$._activity.executions.passed'),
      'failed', coalesce(json_extract(agent_memory.memory_json, '$._activity.executions.failed'), 0)
        + json_extract(excluded.memory_json, '$._activity.executions.failed'),
      'partial', coalesce(json_extract(agent_memory.memory_json, '$._activity.executions.partial'), 0)
        + json_extract(excluded.memory_json, '$._activity.executions.partial'),
      'cancelled', coalesce(json_extract(agent_memory.memory_json, '$._activity.executions.cancelled'), 0)
        + json_extract(excluded.memory_json, '$._activity.executions.cancelled')),
    'last_save', json(coalesce(json_extract(excluded.memory_json, '$._activity.last_save'),
      json_extract(agent_memory.memory_json, '$._activity.last_save'))),
    'last_execution', json(coalesce(json_extract(excluded.memory_json, '$._activity.last_execution'),
      json_extract(agent_memory.memory_json, '$._activity.last_execution'))))),
  collision_history = CASE WHEN excluded.collision_history IS NULL THEN agent_memory.collision_history ELSE (
    SELECT json_group_array(json(item)) FROM (
      SELECT part, place, item FROM (
        SELECT 1 AS part, key AS place, ` + jsonItem + ` AS item
          FROM json_each(coalesce(agent_memory.collision_history, '[]'))
        UNION ALL
        SELECT 2, key, ` + jsonItem + ` FROM json_each(excluded.collision_history)
        ORDER BY part DESC, place DESC LIMIT 100)
      ORDER BY part, place)) END,
  retry_count = CASE WHEN ? THEN 0 ELSE coalesce(agent_memory.retry_count, 0) END + excluded.retry_count,
  last_error = coalesce(excluded.last_error, agent_memory.last_error),
  updated_at = excluded.updated_at
WHERE CASE WHEN json_valid(agent_memory.memory_json) AND json_valid(coalesce(agent_memory.collision_history, '[]'))
  THEN json_type(agent_memory.memory_json) = 'object' AND json_type(coalesce(agent_memory.collision_history, '[]')) = 'array'
  ELSE 0 END`,
}

// jsonItem is an element of json_each as JSON text.
const jsonItem = `CASE type WHEN 'object' THEN value WHEN 'array' THEN value
  WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_quote(value) END`
