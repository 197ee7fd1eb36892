package contract

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var otherCalls = map[string]call{
	"Metrics.Record": func(ctx context.Context, f *filled) error {
		return f.Metrics.Record(ctx, metric("a", models.StageExtract))
	},
	"Metrics.RecordBatch": func(ctx context.Context, f *filled) error {
		return f.Metrics.RecordBatch(ctx, []*models.PipelineMetric{metric("a", models.StageExtract), metric("b", models.StageEmit)})
	},
	"Metrics.ByExecution": func(ctx context.Context, f *filled) error { return discard(f.Metrics.ByExecution(ctx, "a")) },
	"Violations.Record":   func(ctx context.Context, f *filled) error { return f.Violations.Record(ctx, violation("a")) },
	"Violations.Check": func(ctx context.Context, f *filled) error {
		return discard(f.Violations.Check(ctx, "a", repository.DefaultTargets(), map[string]float64{repository.MetricFirstBuild: 99}))
	},
	"Violations.ByExecution": func(ctx context.Context, f *filled) error { return discard(f.Violations.ByExecution(ctx, "b")) },
	"Violations.SummaryByMetric": func(ctx context.Context, f *filled) error {
		return discard(f.Violations.SummaryByMetric(ctx, time.Time{}, time.Time{}))
	},
	"Reports.Drift": func(ctx context.Context, f *filled) error {
		_, _, err := f.Reports.Drift(ctx, repository.DriftFilter{})
		return err
	},
	"Reports.StagePercentiles": func(ctx context.Context, f *filled) error {
		return discard(f.Reports.StagePercentiles(ctx, repository.ReportFilter{}))
	},
	"Reports.AgentPercentiles": func(ctx context.Context, f *filled) error {
		return discard(f.Reports.AgentPercentiles(ctx, repository.ReportFilter{}, 0))
	},
	"Reports.Timeline": func(ctx context.Context, f *filled) error {
		return discard(f.Reports.Timeline(ctx, repository.ReportFilter{}, 0))
	},
	"Reports.SLOs": func(ctx context.Context, f *filled) error {
		return discard(f.Reports.SLOs(ctx, repository.ReportFilter{}))
	},
	"Reports.CollisionMatrix": func(ctx context.Context, f *filled) error {
		return discard(f.Reports.CollisionMatrix(ctx, repository.ReportFilter{}, 0))
	},
	"Reports.RecentExecutions":   func(ctx context.Context, f *filled) error { return discard(f.Reports.RecentExecutions(ctx)) },
	"Reports.RecentFailures":     func(ctx context.Context, f *filled) error { return discard(f.Reports.RecentFailures(ctx, 5)) },
	"Reports.AgentPerformance":   func(ctx context.Context, f *filled) error { return discard(f.Reports.AgentPerformance(ctx)) },
	"Reports.StagePerformance":   func(ctx context.Context, f *filled) error { return discard(f.Reports.StagePerformance(ctx)) },
	"Reports.Bottlenecks":        func(ctx context.Context, f *filled) error { return discard(f.Reports.Bottlenecks(ctx)) },
	"Reports.ViolationsLastWeek": func(ctx context.Context, f *filled) error { return discard(f.Reports.ViolationsLastWeek(ctx)) },
	"Reports.CollisionsLastDay":  func(ctx context.Context, f *filled) error { return discard(f.Reports.CollisionsLastDay(ctx)) },
	"Store.MaintainSteps":        func(ctx context.Context, f *filled) error { return f.MaintainSteps(ctx, nil) },
	"Store.Maintain":             func(ctx context.Context, f *filled) error { return f.Maintain(ctx) },
	"Store.ExportTable": func(ctx context.Context, f *filled) error {
		return discard(f.ExportTable(ctx, io.Discard, "receipts", tier2.ExportOptions{Format: tier2.CSV, AgentID: "coder"}))
	},
	"Store.Export": func(ctx context.Context, f *filled) error { return exported(ctx, f, func(string) error { return nil }) },
	"Store.Import": func(ctx context.Context, f *filled) error {
		return exported(ctx, f, func(dir string) error { return discard(f.Import(ctx, dir, tier2.ImportOptions{})) })
	},
	"Store.ImportTable": func(ctx context.Context, f *filled) error {
		const row = `{"id":999,"agent_id":"imported","memory_json":"{}","collision_history":null,"retry_count":0,"last_error":null,"updated_at":null,"created_at":"2026-01-29"}`
		return discard(f.ImportTable(ctx, strings.NewReader(row), "agent_memory", tier2.ImportOptions{}))
	},
	"Store.Transaction": func(ctx context.Context, f *filled) error {
		return f.Transaction(ctx, func(tx *tier2.Store) error {
			return errors.Join(
				tx.Receipts.Create(ctx, receipt("x")),
				tx.Transaction(ctx, func(tx *tier2.Store) error { return tx.Memory.Put(ctx, "coder", models.JSON(`{"k":2}`)) }),
				tx.Audit.Record(ctx, &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted}),
			)
		})
	},
}

var gormCalls = map[string]call{
	"GORM.Create": func(ctx context.Context, f *filled) error {
		r := receipt("x")
		r.Metrics = []models.PipelineMetric{*metric("", models.StageEmit)}
		return f.DB().WithContext(ctx).Create(r).Error
	},
	"GORM.Upsert": func(ctx context.Context, f *filled) error {
		r := receipt("b")
		r.DurationMS = 8
		return f.DB().WithContext(ctx).Clauses(onKey(clause.OnConflict{UpdateAll: true})).Create([]*models.Receipt{r, receipt("x")}).Error
	},
	"GORM.Updates": func(ctx context.Context, f *filled) error {
		return f.DB().WithContext(ctx).Model(&models.Receipt{}).Where("duration_ms = ?", 7).Updates(map[string]any{"duration_ms": 8}).Error
	},
	"GORM.Delete": func(ctx context.Context, f *filled) error {
		return f.DB().WithContext(ctx).Where("execution_id = ?", "a").Delete(&models.PipelineMetric{}).Error
	},
	"GORM.Exec": func(ctx context.Context, f *filled) error { return f.DB().WithContext(ctx).Exec("SELECT 1").Error },
	// A caller that ignores every error gets the error of the transaction.
	"GORM.Transaction, errors ignored": func(ctx context.Context, f *filled) error {
		return f.Transaction(ctx, func(tx *tier2.Store) error {
			_ = tx.Receipts.Create(ctx, receipt("x"))
			_ = tx.DB().WithContext(ctx).Create(receipt("y")).Error
			_ = tx.Memory.Put(ctx, "coder", models.JSON(`{"k":2}`))
			return nil
		})
	},
}
