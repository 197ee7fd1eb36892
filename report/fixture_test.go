package report

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// hostile lists names that have an effect unless they are treated as text. The override
// changes the direction of the following text; the last name has the maximum length.
var hostile = []string{
	"<script>alert(1)</script>",
	`</script><img src=x onerror=alert(1)>`,
	`"'><svg onload=alert(1)> {{.}} ${1} {b|c}`,
	"line\u2028break\u2029\r\nand <!-- comment",
	"\u202egnp.exe\u202c",
	strings.Repeat("ñ", models.MaxKeyBytes/2),
}

var fixtureDay = time.Date(2026, 1, 26, 12, 0, 0, 0, time.UTC) // a Monday

// fill writes receipts of each status on three days to a store, with stages, violations,
// collisions and drift: one per hostile name, and 7 of coder.
func fill(t testing.TB, store *tier2.Store) {
	ctx := context.Background()
	var receipts []*models.Receipt
	add := func(id, agent string, status models.ReceiptStatus, ms int64) *models.Receipt {
		r := &models.Receipt{ExecutionID: id, AgentID: agent, Operation: models.OperationGeneration, Status: status,
			Timestamp: models.At(fixtureDay.Add(time.Duration(len(receipts)) * 6 * time.Hour)), DurationMS: ms}
		for i, stage := range models.Stages() {
			r.Metrics = append(r.Metrics, models.PipelineMetric{Stage: stage, Status: models.StagePassed, DurationMS: ms / 10 * int64(i+1)})
		}
		receipts = append(receipts, r)
		return r
	}
	for i, name := range hostile {
		r := add("run "+name[:min(len(name), 900)], name, models.ReceiptFailed, 100)
		r.ErrorMessage = "broke: " + name
		r.Violations = []models.SLOViolation{{Metric: name, TargetValue: 2, ActualValue: float64(3 + i), Severity: models.SeverityWarning}}
	}
	for i, status := range append(models.ReceiptStatuses(), models.ReceiptPassed, models.ReceiptPassed, models.ReceiptPassed) {
		r := add(fmt.Sprintf("run-%d", i), "coder", status, int64(1000*(i+1)))
		if status == models.ReceiptPassed {
			r.ManifestHash, r.OntologyHash = strings.Repeat("01", 32), strings.Repeat("0a", 32)
			r.ReceiptJSON = models.JSON(fmt.Sprintf(`{"files_generated":[{"path":"<b>%d</b>.rs","hash":"%s"},{"path":"a.rs","hash":"%s"}]}`, i, hostile[0], strings.Repeat(fmt.Sprint(i%2), 64)))
		}
	}
	require.NoError(t, store.Receipts.CreateBatch(ctx, receipts))
	require.NoError(t, store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "s"}))
	for i, name := range hostile {
		for range i + 1 {
			require.NoError(t, store.Collisions.Report(ctx, &models.Collision{SessionID: "s", AgentID1: name, AgentID2: "coder",
				CollisionType: models.FileConflict, Severity: models.SeverityCritical, Description: "both wrote it"}))
		}
	}
}

// filled returns the data of a filled store, which tests must not change.
var filled = sync.OnceValues(func() (*Data, error) {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		return nil, err
	}
	defer store.Close()
	fill(panics{}, store)
	return Gather(ctx, store, Options{Title: hostile[0]})
})

// panics is a testing.TB for fixtures that all tests share.
type panics struct{ testing.TB }

func (panics) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (panics) FailNow()                          { panic("failed") }
func (panics) Helper()                           {}
