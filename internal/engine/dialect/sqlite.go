package dialect

import (
	"fmt"
	"strings"
)

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

	Member: func(column, key string) string {
		return "CAST(json_extract(" + column + ", '$." + key + "') AS TEXT)"
	},
	ContextMember:  func(key string) string { return "json_extract(context_json, '$." + key + "')" },
	MemoryDocument: "json_type(context_json, '$.changes.memory_json')",
	NoIndex:        "+",
	SortsGroups:    true,
	TimeUnit: func(unit string) (group, show string) {
		digits := map[string]int{"day": 10, "hour": 13, "minute": 16}[unit]
		group = timeTo(digits)
		if unit == "hour" {
			return group, group + " || ':00'"
		}
		return group, group
	},
	TimeText: timeText,
}

// zoned is true for a time text with a zone other than UTC, and for one without seconds.
const zoned = "length(@t) < 19 OR substr(replace(@t, '+00:00', 'Z'), 20) GLOB '*[+-]*'"

// timeText accepts times with or without fraction and zone, with T or a space. Only zoned
// ones go through strftime, which keeps milliseconds.
func timeText(column string) string {
	return strings.ReplaceAll("CASE WHEN "+zoned+
		" THEN strftime('%Y-%m-%dT%H:%M:%f000Z', @t)"+
		" ELSE replace(substr(@t, 1, 19), ' ', 'T') || '.' ||"+
		" substr(rtrim(substr(replace(@t, '+00:00', 'Z'), 21), 'Z') || '000000', 1, 6) || 'Z' END", "@t", column)
}

// timeTo returns the first digits of receipts.timestamp in UTC. Only zoned ones go through
// strftime.
func timeTo(digits int) string {
	return strings.NewReplacer("@t", "timestamp", "@n", fmt.Sprint(digits)).Replace(
		"CASE WHEN substr(@t, -1) = 'Z' THEN substr(@t, 1, @n)" +
			" WHEN " + zoned +
			" THEN substr(strftime('%Y-%m-%dT%H:%M', @t), 1, @n)" +
			" ELSE substr(@t, 1, @n) END")
}

// jsonItem is an element of json_each as JSON text.
const jsonItem = `CASE type WHEN 'object' THEN value WHEN 'array' THEN value
  WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' ELSE json_quote(value) END`
