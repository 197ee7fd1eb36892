package ggen

import (
	"maps"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// stage is a stage in a receipt's JSON.
type stage struct {
	Status          models.StageStatus `json:"status"`
	DurationMS      int64              `json:"duration_ms"`
	InputSizeBytes  int64              `json:"input_size_bytes,omitempty"`
	OutputSizeBytes int64              `json:"output_size_bytes,omitempty"`
	Error           string             `json:"error,omitempty"`
}

// Document returns the run as a receipt that ReadReceipt reads. For a stage with several
// attempts it holds the last one.
func (r *Run) Document() (models.JSON, error) {
	stages := map[models.Stage]stage{}
	for _, m := range r.Metrics {
		stages[m.Stage] = stage{m.Status, m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes, m.ErrorMessage}
	}
	hashes := map[string]string{"manifest": r.Receipt.ManifestHash, "ontology": r.Receipt.OntologyHash}
	maps.DeleteFunc(hashes, func(_, hash string) bool { return hash == "" })
	type body struct {
		ExecutionID     string                 `json:"execution_id"`
		AgentID         string                 `json:"agent_id"`
		Operation       models.Operation       `json:"operation"`
		Status          models.ReceiptStatus   `json:"status"`
		Timestamp       models.Timestamp       `json:"timestamp"`
		Environment     string                 `json:"environment,omitempty"`
		Hashes          map[string]string      `json:"hashes"`
		FilesGenerated  int64                  `json:"files_generated"`
		FilesModified   int64                  `json:"files_modified"`
		PipelineStages  map[models.Stage]stage `json:"pipeline_stages"`
		TotalDurationMS int64                  `json:"total_duration_ms"`
		Measurements    map[string]float64     `json:"measurements,omitempty"`
		Error           string                 `json:"error,omitempty"`
	}
	return models.JSONOf(map[string]body{"receipt": {
		ExecutionID: r.Receipt.ExecutionID, AgentID: r.Receipt.AgentID, Operation: r.Receipt.Operation,
		Status: r.Receipt.Status, Timestamp: r.Receipt.Timestamp, Environment: r.Receipt.Environment,
		Hashes: hashes, FilesGenerated: r.Receipt.FilesGenerated, FilesModified: r.Receipt.FilesModified,
		PipelineStages: stages, TotalDurationMS: r.Receipt.DurationMS, Measurements: r.Measurements, Error: r.Receipt.ErrorMessage,
	}})
}
