package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// source generates receipts of a few agents, all of them different. Equal sources generate
// equal receipts.
type source struct {
	agents int
	n      int
	start  time.Time
}

func newSource(agents int) *source {
	return &source{agents: agents, start: time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)}
}

// receipt returns the next receipt of that agent, a millisecond after the one before.
func (s *source) receipt(agent int) *models.Receipt {
	s.n++
	at := s.start.Add(time.Duration(s.n) * time.Millisecond)
	return &models.Receipt{
		ExecutionID: fmt.Sprintf("0197f3a0-%04x-7%03x-8000-%012x", s.n>>12&0xffff, s.n&0xfff, s.n), AgentID: agentName(agent % s.agents),
		Operation: models.OperationGeneration, Status: models.ReceiptPassed, Timestamp: models.At(at), CreatedAt: at,
		ManifestHash: strings.Repeat("0123456789abcdef", 4), OntologyHash: strings.Repeat("fedcba9876543210", 4),
		FilesGenerated: int64(s.n % 20), DurationMS: int64(100 + s.n%900), Environment: "development",
		ReceiptJSON: models.JSON(fmt.Sprintf(`{"execution":%d,"files":["src/main.go","src/model.go"],"pipeline":{"μ₃_emit":{"status":"completed"}}}`, s.n)),
	}
}

func agentName(i int) string { return fmt.Sprintf("agent-%02d", i) }

// stages adds a metric per stage to a receipt.
func (s *source) stages(r *models.Receipt) {
	for i, stage := range models.Stages() {
		r.Metrics = append(r.Metrics, models.PipelineMetric{
			ExecutionID: r.ExecutionID, Stage: stage, Status: models.StagePassed, DurationMS: int64(10*i + s.n%10),
			InputSizeBytes: 4096, OutputSizeBytes: 8192, Timestamp: r.Timestamp, CreatedAt: r.CreatedAt,
		})
	}
}
