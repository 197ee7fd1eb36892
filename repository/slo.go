package repository

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The metrics of DefaultTargets, and MetricTriples, which decides whether
// MetricRDFProcessing is held to its target.
const (
	MetricFirstBuild       = "first_build"       // seconds
	MetricIncrementalBuild = "incremental_build" // seconds
	MetricRDFProcessing    = "rdf_processing"    // seconds
	MetricGenerationMemory = "generation_memory" // MB, the peak
	MetricCLIScaffolding   = "cli_scaffolding"   // seconds
	MetricTriples          = "triples"           // how many the ontology has
)

// Target is a service level objective: what a metric promises to stay within, and
// how far beyond it a measurement is a warning or critical. All three bounds are
// in Unit, and Target <= Warning <= Critical.
type Target struct {
	Metric   string
	Target   float64 // the promise; stored as target_value
	Warning  float64 // a violation is a measurement above it
	Critical float64 // and critical above this one
	Unit     string  // such as "s" or "MB"; "" if it has none
	// Scope and AtLeast limit the target to executions whose measurement Scope is
	// AtLeast or more. An empty Scope means every execution.
	Scope   string
	AtLeast float64
}

// DefaultTargets are ggen's own: first build 15 s, incremental build 2 s, RDF
// processing 5 s for 1,000 triples and more, generation memory 100 MB, CLI
// scaffolding 3 s. Beyond the target is a warning, beyond twice the target
// critical. The slice is the caller's to change.
func DefaultTargets() []Target {
	return []Target{
		{Metric: MetricFirstBuild, Target: 15, Warning: 15, Critical: 30, Unit: "s"},
		{Metric: MetricIncrementalBuild, Target: 2, Warning: 2, Critical: 4, Unit: "s"},
		{Metric: MetricRDFProcessing, Target: 5, Warning: 5, Critical: 10, Unit: "s", Scope: MetricTriples, AtLeast: 1000},
		{Metric: MetricGenerationMemory, Target: 100, Warning: 100, Critical: 200, Unit: "MB"},
		{Metric: MetricCLIScaffolding, Target: 3, Warning: 3, Critical: 6, Unit: "s"},
	}
}

// Violation compares one measurement with the target. It reports false if the
// target is met: the measurement is at most Warning, or not a number. The
// violation has no execution yet.
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

// Validate reports what makes the target unusable, as an *models.Error that wraps
// models.ErrInvalid: a blank metric, a bound that is not a finite number, bounds out of
// order.
func (t Target) Validate() error {
	refuse := func(column string, value any, reason string) error {
		return &models.Error{Table: "target", Column: column, Value: value, Reason: reason, Kind: models.ErrInvalid}
	}
	switch {
	case strings.TrimSpace(t.Metric) == "":
		return refuse("metric", t.Metric, "must not be blank")
	case !finite(t.Target) || !finite(t.Warning) || !finite(t.Critical) || !finite(t.AtLeast):
		return refuse("metric", t.Metric, "has a bound that is not a finite number")
	case t.Warning < t.Target:
		return refuse("warning", t.Warning, fmt.Sprintf("must not lie below the target %v of %s", t.Target, t.Metric))
	case t.Critical < t.Warning:
		return refuse("critical", t.Critical, fmt.Sprintf("must not lie below the warning bound %v of %s", t.Warning, t.Metric))
	}
	return nil
}

// violations are the targets that the measurements of one execution miss, in the
// order of the targets. A measurement without a target is no violation.
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

// checkTargets validates each target and refuses two for the same metric.
func checkTargets(targets []Target) error {
	seen := make(map[string]bool, len(targets))
	for _, t := range targets {
		if err := t.Validate(); err != nil {
			return err
		}
		if seen[t.Metric] {
			return &models.Error{Table: "target", Column: "metric", Value: t.Metric, Reason: "has two targets", Kind: models.ErrDuplicate}
		}
		seen[t.Metric] = true
	}
	return nil
}

// checkMeasurements refuses blank metrics and values that are not finite numbers.
func checkMeasurements(measured map[string]float64) error {
	for _, metric := range slices.Sorted(maps.Keys(measured)) {
		switch value := measured[metric]; {
		case strings.TrimSpace(metric) == "":
			return &models.Error{Table: "measurement", Column: "metric", Value: metric, Reason: "must not be blank", Kind: models.ErrInvalid}
		case !finite(value):
			return &models.Error{Table: "measurement", Column: metric, Value: value, Reason: "must be a finite number", Kind: models.ErrInvalid}
		}
	}
	return nil
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// quantity writes a value with its unit, and no more digits than it has.
func quantity(v float64, unit string) string {
	return strings.TrimSpace(strconv.FormatFloat(v, 'f', -1, 64) + " " + unit)
}
