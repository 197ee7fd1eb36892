package repository

import (
	"context"
	"errors"
	"maps"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// run is one finished execution, before it is written.
type run struct {
	receipt  *models.Receipt
	metrics  []models.PipelineMetric
	targets  []Target
	measured map[string]float64
}

// prepare fills and validates every row, before any SQL.
func (r *run) prepare(now time.Time) error {
	schema.Prepare(r.receipt, now)
	errs := []error{r.receipt.Validate(), checkMeasurements(r.measured)}
	for i := range r.metrics {
		r.metrics[i].ExecutionID = r.receipt.ExecutionID
		schema.Prepare(&r.metrics[i], now)
		errs = append(errs, r.metrics[i].Validate())
	}
	return errors.Join(errs...)
}

// write creates the receipt, its metrics and its violations, and sets the latter two in the
// receipt. It may be repeated after its transaction was undone.
func (r *run) write(ctx context.Context, h handle, now time.Time) error {
	measured, err := r.measure(h.Write)
	if err != nil {
		return err
	}
	missed := violations(r.targets, measured)
	for i := range missed {
		schema.Prepare(&missed[i], now)
	}
	r.receipt.ID, r.receipt.Metrics, r.receipt.Violations = 0, r.metrics, missed
	for i := range r.metrics {
		r.metrics[i].ID = 0
	}
	return (&Receipts{h}).create(ctx, r.receipt)
}

// measure returns the measurements and those that follow from the timings: the time of RDF
// processing (normalize and extract) and, for a generation, that of the first or incremental
// build.
func (r *run) measure(tx *gorm.DB) (map[string]float64, error) {
	measured := maps.Clone(r.measured)
	rdf := int64(0)
	for _, m := range r.metrics {
		if m.Stage == models.StageNormalize || m.Stage == models.StageExtract {
			rdf += m.DurationMS
		}
	}
	if _, ok := measured[MetricRDFProcessing]; !ok {
		measured[MetricRDFProcessing] = seconds(rdf)
	}
	_, first := measured[MetricFirstBuild]
	_, incremental := measured[MetricIncrementalBuild]
	if first || incremental || r.receipt.Operation != models.OperationGeneration {
		return measured, nil
	}
	built, err := builtBefore(tx, r.receipt)
	metric := MetricFirstBuild
	if built {
		metric = MetricIncrementalBuild
	}
	measured[metric] = seconds(r.receipt.DurationMS)
	return measured, err
}

// recentBuilds limits how many receipts builtBefore reads, so that the cost of a save does not
// depend on the length of the history.
const recentBuilds = 100

// builtBefore reports whether the agent's newest receipts before this one include a passed
// generation from the same manifest. Without a manifest hash the build counts as a first one,
// which has the wider target.
func builtBefore(tx *gorm.DB, receipt *models.Receipt) (bool, error) {
	if receipt.ManifestHash == "" {
		return false, nil
	}
	recent := tx.Session(&gorm.Session{NewDB: true}).Model(&models.Receipt{}).
		Select("manifest_hash, operation, status").
		Where("agent_id = ? AND timestamp < ?", receipt.AgentID, receipt.Timestamp).
		Order("timestamp DESC").Limit(recentBuilds)
	var n int64
	err := tx.Table("(?) AS recent", recent).
		Where("manifest_hash = ? AND operation = ? AND status = ?", receipt.ManifestHash, models.OperationGeneration, models.ReceiptPassed).
		Count(&n).Error
	return n > 0, err
}

func seconds(ms int64) float64 { return float64(ms) / 1000 }
