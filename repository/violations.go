package repository

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const violationsTable = "slo_violations"

// Violations reads and writes the table slo_violations.
type Violations struct{ h handle }

// ViolationSummary counts the violations of one metric.
type ViolationSummary struct {
	Metric         string
	ViolationCount int64
	AvgValue       float64 // the average of actual_value, in the metric's unit
}

// Record writes one violation and sets its id and empty defaults. Errors:
// models.ErrInvalid; models.ErrForeignKey if no receipt has its execution_id.
func (v *Violations) Record(ctx context.Context, violation *models.SLOViolation) error {
	if violation == nil {
		return refuse.Invalid(violationsTable, "", nil, "must not be nil")
	}
	err := insert(ctx, v.h, violation)
	return blame(err, models.ErrForeignKey, violationsTable, "execution_id", violation.ExecutionID, "no receipt has that id")
}

// Check compares measurements, by metric, with the targets of the same metrics. It writes
// and returns the violations, in the order of the targets. It ignores a measurement without
// a target. Errors: models.ErrInvalid for an invalid target or measurement;
// models.ErrDuplicate for two targets of one metric; models.ErrNotFound if no receipt has
// that execution_id.
func (v *Violations) Check(
	ctx context.Context, executionID string, targets []Target, measurements map[string]float64,
) ([]models.SLOViolation, error) {
	if err := checkTargets(targets); err != nil {
		return nil, err
	}
	if err := checkMeasurements(measurements); err != nil {
		return nil, err
	}
	var missed []models.SLOViolation
	err := v.h.transaction(ctx, func(tx *gorm.DB) error {
		inside := v.h.in(tx)
		if _, err := (&Receipts{inside}).Get(ctx, executionID); err != nil {
			return err
		}
		missed = violations(targets, measurements)
		rows := make([]*models.SLOViolation, len(missed))
		for i := range missed {
			missed[i].ExecutionID = executionID
			rows[i] = &missed[i]
		}
		return insert(ctx, inside, rows...)
	})
	if err != nil {
		return nil, err
	}
	return missed, nil
}

// ByExecution returns every violation of an execution, oldest first. Errors:
// models.ErrInvalid for a blank id.
func (v *Violations) ByExecution(ctx context.Context, executionID string) ([]models.SLOViolation, error) {
	return children[models.SLOViolation](v.h.read(ctx), violationsTable, "execution_id", executionID, "timestamp, id")
}

// SummaryByMetric counts the violations with since <= timestamp < until by metric, the
// largest count first. A zero time is no bound. Errors: models.ErrInvalid if until lies
// before since.
func (v *Violations) SummaryByMetric(ctx context.Context, since, until time.Time) ([]ViolationSummary, error) {
	l := v.h.list(ctx, &models.SLOViolation{}, "timestamp")
	l.between(since, until)
	if l.err != nil {
		return nil, l.err
	}
	return find[ViolationSummary](l.db.Select("metric, COUNT(*) AS violation_count, AVG(actual_value) AS avg_value").Group("metric").
		Order("violation_count DESC, metric"))
}

// The metrics of DefaultTargets, and MetricTriples, which decides whether the target of
// MetricRDFProcessing applies.
const (
	MetricFirstBuild       = "first_build"       // seconds
	MetricIncrementalBuild = "incremental_build" // seconds
	MetricRDFProcessing    = "rdf_processing"    // seconds
	MetricGenerationMemory = "generation_memory" // MB, the peak
	MetricCLIScaffolding   = "cli_scaffolding"   // seconds
	MetricTriples          = "triples"           // number of triples in the ontology
)

// Target is a service level objective of one metric. Target, Warning and Critical are in
// Unit, and Target <= Warning <= Critical.
type Target struct {
	Metric   string
	Target   float64 // the objective; stored as target_value
	Warning  float64 // a measurement above it is a violation
	Critical float64 // a measurement above it is a critical violation
	Unit     string  // such as "s" or "MB"; "" if the metric has none
	// Scope and AtLeast limit the target to executions whose measurement of the metric
	// Scope is AtLeast or more. An empty Scope means every execution.
	Scope   string
	AtLeast float64
}

// DefaultTargets returns the targets of ggen: first build 15 s, incremental build 2 s, RDF
// processing 5 s for 1,000 triples or more, generation memory 100 MB, CLI scaffolding 3 s.
// A measurement above the target is a warning; above twice the target it is critical. The
// caller may change the slice.
func DefaultTargets() []Target {
	return []Target{
		{Metric: MetricFirstBuild, Target: 15, Warning: 15, Critical: 30, Unit: "s"},
		{Metric: MetricIncrementalBuild, Target: 2, Warning: 2, Critical: 4, Unit: "s"},
		{Metric: MetricRDFProcessing, Target: 5, Warning: 5, Critical: 10, Unit: "s", Scope: MetricTriples, AtLeast: 1000},
		{Metric: MetricGenerationMemory, Target: 100, Warning: 100, Critical: 200, Unit: "MB"},
		{Metric: MetricCLIScaffolding, Target: 3, Warning: 3, Critical: 6, Unit: "s"},
	}
}

// Violation compares one measurement with the target and returns a violation without an
// execution. It reports false if the target is met: the measurement is at most Warning, or
// NaN.
func (t Target) Violation(actual float64) (models.SLOViolation, bool) {
	v := models.SLOViolation{Metric: t.Metric, TargetValue: t.Target, ActualValue: actual}
	switch {
	case actual > t.Critical:
		v.Severity = models.SeverityCritical
	case actual > t.Warning:
		v.Severity = models.SeverityWarning
	default:
		return models.SLOViolation{}, false
	}
	v.Description = fmt.Sprintf("%s is %s, target %s", t.Metric, quantity(actual, t.Unit), quantity(t.Target, t.Unit))
	return v, true
}

// Validate returns an error if the target is unusable. Errors: models.ErrInvalid for a
// blank metric, a bound that is not a finite number, and bounds out of order.
func (t Target) Validate() error {
	switch {
	case strings.TrimSpace(t.Metric) == "":
		return refuse.Invalid("target", "metric", t.Metric, "must not be blank")
	case !finite(t.Target) || !finite(t.Warning) || !finite(t.Critical) || !finite(t.AtLeast):
		return refuse.Invalid("target", "metric", t.Metric, "has a bound that is not a finite number")
	case t.Warning < t.Target:
		return refuse.Invalid("target", "warning", t.Warning, fmt.Sprintf("must not lie below the target %v of %s", t.Target, t.Metric))
	case t.Critical < t.Warning:
		return refuse.Invalid("target", "critical", t.Critical,
			fmt.Sprintf("must not lie below the warning bound %v of %s", t.Warning, t.Metric))
	}
	return nil
}

// violations returns the violations of one execution's measurements, in the order of the
// targets.
func violations(targets []Target, measured map[string]float64) []models.SLOViolation {
	var found []models.SLOViolation
	for _, t := range targets {
		actual, ok := measured[t.Metric]
		if !ok || (t.Scope != "" && measured[t.Scope] < t.AtLeast) {
			continue
		}
		if v, missed := t.Violation(actual); missed {
			found = append(found, v)
		}
	}
	return found
}

// checkTargets validates each target and rejects two targets of one metric.
func checkTargets(targets []Target) error {
	seen := make(map[string]bool, len(targets))
	for _, t := range targets {
		if err := t.Validate(); err != nil {
			return err
		}
		if seen[t.Metric] {
			return failure(models.ErrDuplicate, "target", "metric", t.Metric, "has two targets")
		}
		seen[t.Metric] = true
	}
	return nil
}

// checkMeasurements rejects blank metrics and values that are not finite numbers.
func checkMeasurements(measured map[string]float64) error {
	for _, metric := range slices.Sorted(maps.Keys(measured)) {
		switch value := measured[metric]; {
		case strings.TrimSpace(metric) == "":
			return refuse.Invalid("measurement", "metric", metric, "must not be blank")
		case !finite(value):
			return refuse.Invalid("measurement", metric, value, "must be a finite number")
		}
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// quantity formats a value with its unit, in as few digits as it needs.
func quantity(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
}
