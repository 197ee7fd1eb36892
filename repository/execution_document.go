package repository

import (
	"maps"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// stageDocument is a stage in a receipt's JSON.
type stageDocument struct {
	Status          models.StageStatus `json:"status"`
	DurationMS      int64              `json:"duration_ms"`
	InputSizeBytes  int64              `json:"input_size_bytes,omitempty"`
	OutputSizeBytes int64              `json:"output_size_bytes,omitempty"`
	Error           string             `json:"error,omitempty"`
}

// receiptDocument writes the run as ggen does, so that Import reads it again. Of a
// stage that was tried more than once it tells the last attempt.
func receiptDocument(r *run) (models.JSON, error) {
	stages := map[models.Stage]stageDocument{}
	for _, m := range r.metrics {
		stages[m.Stage] = stageDocument{m.Status, m.DurationMS, m.InputSizeBytes, m.OutputSizeBytes, m.ErrorMessage}
	}
	hashes := map[string]string{"manifest": r.receipt.ManifestHash, "ontology": r.receipt.OntologyHash}
	maps.DeleteFunc(hashes, func(_, hash string) bool { return hash == "" })
	type body struct {
		ExecutionID     string                         `json:"execution_id"`
		AgentID         string                         `json:"agent_id"`
		Operation       models.Operation               `json:"operation"`
		Status          models.ReceiptStatus           `json:"status"`
		Timestamp       models.Timestamp               `json:"timestamp"`
		Environment     string                         `json:"environment,omitempty"`
		Hashes          map[string]string              `json:"hashes"`
		FilesGenerated  int64                          `json:"files_generated"`
		FilesModified   int64                          `json:"files_modified"`
		PipelineStages  map[models.Stage]stageDocument `json:"pipeline_stages"`
		TotalDurationMS int64                          `json:"total_duration_ms"`
		Measurements    map[string]float64             `json:"measurements,omitempty"`
		Error           string                         `json:"error,omitempty"`
	}
	return models.JSONOf(map[string]body{"receipt": {
		ExecutionID: r.receipt.ExecutionID, AgentID: r.receipt.AgentID, Operation: r.receipt.Operation,
		Status: r.receipt.Status, Timestamp: r.receipt.Timestamp, Environment: r.receipt.Environment,
		Hashes: hashes, FilesGenerated: r.receipt.FilesGenerated, FilesModified: r.receipt.FilesModified,
		PipelineStages: stages, TotalDurationMS: r.receipt.DurationMS, Measurements: r.measured, Error: r.receipt.ErrorMessage,
	}})
}
