package repository

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

func TestTarget_Violation(t *testing.T) {
	t.Parallel()
	target := Target{Metric: "build", Target: 2, Warning: 3, Critical: 4, Unit: "s"}
	for name, tt := range map[string]struct {
		actual float64
		want   models.Severity
	}{
		"Met":        {actual: 1.5},
		"AtTarget":   {actual: 2},
		"AtWarning":  {actual: 3},
		"Warning":    {actual: 3.1, want: models.SeverityWarning},
		"AtCritical": {actual: 4, want: models.SeverityWarning},
		"Critical":   {actual: 4.5, want: models.SeverityCritical},
		"NaN":        {actual: math.NaN()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, missed := target.Violation(tt.actual)
			require.Equal(t, tt.want != "", missed)
			assert.Equal(t, tt.want, got.Severity)
			if missed {
				assert.Equal(t, "build", got.Metric)
				assert.Equal(t, 2.0, got.TargetValue)
				assert.Equal(t, tt.actual, got.ActualValue)
				assert.Contains(t, got.Description, "target 2 s")
			}
		})
	}
}

func TestDefaultTargets(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkTargets(DefaultTargets()))
	for name, tt := range map[string]struct {
		measured map[string]float64
		want     []string
	}{
		"AllMet": {measured: map[string]float64{
			MetricFirstBuild: 15, MetricIncrementalBuild: 2, MetricRDFProcessing: 5, MetricTriples: 1000,
			MetricGenerationMemory: 100, MetricCLIScaffolding: 3,
		}},
		"AllMissed": {
			measured: map[string]float64{
				MetricFirstBuild: 15.001, MetricIncrementalBuild: 2.001, MetricRDFProcessing: 5.001, MetricTriples: 1000,
				MetricGenerationMemory: 100.1, MetricCLIScaffolding: 3.001,
			},
			want: []string{MetricFirstBuild, MetricIncrementalBuild, MetricRDFProcessing, MetricGenerationMemory, MetricCLIScaffolding},
		},
		"FewTriples":     {measured: map[string]float64{MetricRDFProcessing: 60, MetricTriples: 999}},
		"UnknownTriples": {measured: map[string]float64{MetricRDFProcessing: 60}},
		"NoTarget":       {measured: map[string]float64{"cups_of_tea": 12}},
		"NotMeasured":    {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, v := range violations(DefaultTargets(), tt.measured) {
				assert.Equal(t, models.SeverityWarning, v.Severity)
				got = append(got, v.Metric)
			}
			assert.Equal(t, tt.want, got)
		})
	}
}

func TestCheckTargets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		targets []Target
		want    error
	}{
		"OK":          {targets: []Target{{Metric: "a"}, {Metric: "b"}}},
		"ErrBlank":    {targets: []Target{{Metric: " "}}, want: models.ErrInvalid},
		"ErrNaN":      {targets: []Target{{Metric: "a", Critical: math.NaN()}}, want: models.ErrInvalid},
		"ErrWarning":  {targets: []Target{{Metric: "a", Target: 2, Warning: 1, Critical: 3}}, want: models.ErrInvalid},
		"ErrCritical": {targets: []Target{{Metric: "a", Target: 2, Warning: 3, Critical: 2}}, want: models.ErrInvalid},
		"ErrTwice":    {targets: []Target{{Metric: "a"}, {Metric: "a"}}, want: models.ErrDuplicate},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.ErrorIs(t, checkTargets(tt.targets), tt.want)
		})
	}
	assert.ErrorIs(t, checkMeasurements(map[string]float64{"a": math.Inf(1)}), models.ErrInvalid)
	assert.ErrorIs(t, checkMeasurements(map[string]float64{" ": 1}), models.ErrInvalid)
	assert.NoError(t, checkMeasurements(map[string]float64{"a": 1}))
}
