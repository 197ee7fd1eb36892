package repository_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Measurements that miss a target are stored; the others are not.
func ExampleViolations_Check() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1

	violations, err := store.Violations.Check(ctx, "build-1", repository.DefaultTargets(), map[string]float64{
		repository.MetricFirstBuild:       40, // s
		repository.MetricGenerationMemory: 80, // MB
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range violations {
		fmt.Println(v.Metric, v.ActualValue, "instead of", v.TargetValue, v.Severity)
	}

	stored, err := store.Violations.ByExecution(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(stored))
	// Output:
	// first_build 40 instead of 15 critical
	// 1
}

func ExampleViolations_Record() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1

	for _, actual := range []float64{120, 180} {
		err := store.Violations.Record(ctx, &models.SLOViolation{
			ExecutionID: "build-1", Metric: "queue_length", TargetValue: 100, ActualValue: actual, Severity: models.SeverityWarning,
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	summary, err := store.Violations.SummaryByMetric(ctx, time.Time{}, time.Time{}) // since and until: of all times
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range summary {
		fmt.Println(s.Metric, s.ViolationCount, s.AvgValue)
	}
	// Output: queue_length 2 150
}

// A target of your own.
func ExampleTarget() {
	target := repository.Target{Metric: "review", Target: 60, Warning: 90, Critical: 300, Unit: "s"}
	if err := target.Validate(); err != nil {
		log.Fatal(err)
	}
	for _, seconds := range []float64{75, 100, 400} {
		if violation, missed := target.Violation(seconds); missed {
			fmt.Println(seconds, violation.Severity)
		}
	}
	// Output:
	// 100 warning
	// 400 critical
}
