package hooks_test

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// operation is a way to write. changes is how many rows it changes.
type operation struct {
	name    string
	changes int
	do      func(*gorm.DB) error
	memory  bool // it writes agent_memory itself
	fails   bool
	only    string // the one engine that has it
	refused int    // failed entries it leaves
}

// anyNumber: how many rows change depends on the configuration.
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

// with loads a receipt, then writes.
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
		{name: "Create struct", changes: 1, do: func(db *gorm.DB) error { return db.Create(receipt("n1")).Error }},
		{name: "Create slice", changes: 2, do: func(db *gorm.DB) error {
			return db.Create(&[]models.Receipt{*receipt("n1"), *receipt("n2")}).Error
		}},
		{name: "Create pointers", changes: 2, do: func(db *gorm.DB) error {
			return db.Create([]*models.Receipt{receipt("n1"), receipt("n2")}).Error
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
				rs = append(rs, receipt(id))
			}
			return db.CreateInBatches(rs, 2).Error
		}},
		{name: "Create duplicate", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(receipt("r1")).Error }},
		{name: "Create invalid", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(&models.Receipt{}).Error }},
		{name: "Create batch with one duplicate", fails: true, refused: 1, do: func(db *gorm.DB) error {
			return db.Create([]*models.Receipt{receipt("n1"), receipt("r1")}).Error
		}},
		{name: "Create dangling", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(metric("nowhere")).Error }},
		{name: "Create by value", fails: true, do: func(db *gorm.DB) error { return db.Create(*receipt("n1")).Error }},
		{name: "Create empty slice", fails: true, refused: 1, do: func(db *gorm.DB) error { return db.Create(&[]models.Receipt{}).Error }},
		{name: "Save new", changes: 1, do: func(db *gorm.DB) error { return db.Save(receipt("n1")).Error }},
		{name: "Save absent key", changes: 1, do: func(db *gorm.DB) error {
			r := receipt("n1")
			r.ID = 77
			return db.Save(r).Error
		}},
		{name: "Create with SkipHooks", changes: 1, do: func(db *gorm.DB) error {
			return db.Session(&gorm.Session{SkipHooks: true}).Create(receipt("n1")).Error
		}},
		{name: "DryRun", do: func(db *gorm.DB) error { return db.Session(&gorm.Session{DryRun: true}).Create(receipt("n1")).Error }},
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
			return db.Save([]*models.Receipt{r, receipt("n1")}).Error
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
		{name: "Updates by qualified Table", only: "sqlite", changes: 1, do: func(db *gorm.DB) error {
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
			m := metric("r1")
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

func upserts() []operation {
	changed := func(id string) *models.Receipt {
		r := receipt(id)
		r.DurationMS = 555
		return r
	}
	return []operation{
		{name: "DoNothing, conflict", do: func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create(changed("r1")).Error
		}},
		{name: "DoNothing, no conflict", changes: 1, do: func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create(changed("n1")).Error
		}},
		{name: "DoNothing, partial", changes: 2, do: func(db *gorm.DB) error {
			return db.Clauses(clause.OnConflict{DoNothing: true}).Create([]*models.Receipt{changed("n1"), changed("r1"), changed("n2")}).Error
		}},
		{name: "DoUpdates", changes: 2, do: func(db *gorm.DB) error {
			return db.Clauses(onKey(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"duration_ms"})})).
				Create([]*models.Receipt{changed("r1"), changed("n1")}).Error
		}},
		{name: "DoUpdates with a condition", do: func(db *gorm.DB) error {
			return db.Clauses(onKey(clause.OnConflict{
				DoUpdates: clause.AssignmentColumns([]string{"duration_ms"}),
				Where:     clause.Where{Exprs: []clause.Expression{clause.Expr{SQL: "receipts.duration_ms > 1000"}}},
			})).Create(changed("r1")).Error
		}},
		{name: "UpdateAll", changes: 2, do: func(db *gorm.DB) error {
			return db.Clauses(onKey(clause.OnConflict{UpdateAll: true})).Create([]*models.Receipt{changed("r2"), changed("n1")}).Error
		}},
		{name: "DoUpdates to the same", do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			again := *r
			again.ID = 0
			return db.Clauses(onKey(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"duration_ms"})})).Create(&again).Error
		})},
		{name: "upsert map", changes: 1, do: func(db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Clauses(onKey(clause.OnConflict{DoUpdates: clause.AssignmentColumns([]string{"status"})})).
				Create(receiptMap("r1")).Error
		}},
		{name: "INSERT OR REPLACE", only: "sqlite", changes: 2, do: func(db *gorm.DB) error {
			m := &models.AgentMemory{AgentID: "carol"}
			return db.Clauses(clause.Insert{Modifier: "OR REPLACE"}).Create(m).Error
		}, memory: true},
		{name: "INSERT OR IGNORE", only: "sqlite", do: func(db *gorm.DB) error {
			return db.Clauses(clause.Insert{Modifier: "OR IGNORE"}).Create(changed("r1")).Error
		}},
		{name: "FirstOrCreate, absent", changes: 1, do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "n1"}).Attrs(receipt("n1")).FirstOrCreate(&models.Receipt{}).Error
		}},
		{name: "FirstOrCreate, found", do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "r1"}).Attrs(receipt("r1")).FirstOrCreate(&models.Receipt{}).Error
		}},
		{name: "FirstOrCreate, Assign", changes: 1, do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "r1"}).Assign(models.Receipt{Environment: "dev"}).FirstOrCreate(&models.Receipt{}).Error
		}},
	}
}

func others() []operation {
	return []operation{
		{name: "nested create", changes: 4, do: func(db *gorm.DB) error {
			r := receipt("n1")
			r.Metrics = []models.PipelineMetric{*metric(""), *metric("")}
			r.Violations = []models.SLOViolation{{Metric: "x", Severity: models.SeverityCritical}}
			return db.Create(r).Error
		}},
		{name: "nested create, belongs to", changes: 2, do: func(db *gorm.DB) error {
			m := metric("")
			m.Receipt = receipt("n1")
			return db.Create(m).Error
		}},
		{name: "Association Append", changes: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Association("Metrics").Append(metric(""))
		})},
		{name: "Association Replace", changes: anyNumber, fails: true, refused: 1, do: with("r3", func(db *gorm.DB, r *models.Receipt) error {
			// It sets the others' foreign key to NULL, which NOT NULL refuses. Outside of a
			// transaction GORM has committed the new child by then.
			return db.Model(r).Association("Violations").Replace(&models.SLOViolation{Metric: "x", Severity: models.SeverityCritical})
		})},
		{name: "Association Delete", changes: 2, do: with("r1", func(db *gorm.DB, r *models.Receipt) error {
			var ms []models.PipelineMetric
			if err := db.Where("execution_id = ?", "r1").Find(&ms).Error; err != nil {
				return err
			}
			return db.Model(r).Association("Metrics").Unscoped().Delete(&ms)
		})},
		{name: "Association Replace, unscoped", changes: 2, do: with("r3", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Association("Violations").Unscoped().Replace(&models.SLOViolation{Metric: "x", Severity: models.SeverityCritical})
		})},
		{name: "generics Create", changes: 1, do: func(db *gorm.DB) error {
			return gorm.G[models.Receipt](db).Create(context.Background(), receipt("n1"))
		}},
		{name: "generics Update", changes: 2, do: func(db *gorm.DB) error {
			_, err := gorm.G[models.Receipt](db).Where("agent_id = ?", "alice").Update(context.Background(), "duration_ms", 44)
			return err
		}},
		{name: "generics Updates", changes: 1, do: func(db *gorm.DB) error {
			_, err := gorm.G[models.Receipt](db).Where("execution_id = ?", "r1").Updates(context.Background(), models.Receipt{Environment: "dev"})
			return err
		}},
		{name: "generics Delete", changes: 2, do: func(db *gorm.DB) error {
			_, err := gorm.G[models.PipelineMetric](db).Where("execution_id = ?", "r1").Delete(context.Background())
			return err
		}},
		{name: "own transaction", changes: 2, do: func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(receipt("n1")).Error; err != nil {
					return err
				}
				return tx.Create(metric("n1")).Error
			})
		}},
		{name: "nested transaction rolled back", changes: 1, refused: 1, do: func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(receipt("n1")).Error; err != nil {
					return err
				}
				_ = tx.Transaction(func(inner *gorm.DB) error {
					if err := inner.Create(metric("n1")).Error; err != nil {
						return err
					}
					return inner.Create(receipt("n1")).Error
				})
				return nil
			})
		}},
		{name: "savepoint rolled back", changes: 1, do: func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(receipt("n1")).Error; err != nil {
					return err
				}
				tx.SavePoint("s")
				if err := tx.Create(receipt("n2")).Error; err != nil {
					return err
				}
				return tx.RollbackTo("s").Error
			})
		}},
		{name: "other table", do: func(db *gorm.DB) error {
			type note struct{ ID int64 }
			if err := db.Exec("CREATE TABLE notes (id integer primary key)").Error; err != nil {
				return err
			}
			return db.Table("notes").Create(&note{ID: 1}).Error
		}},
		{name: "collision", changes: 1, do: func(db *gorm.DB) error {
			return db.Create(&models.Collision{
				SessionID: "s1", AgentID1: "bob", AgentID2: "dave", CollisionType: models.MemoryConflict,
				Description: "d", Severity: models.SeverityInfo,
			}).Error
		}},
	}
}
