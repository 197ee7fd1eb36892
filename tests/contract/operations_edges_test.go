package contract

import (
	"errors"
	"math"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ownReceipt is a caller's type for the table receipts.
type ownReceipt struct {
	ID                                                 int64
	ExecutionID, AgentID, Operation, Status, Timestamp string
	DurationMS                                         int64
}

func (ownReceipt) TableName() string { return "receipts" }

func ownRow(id string) *ownReceipt {
	return &ownReceipt{
		ExecutionID: id, AgentID: "alice", Operation: "generation", Status: "passed",
		Timestamp: "2026-01-29T12:00:00Z", DurationMS: 555,
	}
}

func lasting(id string, ms int64) *models.Receipt {
	r := alices(id)
	r.DurationMS = ms
	return r
}

// embeddingReceipt is a caller's type that embeds models.Receipt.
type embeddingReceipt struct {
	models.Receipt
}

// edges are ways to write that hide the changed rows from the hooks.
func edges() []operation {
	replaceDuration := onKey(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"duration_ms"})})
	longer := map[string]any{"duration_ms": 9}
	return []operation{
		{name: "own type", changes: 2, do: func(db *gorm.DB) error { return db.Create([]*ownReceipt{ownRow("n1"), ownRow("n2")}).Error }},
		{name: "own type, upsert", changes: 1, do: func(db *gorm.DB) error { return db.Clauses(replaceDuration).Create(ownRow("r1")).Error }},
		{name: "own type, DoNothing", do: func(db *gorm.DB) error { return db.Clauses(doNothing).Create(ownRow("r1")).Error }},
		{name: "upsert of a new key twice", changes: 1, do: func(db *gorm.DB) error {
			return db.Clauses(replaceDuration).Create([]*models.Receipt{lasting("n1", 1), lasting("n1", 2)}).Error
		}},
		{name: "upsert of a known key twice", changes: 1, do: func(db *gorm.DB) error {
			return db.Clauses(replaceDuration).Create([]*models.Receipt{lasting("r1", 1), lasting("r1", 2)}).Error
		}},
		{name: "INSERT OR REPLACE twice", changes: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Clauses(clause.Insert{Modifier: "OR REPLACE"}).Create([]*models.AgentMemory{{AgentID: "n1"}, {AgentID: "n1"}}).Error
		}},
		{name: "UPDATE OR REPLACE", fails: true, refused: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Model(&models.AgentMemory{}).Clauses(clause.Update{Modifier: "OR REPLACE"}).
				Where("agent_id = ?", "carol").Update("agent_id", "bob").Error
		}},
		{name: "upsert map, key in capitals", changes: 1, do: func(db *gorm.DB) error {
			m := receiptMap("r1")
			delete(m, "execution_id")
			m["EXECUTION_ID"] = "r1"
			return db.Table("receipts").Clauses(replaceDuration).Create(m).Error
		}},
		{name: "upsert map, key an expression", changes: 1, do: func(db *gorm.DB) error {
			m := receiptMap("")
			m["execution_id"] = gorm.Expr("lower(?)", "R1")
			return db.Model(&models.Receipt{}).Clauses(replaceDuration).Create(m).Error
		}},
		{name: "Create with Returning columns", changes: 1, do: func(db *gorm.DB) error {
			return db.Clauses(clause.Returning{Columns: []clause.Column{{Name: "agent_id"}}}).Create(alices("n1")).Error
		}},
		{name: "Update of id with Returning", fails: true, refused: 1, do: func(db *gorm.DB) error {
			var ms []models.PipelineMetric
			return db.Model(&ms).Clauses(clause.Returning{}).Where("id = 2").Update("id", 200).Error
		}},
		{name: "Update with a condition that ends in a comment", changes: 1, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id = 'r1' -- the first").Updates(longer).Error
		}},
		{name: "Updates by Table with an alias", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("receipts AS r").Where("r.execution_id = ?", "r1").Updates(longer).Error
		}},
		{name: "Updates by Table as an expression", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("?", clause.Table{Name: "receipts"}).Where("execution_id = ?", "r1").Updates(longer).Error
		}},
		{name: "own type that embeds", changes: 2, do: func(db *gorm.DB) error {
			return db.Create([]*embeddingReceipt{{*alices("n1")}, {*alices("n2")}}).Error
		}},
		{name: "Create selected columns", changes: 2, do: func(db *gorm.DB) error {
			r, other := lasting("n1", 5), lasting("n2", 6)
			r.Environment, r.ReceiptJSON = "not stored", models.JSON(`{"not":"stored"}`)
			return db.Select("execution_id", "AgentID", "operation", "status", "timestamp", "duration_ms").Create([]*models.Receipt{r, other}).Error
		}},
		{name: "Create without a column", changes: 1, do: func(db *gorm.DB) error {
			r := lasting("n1", 5)
			r.Environment, r.FilesModified = "not stored", 9
			r.CreatedAt = noon.AddDate(-1, 0, 0)
			return db.Omit("environment", "files_modified", "created_at").Create(r).Error
		}},
		{name: "Create with nothing but defaults", changes: 2, do: func(db *gorm.DB) error {
			if err := db.Table("workflow_sessions").Create(map[string]any{
				"session_id": "n1", "start_time": "2026-01-29 12:00:00+02:00", "status": "running", "agent_count": 1, "context_json": `{"b" : 1e2, "a": "\u00e9", "b": 2.50}`,
			}).Error; err != nil {
				return err
			}
			return db.Table("slo_violations").Create(map[string]any{
				"execution_id": "r1", "metric": "m", "target_value": math.Copysign(0, -1), "actual_value": 1, "severity": "critical", "timestamp": "2026-01-29T12:00:00.1Z",
			}).Error
		}},
		{name: "Updates of session, collision and violation", changes: 3, do: func(db *gorm.DB) error {
			return errors.Join(
				db.Model(&models.WorkflowSession{}).Where("session_id = 's1'").Updates(map[string]any{"end_time": noon.Add(time.Hour), "total_duration_ms": 5, "context_json": `{"a":1.0}`}).Error,
				db.Model(&models.Collision{}).Where("id = 1").Update("resolution", "μ₁").Error,
				db.Model(&models.SLOViolation{}).Where("id = 1").Updates(models.SLOViolation{TargetValue: 1.0 / 3, ActualValue: 1e300}).Error)
		}},
		{name: "Update of a memory's document", changes: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Model(&models.AgentMemory{}).Where("agent_id = 'alice'").Update("memory_json", models.JSON(`{"_activity":{},"z":[1.50,1e2],"a":"\u00e9"}`)).Error
		}},
		{name: "Save invalid by value", fails: true, refused: 1, do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			r.AgentID = ""
			return db.Save(*r).Error
		})},
	}
}
