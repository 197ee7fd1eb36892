package repository

import (
	"slices"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// longestStage bounds a duration in a receipt, in milliseconds (31 years): beyond
// it, times that are reckoned from durations would overflow.
const longestStage = 1e12

// How ggen spells the two ends of a stage, and of a receipt.
var (
	passedWords = []string{"completed", "success", "passed"}
	failedWords = []string{"failed", "failure", "error"}
)

// readReceipt makes a run of a receipt's JSON, or reports everything that is wrong.
func readReceipt(raw []byte, opts ImportOptions) (*run, error) {
	doc, err := readDocument(raw)
	if err != nil {
		return nil, err
	}
	if inner, ok := doc.object("receipt"); ok {
		doc = inner
	}
	stages, ok := doc.object("pipeline_stages", "pipeline")
	if !ok {
		reason := `is no ggen receipt: it has neither "pipeline_stages" nor "pipeline"`
		if record, ok := doc.object("record"); ok && record.text("chain_hash_hex") != "" {
			reason = "is a record of ggen's chained log, which ImportLog (tier2 import ggen-log) reads"
		}
		doc.faults.add(invalid("", "", nil, reason))
		return nil, doc.faults.err()
	}
	receipt := &models.Receipt{
		ExecutionID: doc.required("execution_id"), AgentID: doc.text("agent_id", "agent"), Operation: operation(doc, "operation", opts),
		Environment: doc.text("environment"), ErrorMessage: doc.text("error_message", "error"), ReceiptJSON: slices.Clone(raw),
		ManifestHash: doc.text("manifest_hash"), OntologyHash: doc.text("ontology_hash"),
	}
	if receipt.AgentID == "" {
		receipt.AgentID = opts.Agent
	}
	if receipt.AgentID == "" {
		doc.refuse("agent_id", nil, "the receipt names no agent, and none was given (--agent)")
	}
	if _, _, ok := doc.find([]string{"timestamp"}); !ok && !opts.At.IsZero() {
		receipt.Timestamp = models.At(opts.At)
	} else if at := doc.required("timestamp"); at != "" {
		if receipt.Timestamp, err = models.ParseTimestamp(at); err != nil {
			doc.refuse("timestamp", nil, err.Error())
		}
	}
	hashes, _ := doc.object("hashes")
	ontology, _ := doc.object("ontology")
	receipt.ManifestHash = first(receipt.ManifestHash, hashes.text("manifest"))
	receipt.OntologyHash = first(receipt.OntologyHash, hashes.text("ontology"), ontology.text("hash"))
	receipt.FilesGenerated, _ = doc.length("files_generated")
	receipt.FilesModified, _ = doc.length("files_modified")

	metrics := readStages(stages, receipt.Timestamp)
	statistics, _ := doc.object("statistics")
	receipt.DurationMS = duration(doc, statistics, metrics)
	receipt.Status = receiptStatus(doc, metrics)
	if failure := firstFailure(metrics); receipt.ErrorMessage == "" && receipt.Status != models.ReceiptPassed {
		receipt.ErrorMessage = failure
	}
	measured := map[string]float64{}
	for _, source := range []struct {
		from   document
		name   string
		metric string
	}{
		{ontology, "triples_count", MetricTriples}, {statistics, "total_triples", MetricTriples},
		{statistics, "memory_peak_mb", MetricGenerationMemory},
	} {
		if v, ok := source.from.number(source.name); ok {
			measured[source.metric] = v
		}
	}
	readMeasurements(doc, measured)
	return &run{receipt: receipt, metrics: metrics, targets: opts.Targets, measured: measured}, doc.faults.err()
}

// readMeasurements reads what Finish wrote among a receipt's own measurements.
func readMeasurements(doc document, measured map[string]float64) {
	own, _ := doc.object("measurements")
	for metric := range own.values {
		if v, ok := own.number(metric); ok {
			measured[metric] = v
		}
	}
}

// operation is what the field names, once translated; the default if it is not there.
func operation(doc document, field string, opts ImportOptions) models.Operation {
	name := doc.text(field)
	if name == "" {
		return opts.Operation
	}
	if mapped, ok := opts.Map[name]; ok {
		return mapped
	}
	if !models.Operation(name).Valid() {
		doc.faults.add(notAllowed("receipts", "operation", models.Operation(name), models.Operations()))
	}
	return models.Operation(name)
}

// readStages makes a metric of each stage, in the pipeline's order; each begins when
// those before it have ended.
func readStages(stages document, began models.Timestamp) []models.PipelineMetric {
	for _, name := range stages.names() {
		if !models.Stage(name).Valid() {
			stages.faults.add(notAllowed("pipeline_metrics", "stage", models.Stage(name), models.Stages()))
		}
	}
	metrics := []models.PipelineMetric{}
	for _, stage := range models.Stages() {
		s, ok := stages.object(string(stage))
		if !ok {
			continue
		}
		m := models.PipelineMetric{Stage: stage, Timestamp: began, ErrorMessage: s.text("error_message", "error")}
		switch word := s.required("status"); {
		case slices.Contains(passedWords, word):
			m.Status = models.StagePassed
		case slices.Contains(failedWords, word):
			m.Status = models.StageFailed
		case word != "":
			s.refuse("status", word, "is not an allowed value", append(slices.Clone(passedWords), failedWords...)...)
		}
		var timed bool
		if m.DurationMS, timed = s.count("duration_ms"); !timed {
			s.refuse("duration_ms", nil, "is missing")
		}
		m.InputSizeBytes, _ = s.count("input_size_bytes")
		m.OutputSizeBytes, _ = s.count("output_size_bytes")
		if m.DurationMS > longestStage {
			s.refuse("duration_ms", m.DurationMS, "is too long for a stage")
			m.DurationMS = 0
		}
		began = models.At(began.Add(time.Duration(m.DurationMS) * time.Millisecond))
		metrics = append(metrics, m)
	}
	return metrics
}

// duration is the receipt's own total in milliseconds, or the sum of its stages.
func duration(doc, statistics document, metrics []models.PipelineMetric) int64 {
	if ms, ok := doc.count("total_duration_ms", "duration_ms"); ok {
		return ms
	}
	if ms, ok := statistics.count("total_duration_ms"); ok {
		return ms
	}
	sum := int64(0)
	for _, m := range metrics {
		sum += m.DurationMS
	}
	return sum
}

// receiptStatus is what the receipt says, or what its stages say.
func receiptStatus(doc document, metrics []models.PipelineMetric) models.ReceiptStatus {
	switch word := doc.text("status"); {
	case models.ReceiptStatus(word).Valid():
		return models.ReceiptStatus(word)
	case slices.Contains(passedWords, word):
		return models.ReceiptPassed
	case slices.Contains(failedWords, word):
		return models.ReceiptFailed
	case word != "":
		doc.faults.add(notAllowed("receipts", "status", models.ReceiptStatus(word), models.ReceiptStatuses()))
	case len(metrics) == 0:
		doc.refuse("status", nil, "is missing, and there is no stage to tell it from")
	case firstFailure(metrics) != "":
		return models.ReceiptFailed
	}
	return models.ReceiptPassed
}

// first is the first text that is not empty.
func first(texts ...string) string {
	for _, s := range texts {
		if s != "" {
			return s
		}
	}
	return ""
}
