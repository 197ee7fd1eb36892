package tier2test_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

// In your own tests t is the *testing.T, and needs no end.
func ExampleOpen() {
	t := &test{}
	defer t.end()

	store := tier2test.Open(t)
	tier2test.Save(t, store, tier2test.Receipt("build-1"), tier2test.PipelineMetric("build-1"))
	receipt, err := store.Receipts.Get(context.Background(), "build-1")

	fmt.Println(receipt.AgentID, receipt.Status, receipt.Timestamp, err)
	// Output: coder passed 2026-01-01T12:00:00.000000Z <nil>
}

// If TIER2_TEST_POSTGRES is unset, the test is skipped.
func ExampleOpenPostgres() {
	t := &test{}
	defer t.end()

	store := tier2test.OpenPostgres(t)
	tier2test.Save(t, store, tier2test.Receipt("build-1"))

	// To open the database yourself:
	dsn := tier2test.PostgresDSN(t)
	yours, err := tier2.Open(context.Background(), dsn)
	if err != nil {
		log.Fatal(err)
	}
	defer yours.Close()
}

// Each row sets only the fields that the test depends on.
func ExampleSave() {
	t := &test{}
	defer t.end()
	store := tier2test.Open(t)

	tier2test.Save(t, store,
		tier2test.Receipt("build-1", func(r *models.Receipt) { r.Status = models.ReceiptFailed }),
		tier2test.PipelineMetric("build-1"),
		tier2test.SLOViolation("build-1"),
		tier2test.WorkflowSession("swarm-1"),
		tier2test.Collision("swarm-1"),
		tier2test.AgentMemory("planner"),
		tier2test.AuditEntry("coder"),
	)
	failures, err := store.Reports.RecentFailures(context.Background(), 10)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(failures[0].ExecutionID, failures[0].SLOViolations)
	// Output: build-1 1
}

func ExampleClock() {
	t := &test{}
	defer t.end()
	clock := new(tier2test.Clock)
	store := tier2test.Open(t, tier2.WithClock(clock.Now))

	tier2test.Save(t, store, tier2test.WorkflowSession("swarm-1"))
	clock.Advance(3 * time.Second)
	session, err := store.Sessions.Finish(context.Background(), "swarm-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(*session.TotalDurationMS)
	// Output: 3000
}
