package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// plainGORM uses GORM as its documentation shows: one Create per row, each in the
// transaction that GORM begins for it, and Transaction only around a batch.
type plainGORM struct{ db *gorm.DB }

func (p plainGORM) save(ctx context.Context, r *models.Receipt) error {
	db, at := p.db.WithContext(ctx), models.At(clock())
	if err := db.Create(r).Error; err != nil {
		return err
	}
	if err := p.audit(db, at, r.AgentID, "receipts.create", receiptContext("create", r.ID, r.ExecutionID, "")); err != nil {
		return err
	}
	return p.memory(db, at, r.AgentID, 1, lastSave("receipts", "create", r.ID, at), 1, lastExecution(r))
}

// documented opens SQLite as in GORM's documentation (https://gorm.io/docs/connecting_to_the_database.html#SQLite),
// with the driver that the store uses.
func documented(path string) gorm.Dialector {
	if slices.Contains(sql.Drivers(), "sqlite") { // the driver of modernc: a build without cgo
		return sqlite.New(sqlite.Config{DriverName: "sqlite", DSN: path + "?_time_format=sqlite&_timezone=UTC"})
	}
	return sqlite.Open(path)
}

// opened closes the connections that GORM opened.
type opened struct{ plainGORM }

func (o opened) close() error {
	db, err := o.db.DB()
	if err != nil {
		return err
	}
	return db.Close()
}

// auditRow leaves error_message NULL, as tier2 does.
type auditRow struct {
	ID           int64
	Timestamp    models.Timestamp
	AgentID      string
	Operation    string
	Status       string
	DurationMS   int64
	ErrorMessage *string
	ContextJSON  models.JSON
	CreatedAt    time.Time
}

func (auditRow) TableName() string { return "audit_log" }

func (p plainGORM) audit(db *gorm.DB, at models.Timestamp, agent, operation, context string) error {
	return db.Create(&auditRow{Timestamp: at, AgentID: agent, Operation: operation, Status: "completed", ContextJSON: models.JSON(context), CreatedAt: at.Time}).Error
}

func (p plainGORM) memory(db *gorm.DB, at models.Timestamp, agent string, saves int, save string, passed int, execution any) error {
	first := firstMemory(saves, save, passed, execution)
	merged := gorm.Expr(mergeSQLite, saves, passed, save, execution)
	if db.Name() == "postgres" {
		merged = gorm.Expr(mergePostgres, saves, passed, save, execution)
	}
	return db.Clauses(clause.OnConflict{
		Columns:   []clause.Column{{Name: "agent_id"}},
		DoUpdates: clause.Assignments(map[string]any{"memory_json": merged, "updated_at": at.Time}),
	}).Omit("LastError", "CollisionHistory").Create(&models.AgentMemory{AgentID: agent, MemoryJSON: models.JSON(first), UpdatedAt: at.Time, CreatedAt: at.Time}).Error
}

func (p plainGORM) batch(ctx context.Context, receipts []*models.Receipt) error {
	return p.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		for _, r := range receipts {
			if err := (plainGORM{tx}).save(ctx, r); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p plainGORM) execution(ctx context.Context, r *models.Receipt) error {
	db, at := p.db.WithContext(ctx), models.At(clock())
	if err := db.Create(r).Error; err != nil { // and its metrics
		return err
	}
	if err := p.audit(db, at, r.AgentID, "receipts.create", receiptContext("create", r.ID, r.ExecutionID, "")); err != nil {
		return err
	}
	last := ""
	for _, m := range r.Metrics {
		if err := p.audit(db, at, r.AgentID, "pipeline_metrics.create",
			fmt.Sprintf(`{"v":1,"table":"pipeline_metrics","action":"create","id":%d,"execution_id":"%s"}`, m.ID, m.ExecutionID)); err != nil {
			return err
		}
		last = lastSave("pipeline_metrics", "create", m.ID, at)
	}
	return p.memory(db, at, r.AgentID, 1+len(r.Metrics), last, 1, lastExecution(r))
}

func (p plainGORM) updateOne(ctx context.Context, executionID, environment string) error {
	return p.update(ctx, environment, "execution_id = ?", executionID)
}

func (p plainGORM) updateMany(ctx context.Context, agent, environment string) error {
	return p.update(ctx, environment, "agent_id = ? AND operation = 'generation'", agent)
}

func (p plainGORM) update(ctx context.Context, environment, where string, args ...any) error {
	at := models.At(clock())
	return p.db.WithContext(ctx).Transaction(func(db *gorm.DB) error {
		var rows []models.Receipt
		if err := db.Where(where, args...).Where("environment <> ?", environment).Order("id").Find(&rows).Error; err != nil || len(rows) == 0 {
			return err
		}
		if err := db.Model(&models.Receipt{}).Where(where, args...).Update("environment", environment).Error; err != nil {
			return err
		}
		for _, r := range rows {
			if err := p.audit(db, at, r.AgentID, "receipts.update", receiptContext("update", r.ID, r.ExecutionID, changed(r.Environment, environment))); err != nil {
				return err
			}
		}
		last := rows[len(rows)-1]
		return p.memory(db, at, last.AgentID, len(rows), lastSave("receipts", "update", last.ID, at), 0, nil)
	})
}

func (p plainGORM) get(ctx context.Context, executionID string) (*models.Receipt, error) {
	var r models.Receipt
	err := p.db.WithContext(ctx).First(&r, "execution_id = ?", executionID).Error
	return &r, err
}

func (p plainGORM) page(ctx context.Context, agent string, before models.Timestamp, id int64) ([]*models.Receipt, error) {
	return gormPage(p.db.WithContext(ctx), agent, before, id)
}

func gormPage(db *gorm.DB, agent string, before models.Timestamp, id int64) (list []*models.Receipt, err error) {
	if agent != "" {
		db = db.Where("agent_id = ?", agent)
	}
	err = db.Where("(timestamp, id) < (?, ?)", before, id).Order("timestamp DESC, id DESC").Limit(50).Find(&list).Error
	return list, err
}

func (p plainGORM) stream(ctx context.Context, yield func(*models.Receipt)) error {
	return gormStream(p.db.WithContext(ctx), yield)
}

func gormStream(db *gorm.DB, yield func(*models.Receipt)) error {
	rows, err := db.Model(&models.Receipt{}).Order("timestamp DESC, id DESC").Rows()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var r models.Receipt
		if err := db.ScanRows(rows, &r); err != nil {
			return err
		}
		yield(&r)
	}
	return rows.Err()
}

func (plainGORM) close() error { return nil }
