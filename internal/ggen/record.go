package ggen

import (
	"bufio"
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The two schemas of a record. ggen omits the name of the first.
const (
	schemaV1 = "ggen-receipt/v1"
	schemaV2 = "ggen-receipt/v2"
)

// ggenSync is the activity of the records that "ggen sync" appends to its log.
const ggenSync = "ggen.sync"

// Lines scans the lines of a log, of at most maxBytes bytes each without the end of the
// line. If the reader fails, the incomplete last line is dropped, even if it looks whole.
func Lines(log io.Reader, maxBytes int) *bufio.Scanner {
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, min(maxBytes, math.MaxInt-len("\r\n"))+len("\r\n"))
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) {
		if atEOF && lines.Err() != nil && bytes.IndexByte(data, '\n') < 0 {
			return len(data), nil, nil
		}
		return bufio.ScanLines(data, atEOF)
	})
	return lines
}

// Record is a line of ggen's log:
//
//	{"record": {"version": 1, "activity", "ts_ns", "payload_hash_hex", "prev_chain_hash_hex", "chain_hash_hex", "andon",
//	  "schema", "v2": {"admission", "andon"}},
//	 "payload": {"graph_hash", "outputs": {path: hash}, "decisions": {path: "written"}, "closure": {input: hash}}}
type Record struct {
	Hash     string // chain_hash_hex
	Previous string // prev_chain_hash_hex
	raw      []byte
	doc      object
	record   object
}

// ReadRecord reads the hashes that link a record to its log. Run reads the rest.
func ReadRecord(raw []byte) (*Record, error) {
	doc, err := readObject(raw)
	if err != nil {
		return nil, err
	}
	record, ok := doc.object("record")
	if !ok {
		return nil, refuse.Invalid("", "", nil, `is no record of ggen's log: it has no "record"`)
	}
	previous, hash := record.hash("prev_chain_hash_hex"), record.hash("chain_hash_hex")
	return &Record{hash, previous, raw, doc, record}, doc.faults.err()
}

// Untimed reports whether ts_ns is 0. ggen writes 0 so that equal runs give equal records.
func (r *Record) Untimed() bool {
	n, err := strconv.ParseInt(string(r.record.values["ts_ns"]), 10, 64)
	return err == nil && n == 0 // also for -0
}

// Run reads the record as a run without stages and measurements. ReceiptJSON is a copy of
// the line.
//
// The manifest's hash is the hash of all inputs, not of ggen.toml alone, which some records
// do not name. An edited template then counts as other inputs, not as drift.
func (r *Record) Run(opts Options) (*Run, error) {
	receipt := &models.Receipt{
		ExecutionID: r.Hash, AgentID: opts.AgentID, Operation: opts.Operation, Timestamp: models.At(opts.At), ReceiptJSON: slices.Clone(r.raw),
	}
	r.checkSchema()
	r.record.hash("payload_hash_hex")
	if r.record.text("activity") != ggenSync || opts.Map[ggenSync] != "" {
		receipt.Operation = operation(r.record, "activity", opts)
	}
	if at := r.record.nanoseconds("ts_ns"); at > 0 {
		receipt.Timestamp = models.At(time.Unix(0, at))
	}
	receipt.DurationMS, _ = r.record.count("duration_ms")
	for _, unused := range []string{"instruction_id", "activity_idx", "node_kind", "obligation_count"} {
		r.record.count(unused)
	}
	receipt.Status, receipt.ErrorMessage = r.status()

	payload, ok := r.doc.object("payload")
	if !ok {
		r.doc.refuse("payload", nil, "is missing")
		return nil, r.doc.faults.err()
	}
	if graph := payload.required("graph_hash"); isHash(graph) {
		receipt.OntologyHash = graph
	}
	if outputs, ok := payload.object("outputs"); !ok {
		payload.refuse("outputs", nil, "is missing")
	} else {
		outputs.texts()
	}
	receipt.FilesGenerated, receipt.FilesModified = countDecisions(payload)
	if closure, _ := payload.object("closure"); len(closure.values) > 0 {
		receipt.ManifestHash = digest(closure.texts())
	}
	return &Run{Receipt: receipt, Measurements: map[string]float64{}}, r.doc.faults.err()
}

// digest returns the SHA-256 of texts as one JSON object with sorted keys and without spaces.
func digest(texts map[string]string) string {
	doc, _ := schema.EncodeJSON(texts) // texts always encode
	sum := sha256.Sum256([]byte(doc))
	return hex.EncodeToString(sum[:])
}

// checkSchema rejects records of an unknown schema.
func (r *Record) checkSchema() {
	if raw := string(r.record.values["version"]); raw != "1" {
		r.record.refuse("version", raw, "is not an allowed value", "1")
	}
	name := cmp.Or(r.record.text("schema"), schemaV1)
	switch {
	case name != schemaV1 && name != schemaV2:
		r.record.refuse("schema", name, "is not an allowed value", schemaV1, schemaV2)
	case r.record.has("v2") != (name == schemaV2):
		r.record.refuse("v2", nil, fmt.Sprintf("must be there if the schema is %s, and only then", schemaV2))
	}
}

// countDecisions counts the files that were written whole, and the files that something
// was injected into. A decision may end in a reason after a colon or semicolon.
func countDecisions(payload object) (written, injected int64) {
	decisions, _ := payload.object("decisions")
	texts := decisions.texts()
	for _, path := range decisions.names() {
		word, _, _ := strings.Cut(strings.ReplaceAll(texts[path], ";", ":"), ":")
		switch word {
		case "written":
			written++
		case "injected":
			injected++
		case "skipped":
		default:
			decisions.refuse(path, texts[path], "is not an allowed value", "written", "injected", "skipped")
		}
	}
	return written, injected
}

// andons translates the andon of a record: a light, or its name in version 1.
var andons = map[string]models.ReceiptStatus{
	"Green": models.ReceiptPassed, "Yellow": models.ReceiptPartial, "Red": models.ReceiptFailed,
	"Overridden": models.ReceiptPartial, "Halted": models.ReceiptFailed,
}

// status returns the status that the record's andon shows and, unless the run passed, the
// reason.
func (r *Record) status() (status models.ReceiptStatus, reason string) {
	status, detail := andon(r.record)
	v2, ok := r.record.object("v2")
	if !ok {
		return status, detail
	}
	if light, _ := andon(v2); light != status {
		v2.refuse("andon", string(v2.values["andon"]), "contradicts record.andon, which is "+short(string(r.record.values["andon"])))
	}
	switch status {
	case models.ReceiptPartial:
		reason = admission(v2, "Quarantined")
	case models.ReceiptFailed:
		reason = admission(v2, "Refused")
	}
	return status, cmp.Or(reason, detail)
}

// andon reads the field andon: "Green", or {"Halted": {...}} with a detail.
func andon(in object) (status models.ReceiptStatus, detail string) {
	_, raw, ok := in.find("andon")
	if !ok {
		in.refuse("andon", nil, "is missing")
		return "", ""
	}
	word, signal := "", object{}
	if raw[0] == '{' {
		signals, _ := in.object("andon")
		for _, word = range signals.names() {
			signal, _ = signals.object(word)
		}
		if len(signals.values) != 1 {
			word = ""
		}
	} else {
		word = in.text("andon")
	}
	if status, ok = andons[word]; !ok {
		in.refuse("andon", string(raw), "is not an allowed value", "Green", "Yellow", "Red", "Overridden", "Halted")
	}
	if _, raw, ok := signal.find("unmet"); ok && string(raw) != "[]" {
		detail = "unmet: " + string(raw)
	}
	return status, cmp.Or(signal.text("reason"), detail)
}

// admission returns the first item of the field admission with that decision and its
// reason, and the number of further items.
func admission(v2 object, decision string) (reason string) {
	_, raw, ok := v2.find("admission")
	if !ok || string(raw) == `"LegacyUnrecorded"` {
		return ""
	}
	ledger, _ := v2.object("admission")
	var items []struct {
		ID       string `json:"evidence_id"`
		Decision string `json:"decision"`
		Reason   string `json:"reason"`
	}
	_, raw, ok = ledger.find("Recorded")
	if ok && json.Unmarshal(raw, &items) != nil {
		ledger.refuse("Recorded", string(raw), "must be a list of items with evidence_id, decision and reason")
	}
	more := -1
	for _, item := range items {
		if item.Decision != decision {
			continue
		}
		if more++; more == 0 {
			reason = item.ID + ": " + item.Reason
		}
	}
	if more > 0 {
		reason += fmt.Sprintf("; and %d more", more)
	}
	return reason
}
