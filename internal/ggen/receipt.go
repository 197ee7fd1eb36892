// Package ggen reads the documents that ggen writes: receipts, records of its chained log,
// and the hashes of the files that a run generated. It turns bytes into models and makes
// no database call.
//
// Every error of a reader wraps models.ErrInvalid and names all faults of the document, up
// to 50.
package ggen

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Options supply the values that a document leaves out.
type Options struct {
	AgentID   string           // the agent of a document without one
	At        time.Time        // the time of a document without one
	Operation models.Operation // the operation of a document without one
	// Map translates the names of operations that are not in models.Operations.
	Map map[string]models.Operation
}

// Run holds the rows of one run of the pipeline. Rows are not prepared or validated.
type Run struct {
	Receipt      *models.Receipt
	Metrics      []models.PipelineMetric // in the order of the stages
	Measurements map[string]float64      // by metric, in the metric's unit
}

// Metrics that a receipt names in a field of its own, spelled as in package repository.
const (
	metricTriples          = "triples"
	metricGenerationMemory = "generation_memory"
)

// longestStage limits a duration in a receipt, in milliseconds (31 years). With longer
// durations the computed start of the next stage would overflow.
const longestStage = 1e12

// How ggen spells the two outcomes of a stage, and of a receipt.
var (
	passedWords = []string{"completed", "success", "passed"}
	failedWords = []string{"failed", "failure", "error"}
)

// ReadReceipt reads a receipt in either of the forms that ggen writes, bare or under
// "receipt". The run's ReceiptJSON is a copy of raw.
func ReadReceipt(raw []byte, opts Options) (*Run, error) {
	doc, err := readObject(raw)
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
		doc.faults.add(refuse.Invalid("", "", nil, reason))
		return nil, doc.faults.err()
	}
	receipt := &models.Receipt{
		ExecutionID: doc.required("execution_id"), AgentID: doc.text("agent_id", "agent"), Operation: operation(doc, "operation", opts),
		Environment: doc.text("environment"), ErrorMessage: doc.text("error_message", "error"), ReceiptJSON: slices.Clone(raw),
		ManifestHash: doc.text("manifest_hash"), OntologyHash: doc.text("ontology_hash"),
	}
	if receipt.AgentID = cmp.Or(receipt.AgentID, opts.AgentID); receipt.AgentID == "" {
		doc.refuse("agent_id", nil, "the receipt names no agent, and none was given (--agent)")
	}
	if !doc.has("timestamp") && !opts.At.IsZero() {
		receipt.Timestamp = models.At(opts.At)
	} else if at := doc.required("timestamp"); at != "" {
		if receipt.Timestamp, err = models.ParseTimestamp(at); err != nil {
			doc.refuse("timestamp", nil, err.Error())
		}
	}
	hashes, _ := doc.object("hashes")
	ontology, _ := doc.object("ontology")
	receipt.ManifestHash = cmp.Or(receipt.ManifestHash, hashes.text("manifest"))
	receipt.OntologyHash = cmp.Or(receipt.OntologyHash, hashes.text("ontology"), ontology.text("hash"))
	receipt.FilesGenerated = doc.length("files_generated")
	receipt.FilesModified = doc.length("files_modified")

	metrics := readStages(stages, receipt.Timestamp)
	statistics, _ := doc.object("statistics")
	receipt.DurationMS = duration(doc, statistics, metrics)
	receipt.Status = receiptStatus(doc, metrics)
	if receipt.ErrorMessage == "" && receipt.Status != models.ReceiptPassed {
		receipt.ErrorMessage = FirstFailure(metrics)
	}
	return &Run{receipt, metrics, measurements(doc, ontology, statistics)}, doc.faults.err()
}

// measurements reads the measurements of a receipt. The field "measurements" overrides the
// fields that have a name of their own.
func measurements(doc, ontology, statistics object) map[string]float64 {
	measured := map[string]float64{}
	add := func(metric string, in object, field string) {
		if v, ok := in.number(field); ok {
			measured[metric] = v
		}
	}
	add(metricTriples, ontology, "triples_count")
	add(metricTriples, statistics, "total_triples")
	add(metricGenerationMemory, statistics, "memory_peak_mb")
	own, _ := doc.object("measurements")
	for _, metric := range own.names() {
		add(metric, own, metric)
	}
	return measured
}

// operation returns the operation that the field names, translated by opts.Map.
func operation(doc object, field string, opts Options) models.Operation {
	name := doc.text(field)
	if name == "" {
		return opts.Operation
	}
	if mapped, ok := opts.Map[name]; ok {
		return mapped
	}
	doc.faults.add(refuse.Unknown("receipts", "operation", models.Operation(name), models.Operations()))
	return models.Operation(name)
}

// readStages returns one metric per stage, in the order of the pipeline. A stage begins
// when the stages before it have ended.
func readStages(stages object, began models.Timestamp) []models.PipelineMetric {
	for _, name := range stages.names() {
		stages.faults.add(refuse.Unknown("pipeline_metrics", "stage", models.Stage(name), models.Stages()))
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

// duration returns the total of the receipt in milliseconds, or the sum of its stages.
func duration(doc, statistics object, metrics []models.PipelineMetric) int64 {
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

// receiptStatus returns the status of the receipt, or derives it from the stages.
func receiptStatus(doc object, metrics []models.PipelineMetric) models.ReceiptStatus {
	switch word := doc.text("status"); {
	case models.ReceiptStatus(word).Valid():
		return models.ReceiptStatus(word)
	case slices.Contains(passedWords, word):
		return models.ReceiptPassed
	case slices.Contains(failedWords, word):
		return models.ReceiptFailed
	case word != "":
		doc.faults.add(refuse.Unknown("receipts", "status", models.ReceiptStatus(word), models.ReceiptStatuses()))
	case len(metrics) == 0:
		doc.refuse("status", nil, "is missing, and there is no stage to tell it from")
	case FirstFailure(metrics) != "":
		return models.ReceiptFailed
	}
	return models.ReceiptPassed
}

// FirstFailure returns the name and error of the first stage, in the order of the
// pipeline, whose last attempt failed. It returns "" if no stage failed.
func FirstFailure(metrics []models.PipelineMetric) string {
	for _, stage := range models.Stages() {
		last := models.PipelineMetric{}
		for _, m := range metrics {
			if m.Stage == stage {
				last = m
			}
		}
		if last.Status == models.StageFailed {
			return strings.TrimSuffix(string(stage)+": "+last.ErrorMessage, ": ")
		}
	}
	return ""
}

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

// Outputs maps the path of each file that an execution wrote to the hash in its receipt, as
// written there, or "" if the receipt has none.
type Outputs map[string]string

// ReadOutputs finds the outputs in a receipt's JSON, bare or under "receipt":
//
//   - "payload": {"outputs": {path: hash}}, as in ggen's chained log
//   - "files_generated" and "files_modified" as lists of {"path", "hash"}
//   - "files" as a list of paths (or of such objects), beside "hashes": {path: hash}
//
// Without "files", "hashes" are hashes of the inputs. With "files", the keys manifest and
// ontology still are, unless they are listed as files. ok reports whether the receipt
// holds the hash of at least one file; it is false for malformed documents.
func ReadOutputs(raw []byte) (_ Outputs, ok bool) {
	doc, err := readObject(raw)
	if err != nil {
		return nil, false
	}
	if inner, ok := doc.object("receipt"); ok {
		doc = inner
	}
	out := Outputs{}
	payload, _ := doc.object("payload")
	written, _ := payload.object("outputs")
	for path := range written.values {
		out.add(path, written.text(path))
	}
	for _, name := range []string{"files_generated", "files_modified", "files"} {
		out.addList(doc, name)
	}
	if _, raw, ok := doc.find("files"); ok && raw[0] == '[' {
		hashes, _ := doc.object("hashes")
		for path := range hashes.values {
			if _, named := out[path]; named || (path != "manifest" && path != "ontology") {
				out.add(path, hashes.text(path))
			}
		}
	}
	for _, hash := range out {
		ok = ok || hash != ""
	}
	return out, ok && doc.faults.err() == nil
}

// add adds a file. Of several hashes the first counts.
func (o Outputs) add(path, hash string) {
	if o[path] == "" {
		o[path] = hash
	}
}

// addList adds the files of a list. A field that is a count names no files.
func (o Outputs) addList(doc object, name string) {
	_, raw, ok := doc.find(name)
	if !ok || raw[0] != '[' {
		return
	}
	var elements []json.RawMessage
	_ = json.Unmarshal(raw, &elements) // the document is valid
	for _, element := range elements {
		file := object{path: doc.path + name + ".", values: map[string]json.RawMessage{"path": element}, faults: doc.faults}
		if element[0] == '{' {
			file, _ = object{values: map[string]json.RawMessage{name: element}, faults: doc.faults}.object(name)
		}
		if path := file.text("path"); path != "" {
			o.add(path, file.text("hash"))
		}
	}
}

// Digest returns a hash that is equal for equal outputs.
func (o Outputs) Digest() (sum [sha256.Size]byte) {
	var b []byte
	for _, path := range slices.Sorted(maps.Keys(o)) {
		for _, text := range []string{path, o[path]} {
			b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
		}
	}
	return sha256.Sum256(b)
}
