package repository

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const receiptsTable = "receipts"

// Receipts reads and writes the table receipts.
type Receipts struct{ h handle }

// ReceiptFilter selects receipts. The zero value selects all.
type ReceiptFilter struct {
	AgentID      string
	Operation    models.Operation
	Status       models.ReceiptStatus
	Environment  string
	ManifestHash string
	OntologyHash string
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// Create writes one receipt with its Metrics and Violations, and sets its id and empty
// fields. Errors: models.ErrInvalid, models.ErrDuplicate for a known execution_id.
func (r *Receipts) Create(ctx context.Context, receipt *models.Receipt) error {
	if receipt == nil {
		return refuse.Invalid(receiptsTable, "", nil, "must not be nil")
	}
	err := r.create(ctx, receipt)
	return blame(err, models.ErrDuplicate, receiptsTable, "execution_id", receipt.ExecutionID, "")
}

// CreateBatch writes all receipts or none, in one transaction. Without receipts it does
// nothing. Errors: models.ErrInvalid, models.ErrDuplicate (also for two of the batch).
func (r *Receipts) CreateBatch(ctx context.Context, receipts []*models.Receipt) error {
	for i, receipt := range receipts {
		if receipt == nil {
			return refuse.Invalid(receiptsTable, "", nil, fmt.Sprintf("element %d must not be nil", i))
		}
	}
	err := r.create(ctx, receipts...)
	if errors.Is(err, models.ErrDuplicate) {
		return blame(err, models.ErrDuplicate, receiptsTable, "execution_id", r.taken(ctx, receipts), "")
	}
	return err
}

// create writes receipts with their children.
func (r *Receipts) create(ctx context.Context, receipts ...*models.Receipt) error {
	if rows := families(receipts, r.h.now()); rows != nil {
		return r.h.insert(ctx, rows...)
	}
	restore := snapshot(receipts)
	err := r.h.transaction(ctx, func(tx *gorm.DB) error {
		restore()
		return tx.CreateInBatches(receipts, 100).Error
	})
	if err != nil {
		restore()
	}
	return err
}

// families prepares receipts and returns them, then their metrics, then their violations.
// It returns nil if a child has an id: the child is stored already, and GORM moves it to
// its new receipt.
func families(receipts []*models.Receipt, now time.Time) []models.Model {
	rows := asModels(receipts)
	for _, r := range receipts {
		schema.Prepare(r, now)
		for i := range r.Metrics {
			if r.Metrics[i].ID != 0 {
				return nil
			}
			r.Metrics[i].ExecutionID = r.ExecutionID
			rows = append(rows, &r.Metrics[i])
		}
	}
	for _, r := range receipts {
		for i := range r.Violations {
			if r.Violations[i].ID != 0 {
				return nil
			}
			r.Violations[i].ExecutionID = r.ExecutionID
			rows = append(rows, &r.Violations[i])
		}
	}
	return rows
}

// snapshot returns a function that restores receipts and their children.
func snapshot(receipts []*models.Receipt) (restore func()) {
	saved := make([]models.Receipt, len(receipts))
	for i, r := range receipts {
		saved[i] = *r
		saved[i].Metrics, saved[i].Violations = slices.Clone(r.Metrics), slices.Clone(r.Violations)
	}
	return func() {
		for i, r := range receipts {
			metrics, violations := r.Metrics, r.Violations
			*r = saved[i]
			r.Metrics, r.Violations = metrics, violations
			copy(r.Metrics, saved[i].Metrics)
			copy(r.Violations, saved[i].Violations)
		}
	}
}

// taken returns the execution_id that made a batch fail, or nil if it has been deleted since.
func (r *Receipts) taken(ctx context.Context, receipts []*models.Receipt) any {
	seen := make(map[string]bool, len(receipts))
	for _, receipt := range receipts {
		if seen[receipt.ExecutionID] {
			return receipt.ExecutionID
		}
		seen[receipt.ExecutionID] = true
	}
	for _, receipt := range receipts {
		if _, err := r.Get(ctx, receipt.ExecutionID); err == nil {
			return receipt.ExecutionID
		}
	}
	return nil
}

// Upsert writes a receipt, or replaces the one with its execution_id except its id and
// created_at, which the struct receives. It neither changes the children in the store nor
// writes those in the struct. Errors: models.ErrInvalid.
func (r *Receipts) Upsert(ctx context.Context, receipt *models.Receipt) error {
	if receipt == nil {
		return refuse.Invalid(receiptsTable, "", nil, "must not be nil")
	}
	replaced := slices.DeleteFunc(schema.Named(receiptsTable).Names(), func(column string) bool {
		return column == "id" || column == "execution_id" || column == "created_at"
	})
	next := *receipt
	schema.Prepare(&next, r.h.now())
	err := r.h.transaction(ctx, func(tx *gorm.DB) error {
		next.ID = 0 // the execution_id alone says which row is meant
		err := tx.Omit(clause.Associations).Clauses(clause.OnConflict{
			Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns(replaced),
		}).Create(&next).Error
		if err != nil {
			return err
		}
		var row models.Receipt
		err = tx.Select("id", "created_at").Where("execution_id = ?", next.ExecutionID).Take(&row).Error
		next.ID, next.CreatedAt = row.ID, row.CreatedAt
		return err
	})
	if err == nil {
		*receipt = next
	}
	return err
}

// Get returns the receipt of an execution, without its children. Errors: models.ErrInvalid for a
// blank id, models.ErrNotFound.
func (r *Receipts) Get(ctx context.Context, executionID string) (*models.Receipt, error) {
	if err := refuse.Blank(receiptsTable, "execution_id", executionID); err != nil {
		return nil, err
	}
	receipt, err := r.h.receipt(ctx, executionID)
	return receipt, found(err, receiptsTable, "execution_id", executionID)
}

// List returns one page of the selected receipts, newest first, and the cursor of the next
// page. Errors: models.ErrInvalid for an invalid filter or page.
func (r *Receipts) List(ctx context.Context, f ReceiptFilter) ([]models.Receipt, string, error) {
	return fetch[models.Receipt](r.filter(ctx, f), f.Page)
}

// All yields every selected receipt, newest first, in constant memory. f.Limit is the
// number of rows per statement. Errors: as List.
func (r *Receipts) All(ctx context.Context, f ReceiptFilter) iter.Seq2[models.Receipt, error] {
	return walk[models.Receipt](r.filter(ctx, f), f.Page)
}

// Failures returns List of the failed receipts. Errors: as List, and models.ErrInvalid for a
// filter with another status.
func (r *Receipts) Failures(ctx context.Context, f ReceiptFilter) ([]models.Receipt, string, error) {
	if f.Status != "" && f.Status != models.ReceiptFailed {
		return nil, "", refuse.Invalid(receiptsTable, "status", string(f.Status), "failures are failed")
	}
	f.Status = models.ReceiptFailed
	return r.List(ctx, f)
}

// LatestByAgent returns the newest receipt of an agent. Errors: models.ErrInvalid for a blank
// agent, models.ErrNotFound if it has none.
func (r *Receipts) LatestByAgent(ctx context.Context, agentID string) (*models.Receipt, error) {
	if err := refuse.Blank(receiptsTable, "agent_id", agentID); err != nil {
		return nil, err
	}
	rows, _, err := r.List(ctx, ReceiptFilter{AgentID: agentID, Page: Page{Limit: 1}})
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, refuse.NotFound(receiptsTable, "agent_id", agentID)
	}
	return &rows[0], nil
}

// Delete removes the receipt of an execution. Errors: models.ErrInvalid for a blank id,
// models.ErrNotFound, models.ErrForeignKey while it has metrics or violations.
func (r *Receipts) Delete(ctx context.Context, executionID string) error {
	err := r.h.existing(ctx, receiptsTable, "execution_id", executionID, func(db *gorm.DB) *gorm.DB { return db.Delete(&models.Receipt{}) })
	return blame(err, models.ErrForeignKey, receiptsTable, "execution_id", executionID, "still has metrics or violations")
}

func (r *Receipts) filter(ctx context.Context, f ReceiptFilter) list {
	l := r.h.list(ctx, &models.Receipt{}, "timestamp")
	// There are indexes for the receipts of one agent and for those of all, in this order.
	l.inOrder = f == ReceiptFilter{AgentID: f.AgentID, Since: f.Since, Until: f.Until, Page: f.Page}
	l.equal("agent_id", f.AgentID)
	oneOf(&l, "operation", f.Operation, models.Operations())
	oneOf(&l, "status", f.Status, models.ReceiptStatuses())
	l.equal("environment", f.Environment)
	l.equal("manifest_hash", f.ManifestHash)
	l.equal("ontology_hash", f.OntologyHash)
	l.between(f.Since, f.Until)
	return l
}
