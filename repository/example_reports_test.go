package repository_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// ran puts in executions of coder, a day after each other: build-1 passed, build-2 failed
// and missed a target. Their emit stages took 80 and 120 ms.
func ran(store *tier2.Store) {
	day := time.Date(2026, 1, 1, 8, 0, 0, 0, time.UTC)
	err := store.Receipts.CreateBatch(context.Background(), []*models.Receipt{
		{
			ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
			Timestamp: models.At(day), DurationMS: 100,
			Metrics: []models.PipelineMetric{{Stage: models.StageEmit, DurationMS: 80, Status: models.StagePassed}},
		},
		{
			ExecutionID: "build-2", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptFailed,
			Timestamp: models.At(day.AddDate(0, 0, 1)), DurationMS: 200,
			Metrics: []models.PipelineMetric{
				{Stage: models.StageNormalize, DurationMS: 10, Status: models.StagePassed},
				{Stage: models.StageEmit, DurationMS: 120, Status: models.StageFailed},
			},
			Violations: []models.SLOViolation{{
				Metric: repository.MetricFirstBuild, TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning,
			}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
}

func ExampleReports_RecentExecutions() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store) // build-1 passed, then build-2 failed

	recent, err := store.Reports.RecentExecutions(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range recent {
		fmt.Println(e.ExecutionID, e.Status, e.SLOViolations, "violations")
	}

	failures, err := store.Reports.RecentFailures(ctx, 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(failures), failures[0].ExecutionID)
	// Output:
	// build-2 failed 1 violations
	// build-1 passed 0 violations
	// 1 build-2
}

func ExampleReports_AgentPerformance() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	agents, err := store.Reports.AgentPerformance(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range agents {
		fmt.Println(a.AgentID, a.SuccessfulExecutions, "of", a.TotalExecutions, "passed, on average", a.AvgDurationMS, "ms")
	}
	// Output: coder 1 of 2 passed, on average 150 ms
}

func ExampleReports_StagePerformance() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	stages, err := store.Reports.StagePerformance(ctx) // in their order
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range stages {
		fmt.Println(s.Stage, s.AvgDurationMS)
	}

	stages, err = store.Reports.Bottlenecks(ctx) // the slowest first
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("slowest:", stages[0].Stage)
	// Output:
	// μ₁_normalize 10
	// μ₃_emit 100
	// slowest: μ₃_emit
}

func ExampleReports_StagePercentiles() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	stages, err := store.Reports.StagePercentiles(ctx, repository.ReportFilter{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range stages {
		fmt.Println(s.Stage, s.Count, s.P50MS, s.P95MS)
	}
	// Output:
	// μ₁_normalize 1 10 10
	// μ₃_emit 2 80 120
}

func ExampleReports_AgentPercentiles() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	agents, err := store.Reports.AgentPercentiles(ctx, repository.ReportFilter{}, 10) // at most 10 agents
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range agents {
		fmt.Println(a.AgentID, a.Passed, a.Failed, a.P50MS, a.MaxMS)
	}
	// Output: coder 1 1 100 200
}

func ExampleReports_Timeline() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	days, err := store.Reports.Timeline(ctx, repository.ReportFilter{}, 24*time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range days {
		fmt.Println(d.Start.Format(time.DateOnly), d.Passed, d.Failed)
	}
	// Output:
	// 2026-01-01 1 0
	// 2026-01-02 0 1
}

func ExampleReports_SLOs() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	slos, err := store.Reports.SLOs(ctx, repository.ReportFilter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range slos {
		if s.Missed > 0 {
			fmt.Println(s.Metric, s.Missed, "of", s.Executions, "worst", s.Worst, s.Unit)
		}
	}
	// Output: first_build 1 of 2 worst 20 s
}

func ExampleReports_ViolationsLastWeek() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	ran(store)

	violations, err := store.Reports.ViolationsLastWeek(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range violations {
		fmt.Println(v.Metric, v.ViolationCount, v.AvgValue)
	}
	// Output: first_build 1 20
}

func ExampleReports_CollisionMatrix() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	start(store, "swarm-1")
	collide(store, "reviewer", models.SeverityWarning)
	collide(store, "reviewer", models.SeverityCritical)
	collide(store, "tester", models.SeverityInfo)

	matrix, err := store.Reports.CollisionMatrix(ctx, repository.ReportFilter{}, 10) // at most 10 agents
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range matrix.Pairs {
		fmt.Println(p.AgentID1, p.AgentID2, p.Count)
	}

	summary, err := store.Reports.CollisionsLastDay(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(summary), "kinds on the last day")
	// Output:
	// coder reviewer 2
	// coder tester 1
	// 3 kinds on the last day
}

// Equal inputs that led to different outputs.
func ExampleReports_Drift() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()
	for i, output := range []string{"aa", "bb"} {
		err := store.Receipts.Create(ctx, &models.Receipt{
			ExecutionID: fmt.Sprint("build-", i+1), AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
			ManifestHash: strings.Repeat("1", 64), OntologyHash: strings.Repeat("2", 64),
			ReceiptJSON: models.JSON(`{"files_generated":[{"path":"main.rs","hash":"` + output + `"}]}`),
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	drifts, summary, err := store.Reports.Drift(ctx, repository.DriftFilter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, d := range drifts {
		for _, f := range d.Files {
			fmt.Println(f.Path, f.Hashes[0].Hash, f.Hashes[0].Executions, f.Hashes[1].Hash, f.Hashes[1].Executions)
		}
	}
	fmt.Println(summary.Compared, "executions compared")
	// Output:
	// main.rs bb [build-2] aa [build-1]
	// 2 executions compared
}
