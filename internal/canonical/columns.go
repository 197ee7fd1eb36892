package canonical

// columns are those of schema.sql; a test holds them equal to what the engines say.
var columns = map[string][]Column{
	"receipts": {
		{Name: "id"}, {Name: "execution_id", Kind: Text}, {Name: "agent_id", Kind: Text}, {Name: "operation", Kind: Text},
		{Name: "status", Kind: Text}, {Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
		{Name: "manifest_hash", Kind: Text}, {Name: "ontology_hash", Kind: Text}, {Name: "files_generated"}, {Name: "files_modified"},
		{Name: "duration_ms"}, {Name: "receipt_json", Kind: Text}, {Name: "error_message", Kind: Text}, {Name: "environment", Kind: Text},
	},
	"agent_memory": {
		{Name: "id"}, {Name: "agent_id", Kind: Text}, {Name: "memory_json", Kind: Document},
		{Name: "collision_history", Kind: Document, Derived: true}, {Name: "retry_count", Derived: true},
		{Name: "last_error", Kind: Text, Derived: true}, {Name: "updated_at", Kind: Time, Derived: true}, {Name: "created_at", Kind: Time},
	},
	"audit_log": {
		{Name: "id"}, {Name: "timestamp", Kind: Time}, {Name: "agent_id", Kind: Text}, {Name: "operation", Kind: Text},
		{Name: "status", Kind: Text}, {Name: "duration_ms"}, {Name: "error_message", Kind: Text}, {Name: "context_json", Kind: Text},
		{Name: "created_at", Kind: Time},
	},
	"workflow_sessions": {
		{Name: "id"}, {Name: "session_id", Kind: Text}, {Name: "start_time", Kind: Time}, {Name: "end_time", Kind: Time},
		{Name: "status", Kind: Text}, {Name: "agent_count"}, {Name: "total_duration_ms"}, {Name: "successful_operations"},
		{Name: "failed_operations"}, {Name: "context_json", Kind: Document}, {Name: "created_at", Kind: Time},
	},
	"collision_detection": {
		{Name: "id"}, {Name: "session_id", Kind: Text}, {Name: "agent_id_1", Kind: Text}, {Name: "agent_id_2", Kind: Text},
		{Name: "collision_type", Kind: Text}, {Name: "description", Kind: Text}, {Name: "resolution", Kind: Text},
		{Name: "severity", Kind: Text}, {Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
	},
	"pipeline_metrics": {
		{Name: "id"}, {Name: "execution_id", Kind: Text}, {Name: "stage", Kind: Text}, {Name: "duration_ms"},
		{Name: "input_size_bytes"}, {Name: "output_size_bytes"}, {Name: "status", Kind: Text}, {Name: "error_message", Kind: Text},
		{Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
	},
	"slo_violations": {
		{Name: "id"}, {Name: "execution_id", Kind: Text}, {Name: "metric", Kind: Text}, {Name: "target_value", Kind: Float},
		{Name: "actual_value", Kind: Float}, {Name: "severity", Kind: Text}, {Name: "description", Kind: Text},
		{Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
	},
}
