package contract

import (
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// operation is a way to write; changes is the number of rows that it changes.
type operation struct {
	name    string
	changes int
	do      func(*gorm.DB) error
	memory  bool // the operation itself writes agent_memory
	fails   bool
	refused int // number of failed entries
}

// anyNumber: the number of changed rows depends on the configuration.
const anyNumber = -1

func receiptMap(id string) map[string]any {
	return map[string]any{
		"execution_id": id, "agent_id": "alice", "operation": "generation", "status": "failed",
		"timestamp": "2026-01-29T12:00:00Z", "duration_ms": 7,
	}
}

func onKey(then clause.OnConflict) clause.OnConflict {
	then.Columns = []clause.Column{{Name: "execution_id"}}
	return then
}

func loaded(db *gorm.DB, id string) (*models.Receipt, error) {
	var r models.Receipt
	err := db.Where("execution_id = ?", id).Take(&r).Error
	return &r, err
}

// with loads a receipt and then writes.
func with(id string, write func(*gorm.DB, *models.Receipt) error) func(*gorm.DB) error {
	return func(db *gorm.DB) error {
		r, err := loaded(db, id)
		if err != nil {
			return err
		}
		return write(db, r)
	}
}

func operations() []operation {
	list := append(creates(), updates()...)
	list = append(list, deletes()...)
	list = append(list, upserts()...)
	list = append(list, others()...)
	return append(list, edges()...)
}

func creates() []operation {
	return []operation{
		{name: "Create struct", changes: 1, do: func(db *gorm.DB) error { return db.Create(alices("n1")).Error }},
		{name: "Create slice", changes: 2, do: func(db *gorm.DB) error {
			return db.Create(&[]models.Receipt{*alices("n1"), *alices("n2")}).Error
		}},
		{name: "Create pointers", changes: 2, do: func(db *gorm.DB) error {
			return db.Create([]*models.Receipt{alices("n1"), alices("n2")}).Error
		}},
		{name: "Create map with Model", changes: 1, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Create(receiptMap("n1")).Error
		}},
		{name: "Create map by Table", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("receipts").Create(receiptMap("n1")).Error
		}},
		{name: "Create maps", changes: 2, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Create([]map[string]any{receiptMap("n1"), receiptMap("n2")}).Error
		}},
		{name: "CreateInBatches", changes: 5, do: func(db *gorm.DB) error {
			var rs []*models.Receipt
			for _, id := range []string{"a", "b", "c", "d", "e"} {
				rs = append(rs, alices(id))
			}
			return db.CreateInBatches(rs, 2).Error
		}},
		{name: "Create duplicate", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(alices("r1")).Error }},
		{name: "Create invalid", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(&models.Receipt{}).Error }},
		{name: "Create batch with one duplicate", fails: true, refused: 1, do: func(db *gorm.DB) error {
			return db.Create([]*models.Receipt{alices("n1"), alices("r1")}).Error
		}},
		{name: "Create dangling", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(emitted("nowhere")).Error }},
		{name: "Create by value", fails: true, do: func(db *gorm.DB) error { return db.Create(*alices("n1")).Error }},
		{name: "Create empty slice", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(&[]models.Receipt{}).Error }},
		{name: "Save new", changes: 1, do: func(db *gorm.DB) error { return db.Save(alices("n1")).Error }},
		{name: "Save absent key", changes: 1, do: func(db *gorm.DB) error {
			r := alices("n1")
			r.ID = 77
			return db.Save(r).Error
		}},
		{name: "Create with SkipHooks", changes: 1, do: func(db *gorm.DB) error {
			return db.Session(&gorm.Session{SkipHooks: true}).Create(alices("n1")).Error
		}},
		{name: "DryRun", do: func(db *gorm.DB) error { return db.Session(&gorm.Session{DryRun: true}).Create(alices("n1")).Error }},
		{name: "Create memory", changes: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Create(&models.AgentMemory{AgentID: "dave"}).Error
		}},
	}
}

func updates() []operation {
	return []operation{
		{name: "Save existing", changes: 1, do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			r.DurationMS, r.Status = 99, models.ReceiptFailed
			return db.Save(r).Error
		})},
		{name: "Save unchanged", do: with("r1", func(db *gorm.DB, r *models.Receipt) error { return db.Save(r).Error })},
		{name: "Save slice", changes: 2, do: func(db *gorm.DB) error {
			r, err := loaded(db, "r1")
			if err != nil {
				return err
			}
			r.DurationMS = 99
			return db.Save([]*models.Receipt{r, alices("n1")}).Error
		}},
		{name: "Save invalid", fails: true, refused: 1, do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			r.AgentID = " "
			return db.Save(r).Error
		})},
		{name: "Updates struct", changes: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Updates(models.Receipt{Status: models.ReceiptFailed, ErrorMessage: "broke"}).Error
		})},
		{name: "Updates invalid struct", fails: true, refused: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Updates(models.Receipt{ManifestHash: "xyz"}).Error
		})},
		{name: "Updates map", changes: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Updates(map[string]any{"environment": "dev"}).Error
		})},
		{name: "Updates map refused by CHECK", fails: true, refused: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Updates(map[string]any{"status": "great"}).Error
		})},
		{name: "Update column by condition", changes: 2, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("agent_id = ?", "alice").Update("duration_ms", 1234).Error
		}},
		{name: "Update condition with expression", changes: 3, do: func(db *gorm.DB) error {
			return db.Model(&models.PipelineMetric{}).Where("duration_ms < ?", 10).Update("duration_ms", gorm.Expr("duration_ms + ?", 1)).Error
		}},
		{name: "Update some already so", changes: 1, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id IN ?", []string{"r2", "r3"}).Update("agent_id", "bob").Error
		}},
		{name: "Update nothing matches", do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("agent_id = ?", "nobody").Update("duration_ms", 1).Error
		}},
		{name: "Update without condition", fails: true, refused: 1, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Update("duration_ms", 1).Error
		}},
		{name: "Update all, allowed", changes: 3, do: func(db *gorm.DB) error {
			return db.Session(&gorm.Session{AllowGlobalUpdate: true}).Model(&models.Receipt{}).Update("duration_ms", 1).Error
		}},
		{name: "Updates by Table", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("receipts").Where("execution_id = ?", "r3").Updates(map[string]any{"environment": "prod"}).Error
		}},
		{name: "Updates by qualified Table", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("main.receipts").Where("execution_id = ?", "r3").Updates(map[string]any{"environment": "prod"}).Error
		}},
		{name: "UpdateColumn", changes: 1, do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).UpdateColumn("duration_ms", 1).Error
		})},
		{name: "UpdateColumns", changes: 2, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("agent_id = ?", "alice").UpdateColumns(map[string]any{"duration_ms": 3, "environment": "x"}).Error
		}},
		{name: "Update changes the condition's column", changes: 2, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("agent_id = ?", "alice").Update("agent_id", "zoe").Error
		}},
		{name: "Update with Or and subquery", changes: 2, do: func(db *gorm.DB) error {
			sub := db.Model(&models.SLOViolation{}).Select("execution_id")
			return db.Model(&models.Receipt{}).Where("execution_id IN (?)", sub).Or("execution_id = ?", "r1").Update("duration_ms", 2).Error
		}},
		{name: "Update with Returning", changes: 2, do: func(db *gorm.DB) error {
			var rs []models.Receipt
			return db.Model(&rs).Clauses(clause.Returning{}).Where("agent_id = ?", "alice").Update("duration_ms", 2).Error
		}},
		{name: "Update memory", changes: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Model(&models.AgentMemory{}).Where("agent_id = ?", "carol").Update("last_error", "x").Error
		}},
	}
}

func deletes() []operation {
	return []operation{
		{name: "Delete row", changes: 1, do: func(db *gorm.DB) error {
			m := emitted("r1")
			m.ID = 1
			return db.Delete(m).Error
		}},
		{name: "Delete by key", changes: 1, do: func(db *gorm.DB) error { return db.Delete(&models.PipelineMetric{}, 2).Error }},
		{name: "Delete by condition", changes: 2, do: func(db *gorm.DB) error {
			return db.Where("execution_id = ?", "r1").Delete(&models.PipelineMetric{}).Error
		}},
		{name: "Delete by Table", changes: 1, do: func(db *gorm.DB) error {
			return db.Table("pipeline_metrics").Where("execution_id = ?", "r2").Delete(nil).Error
		}},
		{name: "Delete nothing matches", do: func(db *gorm.DB) error { return db.Delete(&models.PipelineMetric{}, 999).Error }},
		{name: "Delete parent", fails: true, refused: 1, do: func(db *gorm.DB) error {
			return db.Where("execution_id = ?", "r1").Delete(&models.Receipt{}).Error
		}},
		{name: "Delete without condition", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Delete(&models.PipelineMetric{}).Error }},
		{name: "Delete with Returning", changes: 2, do: func(db *gorm.DB) error {
			var ms []models.PipelineMetric
			return db.Clauses(clause.Returning{}).Where("execution_id = ?", "r1").Delete(&ms).Error
		}},
		{name: "Delete memory", changes: 1, memory: true, do: func(db *gorm.DB) error {
			return db.Where("agent_id = ?", "carol").Delete(&models.AgentMemory{}).Error
		}},
	}
}
