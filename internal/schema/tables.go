package schema

import (
	"slices"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// tables are those of schema.sql, parents before their children. A test of package engine
// compares them with both schema files, the GORM tags and the structs.
var tables = []Table{
	{
		Name: "receipts", NaturalKey: "execution_id", Agents: []string{"agent_id"}, TimeColumn: "timestamp",
		Columns: []Column{
			{Name: "id"}, {Name: "execution_id", Kind: Text, fill: models.NewID}, {Name: "agent_id", Kind: Text},
			{Name: "operation", Kind: Text}, {Name: "status", Kind: Text}, {Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
			{Name: "manifest_hash", Kind: Text}, {Name: "ontology_hash", Kind: Text}, {Name: "files_generated"}, {Name: "files_modified"},
			{Name: "duration_ms"}, {Name: "receipt_json", Kind: Text, JSON: true}, {Name: "error_message", Kind: Text, Secrets: InText},
			{Name: "environment", Kind: Text},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.Receipt)
			return []any{
				&r.ID, &r.ExecutionID, &r.AgentID, (*string)(&r.Operation), (*string)(&r.Status), &r.Timestamp, &r.CreatedAt,
				&r.ManifestHash, &r.OntologyHash, &r.FilesGenerated, &r.FilesModified,
				&r.DurationMS, &r.ReceiptJSON, &r.ErrorMessage, &r.Environment,
			}
		},
	},
	{
		Name: "agent_memory", NaturalKey: "agent_id", Agents: []string{"agent_id"},
		Columns: []Column{
			{Name: "id"}, {Name: "agent_id", Kind: Text}, {Name: "memory_json", Kind: Document, JSON: true, fill: emptyObject},
			{Name: "collision_history", Kind: Document, JSON: true, Derived: true}, {Name: "retry_count", Derived: true},
			{Name: "last_error", Kind: Text, Derived: true, Secrets: InText}, {Name: "updated_at", Kind: Time, Derived: true},
			{Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.AgentMemory)
			return []any{&r.ID, &r.AgentID, &r.MemoryJSON, &r.CollisionHistory, &r.RetryCount, &r.LastError, &r.UpdatedAt, &r.CreatedAt}
		},
	},
	{
		Name: "audit_log", Agents: []string{"agent_id"}, TimeColumn: "timestamp", Fixed: true,
		Columns: []Column{
			{Name: "id"}, {Name: "timestamp", Kind: Time}, {Name: "agent_id", Kind: Text}, {Name: "operation", Kind: Text},
			{Name: "status", Kind: Text}, {Name: "duration_ms"}, {Name: "error_message", Kind: Text, Secrets: InText},
			{Name: "context_json", Kind: JSONText, JSON: true, Secrets: InDocument}, {Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.AuditEntry)
			return []any{
				&r.ID, &r.Timestamp, &r.AgentID, &r.Operation, (*string)(&r.Status), &r.DurationMS, &r.ErrorMessage,
				&r.ContextJSON, &r.CreatedAt,
			}
		},
	},
	{
		Name: "workflow_sessions", NaturalKey: "session_id", TimeColumn: "start_time",
		Columns: []Column{
			{Name: "id"}, {Name: "session_id", Kind: Text, fill: models.NewID}, {Name: "start_time", Kind: Time}, {Name: "end_time", Kind: Time},
			{Name: "status", Kind: Text, fill: running}, {Name: "agent_count"}, {Name: "total_duration_ms"}, {Name: "successful_operations"},
			{Name: "failed_operations"}, {Name: "context_json", Kind: Document, JSON: true, Secrets: InDocument}, {Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.WorkflowSession)
			return []any{
				&r.ID, &r.SessionID, &r.StartTime, &r.EndTime, (*string)(&r.Status), &r.AgentCount, &r.TotalDurationMS,
				&r.SuccessfulOperations, &r.FailedOperations, &r.ContextJSON, &r.CreatedAt,
			}
		},
	},
	{
		Name: "collision_detection", Agents: []string{"agent_id_1", "agent_id_2"}, TimeColumn: "timestamp",
		Parent: Parent{Table: "workflow_sessions", Column: "session_id", Constraint: "fk_workflow_sessions_collisions"},
		Columns: []Column{
			{Name: "id"}, {Name: "session_id", Kind: Text}, {Name: "agent_id_1", Kind: Text}, {Name: "agent_id_2", Kind: Text},
			{Name: "collision_type", Kind: Text}, {Name: "description", Kind: Text}, {Name: "resolution", Kind: Text},
			{Name: "severity", Kind: Text}, {Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.Collision)
			return []any{
				&r.ID, &r.SessionID, &r.AgentID1, &r.AgentID2, (*string)(&r.CollisionType), &r.Description, &r.Resolution,
				(*string)(&r.Severity), &r.Timestamp, &r.CreatedAt,
			}
		},
	},
	{
		Name: "pipeline_metrics", TimeColumn: "timestamp",
		Parent: Parent{Table: "receipts", Column: "execution_id", Constraint: "fk_receipts_metrics"},
		Columns: []Column{
			{Name: "id"}, {Name: "execution_id", Kind: Text}, {Name: "stage", Kind: Text}, {Name: "duration_ms"},
			{Name: "input_size_bytes"}, {Name: "output_size_bytes"}, {Name: "status", Kind: Text},
			{Name: "error_message", Kind: Text, Secrets: InText}, {Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.PipelineMetric)
			return []any{
				&r.ID, &r.ExecutionID, (*string)(&r.Stage), &r.DurationMS, &r.InputSizeBytes, &r.OutputSizeBytes, (*string)(&r.Status),
				&r.ErrorMessage, &r.Timestamp, &r.CreatedAt,
			}
		},
		receipt: func(m models.Model) *models.Receipt { return m.(*models.PipelineMetric).Receipt },
	},
	{
		Name: "slo_violations", TimeColumn: "timestamp",
		Parent: Parent{Table: "receipts", Column: "execution_id", Constraint: "fk_receipts_violations"},
		Columns: []Column{
			{Name: "id"}, {Name: "execution_id", Kind: Text}, {Name: "metric", Kind: Text}, {Name: "target_value", Kind: Float},
			{Name: "actual_value", Kind: Float}, {Name: "severity", Kind: Text}, {Name: "description", Kind: Text},
			{Name: "timestamp", Kind: Time}, {Name: "created_at", Kind: Time},
		},
		fields: func(m models.Model) []any {
			r := m.(*models.SLOViolation)
			return []any{
				&r.ID, &r.ExecutionID, &r.Metric, &r.TargetValue, &r.ActualValue, (*string)(&r.Severity), &r.Description,
				&r.Timestamp, &r.CreatedAt,
			}
		},
		receipt: func(m models.Model) *models.Receipt { return m.(*models.SLOViolation).Receipt },
	},
	{
		Name: "tier2_audit_tree", Key: []int{0, 1}, Fixed: true,
		Columns: []Column{{Name: "level"}, {Name: "n"}, {Name: "hash", Kind: Text}, {Name: "entry_id"}},
	},
	{
		Name: "tier2_checkpoints", Fixed: true,
		Columns: []Column{{Name: "size"}, {Name: "root", Kind: Text}, {Name: "timestamp", Kind: Time}, {Name: "note", Kind: Text, Late: true}},
	},
	{
		Name: "tier2_removed", Fixed: true,
		Columns: []Column{{Name: "entry_id"}, {Name: "boundary"}},
	},
	{
		Name: "tier2_archive", Fixed: true,
		Columns: []Column{{Name: "source", Kind: Text}, {Name: "created_at", Kind: Time}},
	},
}

func running() string { return string(models.SessionRunning) }

func emptyObject() string { return "{}" }

// index finds a table by its name.
var index = func() map[string]*Table {
	byName := make(map[string]*Table, len(tables))
	for i := range tables {
		if tables[i].Key == nil {
			tables[i].Key = []int{0}
		}
		byName[tables[i].Name] = &tables[i]
	}
	return byName
}()

// Tables returns every table that holds rows of the store, parents before their children:
// the seven of the models, then those that prove the audit log.
func Tables() []Table { return slices.Clone(tables) }

// Named returns the table of that name, or nil.
func Named(name string) *Table { return index[name] }

// Audited returns the table of that name if it is one of the seven of the models, else nil.
func Audited(name string) *Table {
	if t := index[name]; t != nil && t.fields != nil {
		return t
	}
	return nil
}

// Of returns the table of a model.
func Of(m models.Model) *Table { return index[m.TableName()] }

// Models returns the seven tables of the models, parents before their children.
func Models() []*Table { return seven }

var seven = func() (list []*Table) {
	for i := range tables {
		if tables[i].fields != nil {
			list = append(list, &tables[i])
		}
	}
	return list
}()
