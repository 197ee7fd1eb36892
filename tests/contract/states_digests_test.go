package contract

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// statesDigests: after any sequence of writes through GORM and the repositories, with values
// at the limits of the columns, the log has the digest of each stored row. Many of these
// writes are rejected, which must not change that.
func statesDigests(t *T) {
	states(t, func(_ *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T) {
		w := writes{ctx, d.store}
		actions := w.actions()
		actions[""] = func(rt *rapid.T) {
			report, err := d.store.Audit.Verify(ctx, ledger.VerifyOptions{})
			require.NoError(rt, err)
			require.Empty(rt, report.Findings)
		}
		return actions
	})
}

// writes provides ways to write.
type writes struct {
	ctx   context.Context
	store *tier2.Store
}

var (
	edgyNames  = rapid.SampledFrom([]string{"a", "b", "c", "é", "<&>", "a'b", "\u2028", ""})
	edgyTexts  = rapid.SampledFrom([]any{"", "x", nil, " ", "NULL", "0", "é\n\"\\", "api_key=abc", gorm.Expr("error_message"), gorm.Expr("'ü' || 'x'"), []byte("bytes")})
	edgyFloats = rapid.SampledFrom([]float64{0, math.Copysign(0, -1), 1e300, -1e-300, 0.1, 5e-324, 1 << 53, 1<<53 + 1, 1.0 / 3, -7})
	edgyCounts = rapid.SampledFrom([]any{0, 7, int64(math.MaxInt64), nil, gorm.Expr("files_generated + 1"), "12", 3.0, true})
	edgyTimes  = rapid.SampledFrom([]time.Time{
		{}, time.Unix(0, 0), time.Unix(-1, 999_999_999), time.Date(2026, 3, 29, 2, 30, 0, 123_456_789, time.FixedZone("x", 5400)),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC), time.Date(1, 1, 1, 0, 0, 0, 1, time.UTC), time.Date(1850, 6, 1, 1, 2, 3, 1500, time.UTC),
	})
	edgyDocuments = rapid.Map(rapid.SampledFrom([]string{
		"", "{}", "null", "[]", `"x"`, `{"a": 1.0, "b":[1e2, -0, 0.10]}`, `{"b":1,"a":{"é":"\u00e9","x":"\ud83d\ude00"}}`, `{"a":1,"a":2}`,
		`{"_activity":{"saves":1},"k":1}`, `{"_activity":null}`, `{"n":123456789012345678901234567890.5, "e":1e400}`, `{"password":"geheim","t":"<&>"}`, ` { } `,
	}), func(s string) models.JSON { return models.JSON(s) })
)

func (w writes) receipt(rt *rapid.T) *models.Receipt {
	r := receipt(edgyNames.Draw(rt, "execution"))
	r.AgentID, r.ReceiptJSON = edgyNames.Draw(rt, "agent"), edgyDocuments.Draw(rt, "document")
	r.Timestamp.Time, r.CreatedAt = edgyTimes.Draw(rt, "time"), edgyTimes.Draw(rt, "created")
	r.ErrorMessage = edgyNames.Draw(rt, "message")
	r.ID = rapid.SampledFrom([]int64{0, 0, 0, 1, 77, -3, 1 << 40}).Draw(rt, "id")
	if rapid.Bool().Draw(rt, "with children") {
		r.Metrics = []models.PipelineMetric{*metric("", models.StageEmit), *metric("", models.StageExtract)}
		r.Violations = []models.SLOViolation{*w.violation(rt, "")}
	}
	return r
}

func (w writes) violation(rt *rapid.T, execution string) *models.SLOViolation {
	v := violation(execution)
	v.TargetValue, v.ActualValue = edgyFloats.Draw(rt, "target"), edgyFloats.Draw(rt, "actual")
	v.CreatedAt, v.Description = edgyTimes.Draw(rt, "created"), edgyNames.Draw(rt, "description")
	return v
}

func (w writes) actions() map[string]func(*rapid.T) {
	db := w.store.DB().WithContext(w.ctx)
	s, ctx := w.store, w.ctx
	receipts := map[string]func(*models.Receipt) error{
		"repository": func(r *models.Receipt) error { return s.Receipts.Create(ctx, r) },
		"batch":      func(r *models.Receipt) error { return s.Receipts.CreateBatch(ctx, []*models.Receipt{r}) },
		"upsert":     func(r *models.Receipt) error { return s.Receipts.Upsert(ctx, r) },
		"create":     func(r *models.Receipt) error { return db.Create(r).Error },
		"save":       func(r *models.Receipt) error { return db.Save(r).Error },
		"omit":       func(r *models.Receipt) error { return db.Omit("FilesGenerated", "CreatedAt").Create(r).Error },
		"all": func(r *models.Receipt) error {
			return db.Session(&gorm.Session{FullSaveAssociations: true}).Save(r).Error
		},
		"batches": func(r *models.Receipt) error { return db.CreateInBatches([]*models.Receipt{r, receipt("")}, 1).Error },
		"nothing": func(r *models.Receipt) error { return db.Clauses(clause.OnConflict{DoNothing: true}).Create(r).Error },
		"every column": func(r *models.Receipt) error {
			return db.Clauses(clause.OnConflict{UpdateAll: true, Columns: []clause.Column{{Name: "execution_id"}}}).Create(r).Error
		},
		"first or create": func(r *models.Receipt) error {
			return db.Where("execution_id = ?", r.ExecutionID).Attrs(r).FirstOrCreate(&models.Receipt{}).Error
		},
	}
	columns := map[string]*rapid.Generator[any]{
		"agent_id": edgyTexts, "error_message": edgyTexts, "environment": edgyTexts, "execution_id": edgyTexts, "receipt_json": edgyDocuments.AsAny(),
		"files_generated": edgyCounts, "files_modified": edgyCounts, "duration_ms": edgyCounts, "created_at": edgyTimes.AsAny(), "timestamp": edgyTimes.AsAny(),
		"id": rapid.SampledFrom([]any{1, 2, 500, -4, gorm.Expr("id + 1000")}),
	}
	actions := map[string]func(*rapid.T){
		"update": func(rt *rapid.T) {
			column := rapid.SampledFrom([]string{"agent_id", "error_message", "environment", "execution_id", "receipt_json", "files_generated", "files_modified", "duration_ms", "created_at", "timestamp", "id"}).Draw(rt, "column")
			_ = db.Model(&models.Receipt{}).Where("agent_id = ?", edgyNames.Draw(rt, "whose")).Updates(map[string]any{column: columns[column].Draw(rt, "value")}).Error
		},
		"map": func(rt *rapid.T) {
			_ = db.Model(&models.Receipt{}).Create(map[string]any{
				"execution_id": edgyNames.Draw(rt, "execution"), "agent_id": edgyTexts.Draw(rt, "agent"), "operation": "watch", "status": "passed",
				"timestamp": edgyTimes.Draw(rt, "time"), "duration_ms": edgyCounts.Draw(rt, "took"), "files_generated": edgyCounts.Draw(rt, "files"), "receipt_json": edgyDocuments.Draw(rt, "document"),
			}).Error
		},
		"delete": func(rt *rapid.T) {
			name := edgyNames.Draw(rt, "execution")
			if rapid.Bool().Draw(rt, "children") {
				_ = db.Where("execution_id = ?", name).Delete(&models.PipelineMetric{}).Error
				_ = db.Where("execution_id = ?", name).Delete(&models.SLOViolation{}).Error
			}
			_ = s.Receipts.Delete(ctx, name)
		},
		"violation": func(rt *rapid.T) { _ = s.Violations.Record(ctx, w.violation(rt, edgyNames.Draw(rt, "execution"))) },
		"violations": func(rt *rapid.T) {
			_ = db.Model(&models.SLOViolation{}).Where("id % 2 = 0").Updates(map[string]any{"actual_value": edgyFloats.Draw(rt, "value"), "description": edgyTexts.Draw(rt, "text")}).Error
		},
		"by expression": func(*rapid.T) {
			_ = db.Model(&models.SLOViolation{}).Where("1 = 1").Update("target_value", gorm.Expr("target_value / 3")).Error
		},
		"metric": func(rt *rapid.T) {
			_ = s.Metrics.Record(ctx, metric(edgyNames.Draw(rt, "execution"), models.StageEmit))
		},
		"moved metrics": func(rt *rapid.T) {
			_ = db.Model(&models.PipelineMetric{}).Where("id % 3 = 0").Update("execution_id", edgyNames.Draw(rt, "execution")).Error
		},
		"association": func(rt *rapid.T) {
			var r models.Receipt
			if db.Where("execution_id = ?", edgyNames.Draw(rt, "execution")).Take(&r).Error == nil {
				_ = db.Model(&r).Association("Metrics").Append(metric("", models.StageEmit))
				_ = db.Model(&r).Association("Violations").Replace(w.violation(rt, ""))
			}
		},
		"put": func(rt *rapid.T) {
			_ = s.Memory.Put(ctx, edgyNames.Draw(rt, "agent"), edgyDocuments.Draw(rt, "document"))
		},
		"merge": func(rt *rapid.T) {
			_ = s.Memory.Merge(ctx, edgyNames.Draw(rt, "agent"), edgyDocuments.Draw(rt, "document"))
		},
		"forget": func(rt *rapid.T) { _ = s.Memory.Forget(ctx, edgyNames.Draw(rt, "agent")) },
		"fails":  func(rt *rapid.T) { _ = s.Memory.RecordError(ctx, edgyNames.Draw(rt, "agent"), "boom") },
		"resets": func(rt *rapid.T) { _ = s.Memory.ResetRetries(ctx, edgyNames.Draw(rt, "agent")) },
		"memory": func(rt *rapid.T) {
			m := &models.AgentMemory{AgentID: edgyNames.Draw(rt, "agent"), MemoryJSON: edgyDocuments.Draw(rt, "document"), CollisionHistory: edgyDocuments.Draw(rt, "history"), CreatedAt: edgyTimes.Draw(rt, "created")}
			_ = db.Save(m).Error
		},
		"memories": func(rt *rapid.T) {
			_ = db.Model(&models.AgentMemory{}).Where("id % 2 = 0").Update("memory_json", edgyDocuments.Draw(rt, "document")).Error
		},
		"session": func(rt *rapid.T) {
			_ = s.Sessions.Start(ctx, &models.WorkflowSession{SessionID: edgyNames.Draw(rt, "session"), AgentCount: 2, ContextJSON: edgyDocuments.Draw(rt, "context"), CreatedAt: edgyTimes.Draw(rt, "created")})
		},
		"outcome": func(rt *rapid.T) { _ = s.Sessions.AddOutcome(ctx, edgyNames.Draw(rt, "session"), 1, 2) },
		"finish":  func(rt *rapid.T) { _, _ = s.Sessions.Finish(ctx, edgyNames.Draw(rt, "session")) },
		"context": func(rt *rapid.T) {
			_ = db.Model(&models.WorkflowSession{}).Where("1 = 1").Update("context_json", edgyDocuments.Draw(rt, "context")).Error
		},
		"collision": func(rt *rapid.T) { _ = s.Collisions.Report(ctx, collision(edgyNames.Draw(rt, "session"))) },
		"resolve":   func(rt *rapid.T) { _ = s.Collisions.Resolve(ctx, int64(rapid.IntRange(1, 3).Draw(rt, "id")), "é") },
		"execution": func(rt *rapid.T) {
			e, err := s.Executions.Begin(ctx, edgyNames.Draw(rt, "agent"), models.OperationWatch, repository.ExecutionOptions{Environment: edgyNames.Draw(rt, "environment")})
			if err == nil {
				_ = e.Stage(ctx, models.StageEmit, func(context.Context, *repository.StageResult) error { return nil })
				_, _ = e.Finish(ctx, repository.Outcome{FilesGenerated: 3})
			}
		},
		"rolled back": func(rt *rapid.T) {
			_ = s.Transaction(ctx, func(tx *tier2.Store) error {
				_ = tx.Memory.Put(ctx, "a", models.JSON(`{"rolled":"back"}`))
				_ = tx.DB().Create(w.receipt(rt)).Error
				return fmt.Errorf("boom")
			})
		},
		"committed": func(rt *rapid.T) {
			_ = s.Transaction(ctx, func(tx *tier2.Store) error {
				_ = tx.Memory.Put(ctx, "a", models.JSON(`{"committed":1}`))
				return tx.Receipts.Create(ctx, w.receipt(rt))
			})
		},
		"seal": func(rt *rapid.T) { _, err := s.Audit.Seal(ctx); require.NoError(rt, err) },
	}
	for name, create := range receipts {
		actions["receipt by "+name] = func(rt *rapid.T) { _ = create(w.receipt(rt)) }
	}
	return actions
}
