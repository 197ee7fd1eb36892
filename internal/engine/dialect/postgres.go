package dialect

import "strconv"

// postgres reads the rows to compare with a lock: under READ COMMITTED another transaction
// may commit between two statements.
var postgres = Dialect{
	Begin:       "BEGIN",
	Placeholder: func(n int) string { return "$" + strconv.Itoa(n) },
	ReturningID: " RETURNING id",

	AgentOf: `SELECT agent_id FROM receipts WHERE execution_id = $1`,

	// As on SQLite, excluded carries the additions.
	UpsertMemory: `INSERT INTO agent_memory (agent_id, memory_json, collision_history, retry_count, last_error, updated_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (agent_id) DO UPDATE SET
  memory_json = agent_memory.memory_json || jsonb_build_object('_activity', jsonb_build_object(
    'saves', ` + pgSum("saves") + `,
    'executions', jsonb_build_object(
      'passed', ` + pgSum("executions,passed") + `,
      'failed', ` + pgSum("executions,failed") + `,
      'partial', ` + pgSum("executions,partial") + `,
      'cancelled', ` + pgSum("executions,cancelled") + `),
    'last_save', ` + pgNewer("last_save") + `,
    'last_execution', ` + pgNewer("last_execution") + `)),
  collision_history = CASE WHEN excluded.collision_history IS NULL THEN agent_memory.collision_history ELSE (
    SELECT jsonb_agg(item ORDER BY place) FROM (
      SELECT item, place
      FROM jsonb_array_elements(coalesce(agent_memory.collision_history, '[]') || excluded.collision_history)
        WITH ORDINALITY AS e(item, place)
      ORDER BY place DESC LIMIT 100) newest) END,
  retry_count = CASE WHEN $8 THEN 0 ELSE coalesce(agent_memory.retry_count, 0) END + excluded.retry_count,
  last_error = coalesce(excluded.last_error, agent_memory.last_error),
  updated_at = excluded.updated_at
WHERE jsonb_typeof(agent_memory.memory_json) = 'object'
  AND jsonb_typeof(coalesce(agent_memory.collision_history, '[]')) = 'array'`,

	Lock:        "\nORDER BY id\nFOR UPDATE", // in one order, so that writers of several rows do not deadlock
	LockTimeout: "SET LOCAL lock_timeout = %d",
	Inserted:    "(xmax = 0)",

	Member:         func(column, key string) string { return column + "::jsonb ->> '" + key + "'" },
	ContextMember:  func(key string) string { return "(context_json ->> '" + key + "')" },
	MemoryDocument: "context_json #> '{changes,memory_json}'",
	TimeUnit: func(unit string) (group, show string) {
		group = "date_trunc('" + unit + "', timestamp, 'UTC')"
		return group, group
	},
}

// pgSum adds to a counter. A stored value that is not a number counts as 0.
func pgSum(path string) string {
	path = "'{_activity," + path + "}'"
	return `CASE jsonb_typeof(agent_memory.memory_json #> ` + path + `) WHEN 'number'
      THEN trunc((agent_memory.memory_json #>> ` + path + `)::numeric)::bigint ELSE 0 END
      + (excluded.memory_json #>> ` + path + `)::bigint`
}

// pgNewer returns the new member unless it is null.
func pgNewer(member string) string {
	path := "'{_activity," + member + "}'"
	return `coalesce(nullif(excluded.memory_json #> ` + path + `, 'null'), agent_memory.memory_json #> ` + path + `)`
}
