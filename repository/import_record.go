package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// The two schemas of a record. ggen writes the first without its name.
const (
	schemaV1 = "ggen-receipt/v1"
	schemaV2 = "ggen-receipt/v2"
)

// ggenSync is the activity of the records that "ggen sync" appends to its log.
const ggenSync = "ggen.sync"

// logRecord is a line of ggen's log:
//
//	{"record": {"version": 1, "activity", "ts_ns", "payload_hash_hex", "prev_chain_hash_hex", "chain_hash_hex", "andon",
//	  "schema", "v2": {"admission", "andon"}},
//	 "payload": {"graph_hash", "outputs": {path: hash}, "decisions": {path: "written"}, "closure": {input: hash}}}
type logRecord struct {
	doc, record document
	prev, hash  string // chain hashes: of the record before, and its own
	raw         []byte
}

// readRecord reads what ties a record to its log.
func readRecord(raw []byte) (logRecord, error) {
	l := logRecord{raw: raw}
	var err error
	if l.doc, err = readDocument(raw); err != nil {
		return l, err
	}
	var ok bool
	if l.record, ok = l.doc.object("record"); !ok {
		return l, invalid("", "", nil, `is no record of ggen's log: it has no "record"`)
	}
	l.prev, l.hash = l.record.hash("prev_chain_hash_hex"), l.record.hash("chain_hash_hex")
	return l, l.doc.faults.err()
}

// hash is a required field of 64 lower-case hex digits.
func (f document) hash(name string) string {
	s := f.required(name)
	if s != "" && !isHash(s) {
		f.refuse(name, s, "must be 64 lower-case hex digits")
	}
	return s
}

func isHash(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

// timeless reports whether the record tells no time: ggen writes 0, so that equal runs
// give equal records.
func (l logRecord) timeless() bool {
	n, err := strconv.ParseInt(string(l.record.values["ts_ns"]), 10, 64)
	return err == nil && n == 0 // also -0
}

// run makes a run of the record, or reports everything that is wrong with it.
//
// The manifest's hash is that of all inputs, not of ggen.toml alone, which not every
// record names: after a template was edited the outputs differ, and that is no drift.
func (l logRecord) run(opts ImportOptions) (*run, error) {
	receipt := &models.Receipt{ExecutionID: l.hash, AgentID: opts.AgentID, ReceiptJSON: slices.Clone(l.raw), Timestamp: models.At(opts.At)}
	l.checkSchema()
	l.record.hash("payload_hash_hex")
	if receipt.Operation = opts.Operation; l.record.text("activity") != ggenSync || opts.Map[ggenSync] != "" {
		receipt.Operation = operation(l.record, "activity", opts)
	}
	if at := l.record.nanoseconds("ts_ns"); at > 0 {
		receipt.Timestamp = models.At(time.Unix(0, at))
	}
	receipt.DurationMS, _ = l.record.count("duration_ms")
	for _, unread := range []string{"instruction_id", "activity_idx", "node_kind", "obligation_count"} {
		l.record.count(unread)
	}
	receipt.Status, receipt.ErrorMessage = l.standing()

	payload, ok := l.doc.object("payload")
	if !ok {
		l.doc.refuse("payload", nil, "is missing")
		return nil, l.doc.faults.err()
	}
	if graph := payload.required("graph_hash"); isHash(graph) {
		receipt.OntologyHash = graph
	}
	if outputs, ok := payload.object("outputs"); !ok {
		payload.refuse("outputs", nil, "is missing")
	} else {
		outputs.texts()
	}
	receipt.FilesGenerated, receipt.FilesModified = payload.decided()
	if closure, _ := payload.object("closure"); len(closure.values) > 0 {
		receipt.ManifestHash = digest(closure.texts())
	}
	return &run{receipt: receipt, targets: opts.Targets, measured: map[string]float64{}}, l.doc.faults.err()
}

// digest is the SHA-256 of texts as one JSON object, its keys sorted, without spaces.
func digest(texts map[string]string) string {
	var doc bytes.Buffer
	enc := json.NewEncoder(&doc)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(texts) // which texts always do
	sum := sha256.Sum256(bytes.TrimSuffix(doc.Bytes(), []byte("\n")))
	return hex.EncodeToString(sum[:])
}

// checkSchema refuses what is neither version of the record.
func (l logRecord) checkSchema() {
	if raw := string(l.record.values["version"]); raw != "1" {
		l.record.refuse("version", raw, "is not an allowed value", "1")
	}
	schema := first(l.record.text("schema"), schemaV1)
	_, _, epoch := l.record.find([]string{"v2"})
	switch {
	case schema != schemaV1 && schema != schemaV2:
		l.record.refuse("schema", schema, "is not an allowed value", schemaV1, schemaV2)
	case epoch != (schema == schemaV2):
		l.record.refuse("v2", nil, fmt.Sprintf("must be there if the schema is %s, and only then", schemaV2))
	}
}

// nanoseconds since 1970 of a required field, at most those of the year 2262.
func (f document) nanoseconds(name string) int64 {
	_, raw, ok := f.find([]string{name})
	if !ok {
		f.refuse(name, nil, "is missing")
		return 0
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || n < 0 {
		f.refuse(name, string(raw), fmt.Sprintf("must be a whole number of nanoseconds from 0 to %d", int64(math.MaxInt64)))
	}
	return n
}

// texts are the members of an object, all of which are texts.
func (f document) texts() map[string]string {
	texts := make(map[string]string, len(f.values))
	for _, name := range f.names() {
		texts[name] = f.text(name)
	}
	return texts
}

// decided counts the files that were written whole, and those that something was
// injected into. What follows a colon or semicolon is ggen's reason.
func (f document) decided() (written, injected int64) {
	decisions, _ := f.object("decisions")
	for path, decision := range decisions.texts() {
		word := decision
		if end := strings.IndexAny(decision, ":;"); end >= 0 {
			word = decision[:end]
		}
		switch word {
		case "written":
			written++
		case "injected":
			injected++
		case "skipped":
		default:
			decisions.refuse(path, decision, "is not an allowed value", "written", "injected", "skipped")
		}
	}
	return written, injected
}
