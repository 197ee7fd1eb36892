package contract

import (
	"context"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func upserts() []operation {
	changed := func(id string) *models.Receipt {
		r := alices(id)
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
		{name: "INSERT OR REPLACE", changes: 2, do: func(db *gorm.DB) error {
			m := &models.AgentMemory{AgentID: "carol"}
			return db.Clauses(clause.Insert{Modifier: "OR REPLACE"}).Create(m).Error
		}, memory: true},
		{name: "INSERT OR IGNORE", do: func(db *gorm.DB) error {
			return db.Clauses(clause.Insert{Modifier: "OR IGNORE"}).Create(changed("r1")).Error
		}},
		{name: "FirstOrCreate, absent", changes: 1, do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "n1"}).Attrs(alices("n1")).FirstOrCreate(&models.Receipt{}).Error
		}},
		{name: "FirstOrCreate, found", do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "r1"}).Attrs(alices("r1")).FirstOrCreate(&models.Receipt{}).Error
		}},
		{name: "FirstOrCreate, Assign", changes: 1, do: func(db *gorm.DB) error {
			return db.Where(models.Receipt{ExecutionID: "r1"}).Assign(models.Receipt{Environment: "dev"}).FirstOrCreate(&models.Receipt{}).Error
		}},
	}
}

func others() []operation {
	return []operation{
		{name: "nested create", changes: 4, do: func(db *gorm.DB) error {
			r := alices("n1")
			r.Metrics = []models.PipelineMetric{*emitted(""), *emitted("")}
			r.Violations = []models.SLOViolation{{Metric: "x", Severity: models.SeverityCritical}}
			return db.Create(r).Error
		}},
		{name: "nested create, belongs to", changes: 2, do: func(db *gorm.DB) error {
			m := emitted("")
			m.Receipt = alices("n1")
			return db.Create(m).Error
		}},
		{name: "Association Append", changes: 1, do: with("r2", func(db *gorm.DB, r *models.Receipt) error {
			return db.Model(r).Association("Metrics").Append(emitted(""))
		})},
		{name: "Association Replace", changes: anyNumber, fails: true, refused: 1, do: with("r3", func(db *gorm.DB, r *models.Receipt) error {
			// It sets the foreign key of the other children to NULL, which NOT NULL rejects. Outside
			// of a transaction GORM has committed the new child by then.
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
			return gorm.G[models.Receipt](db).Create(context.Background(), alices("n1"))
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
				if err := tx.Create(alices("n1")).Error; err != nil {
					return err
				}
				return tx.Create(emitted("n1")).Error
			})
		}},
		{name: "nested transaction rolled back", changes: 1, refused: 1, do: func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(alices("n1")).Error; err != nil {
					return err
				}
				_ = tx.Transaction(func(inner *gorm.DB) error {
					if err := inner.Create(emitted("n1")).Error; err != nil {
						return err
					}
					return inner.Create(alices("n1")).Error
				})
				return nil
			})
		}},
		{name: "savepoint rolled back", changes: 1, do: func(db *gorm.DB) error {
			return db.Transaction(func(tx *gorm.DB) error {
				if err := tx.Create(alices("n1")).Error; err != nil {
					return err
				}
				tx.SavePoint("s")
				if err := tx.Create(alices("n2")).Error; err != nil {
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
