package ggen

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

var hash = strings.Repeat("ab", 32)

var wrapped = `{"receipt":{"execution_id":"exec-1","agent_id":"builder","operation":"generation","status":"failed",
  "timestamp":"2026-01-29T17:25:27Z","hashes":{"manifest":"` + hash + `"},"files_generated":47,"files_modified":[{"path":"a"}],
  "pipeline_stages":{"μ₃_emit":{"status":"failure","duration_ms":600,"error":"no template"},"μ₁_normalize":{"status":"completed","duration_ms":400.4}},
  "measurements":{"first_build":20.5}}}`

var flat = `{"execution_id":"exec-2","ontology":{"hash":"` + hash + `","triples_count":1000},
  "pipeline":{"μ₁_normalize":{"status":"success","duration_ms":4000}},"statistics":{"total_duration_ms":31000,"memory_peak_mb":100.5}}`

// record returns the record with that number of a log.
func record(n int) string {
	return fmt.Sprintf(`{"record":{"version":1,"activity":"ggen.sync","ts_ns":1769690096000001000,"payload_hash_hex":"%064x",`+
		`"prev_chain_hash_hex":"%064x","chain_hash_hex":"%064x","andon":{"Halted":{"reason":"no law"}}},`+
		`"payload":{"graph_hash":"%064x","outputs":{"a.rs":"a1"},"decisions":{"a.rs":"written","b.rs":"injected; match=1"},"closure":{"t":"t1"}}}`,
		n, n-1, n, 7)
}

func TestReadReceipt(t *testing.T) {
	t.Parallel()
	began := models.At(time.Date(2026, 1, 29, 17, 25, 27, 0, time.UTC))
	for name, tt := range map[string]struct {
		doc  string
		want Run
	}{
		"Wrapped": {wrapped, Run{
			Receipt: &models.Receipt{
				ExecutionID: "exec-1", AgentID: "builder", Operation: models.OperationGeneration, Status: models.ReceiptFailed, Timestamp: began,
				ManifestHash: hash, FilesGenerated: 47, FilesModified: 1, DurationMS: 1000, ErrorMessage: "μ₃_emit: no template", ReceiptJSON: models.JSON(wrapped),
			},
			Metrics: []models.PipelineMetric{
				{Stage: models.StageNormalize, Status: models.StagePassed, DurationMS: 400, Timestamp: began},
				{Stage: models.StageEmit, Status: models.StageFailed, DurationMS: 600, ErrorMessage: "no template", Timestamp: models.At(began.Add(400 * time.Millisecond))},
			},
			Measurements: map[string]float64{"first_build": 20.5},
		}},
		"Flat": {flat, Run{
			Receipt: &models.Receipt{
				ExecutionID: "exec-2", AgentID: "importer", Operation: models.OperationWatch, Status: models.ReceiptPassed, Timestamp: began,
				OntologyHash: hash, DurationMS: 31000, ReceiptJSON: models.JSON(flat),
			},
			Metrics:      []models.PipelineMetric{{Stage: models.StageNormalize, Status: models.StagePassed, DurationMS: 4000, Timestamp: began}},
			Measurements: map[string]float64{"triples": 1000, "generation_memory": 100.5},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ReadReceipt([]byte(tt.doc), Options{AgentID: "importer", At: began.Time, Operation: models.OperationWatch})
			require.NoError(t, err)
			assert.Equal(t, tt.want, *got)
		})
	}
}

func TestReadReceipt_Faults(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		doc  string
		want []string
	}{
		"Empty":    {" ", []string{"is empty"}},
		"List":     {"[]", []string{"is no JSON object"}},
		"Cut":      {wrapped[:50], []string{"is not valid JSON", "(byte 50)"}},
		"Twice":    {strings.Replace(wrapped, `"status"`, `"agent\u005fid":1,"status"`, 1), []string{`receipt: holds the key "agent_id" twice`}},
		"Record":   {record(1), []string{"ImportLog"}},
		"Several":  {strings.NewReplacer(`"exec-1"`, "7", "600", "-1", `"failure"`, `"odd"`).Replace(wrapped), []string{"execution_id", "duration_ms", `status "odd"`}},
		"TooMany":  {`{"execution_id":"e","pipeline":{` + strings.TrimSuffix(strings.Repeat(`"%d":0,`, 200), ",") + `}}`, []string{"faults more"}},
		"LongTime": {strings.Replace(wrapped, "600", "1e13", 1), []string{"is too long for a stage"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := tt.doc
			for i := 0; strings.Contains(doc, "%d"); i++ {
				doc = strings.Replace(doc, "%d", fmt.Sprint(i), 1)
			}
			got, err := ReadReceipt([]byte(doc), Options{})
			require.ErrorIs(t, err, models.ErrInvalid)
			for _, want := range tt.want {
				assert.ErrorContains(t, err, want)
			}
			if got != nil {
				assert.NotNil(t, got.Receipt)
			}
		})
	}
}

func TestReadRecord(t *testing.T) {
	t.Parallel()
	r, err := ReadRecord([]byte(record(2)))
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("%064x", 2), r.Hash)
	assert.Equal(t, fmt.Sprintf("%064x", 1), r.Previous)
	assert.False(t, r.Untimed())
	run, err := r.Run(Options{AgentID: "syncer", Operation: models.OperationGeneration})
	require.NoError(t, err)
	assert.Equal(t, models.Receipt{
		ExecutionID: r.Hash, AgentID: "syncer", Operation: models.OperationGeneration, Status: models.ReceiptFailed, ErrorMessage: "no law",
		Timestamp: models.At(time.Unix(0, 1769690096000001000)), OntologyHash: fmt.Sprintf("%064x", 7), FilesGenerated: 1, FilesModified: 1,
		ManifestHash: "733f8a5caf8658c357e7955b33a8948e3dbed2b88ad29601dea681505f11e584", ReceiptJSON: models.JSON(record(2)),
	}, *run.Receipt)
	assert.Empty(t, run.Metrics)

	r, err = ReadRecord([]byte(strings.Replace(record(2), "1769690096000001000", "0", 1)))
	require.NoError(t, err)
	assert.True(t, r.Untimed())
}

func TestReadOutputs(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		doc   string
		known bool
		want  Outputs
	}{
		"Payload": {record(1), true, Outputs{"a.rs": "a1"}},
		"Lists":   {`{"receipt":{"files_generated":[{"path":"a","hash":"1"}],"files_modified":[{"path":"b"}]}}`, true, Outputs{"a": "1", "b": ""}},
		"Files":   {`{"files":["a","manifest"],"hashes":{"a":"1","manifest":"2","ontology":"3"}}`, true, Outputs{"a": "1", "manifest": "2"}},
		"Counts":  {wrapped, false, Outputs{"a": ""}},
		"Cut":     {wrapped[:50], false, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, known := ReadOutputs([]byte(tt.doc))
			assert.Equal(t, tt.known, known)
			assert.Equal(t, tt.want, got)
		})
	}
}

// TestDigest checks that paths and hashes cannot be confused with each other.
func TestDigest(t *testing.T) {
	t.Parallel()
	same := Outputs{"a": "1", "b": "2"}
	assert.Equal(t, same.Digest(), Outputs{"b": "2", "a": "1"}.Digest())
	for _, other := range []Outputs{{"a": "2", "b": "1"}, {"a": "1b2"}, {"a": "1", "b": "2", "c": ""}, {}} {
		assert.NotEqual(t, same.Digest(), other.Digest(), other)
	}
}

// TestLines checks that the incomplete line before a failure of the reader is dropped.
func TestLines(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken pipe")
	for name, tt := range map[string]struct {
		log  io.Reader
		want []string
		err  error
	}{
		"OK":         {strings.NewReader("ab\r\n\nc"), []string{"ab", "", "c"}, nil},
		"ErrTooLong": {strings.NewReader("ab\nabcde\n"), []string{"ab"}, bufio.ErrTooLong},
		"ErrBroken":  {io.MultiReader(strings.NewReader("ab\n{}"), iotest.ErrReader(broken)), []string{"ab"}, broken},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			lines := Lines(tt.log, 2)
			for lines.Scan() {
				got = append(got, lines.Text())
			}
			assert.Equal(t, tt.want, got)
			assert.Equal(t, tt.err, lines.Err())
		})
	}
}

// FuzzReadReceipt checks that the readers accept or reject any bytes without a panic, that
// every error wraps models.ErrInvalid, and that a run survives Document and ReadReceipt.
func FuzzReadReceipt(f *testing.F) {
	for _, doc := range []string{wrapped, flat, record(1), "", "null", "[]", `{"pipeline":{"":null}}`, `{"receipt":{"receipt":{}}}`} {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		_, _ = ReadOutputs(raw)
		if record, err := ReadRecord(raw); err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
		} else if _, err := record.Run(Options{}); err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
		}
		run, err := ReadReceipt(raw, Options{Operation: models.OperationWatch})
		if err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
			return
		}
		require.True(t, bytes.Equal(raw, run.Receipt.ReceiptJSON))
		doc, err := run.Document()
		require.NoError(t, err)
		again, err := ReadReceipt(doc, Options{})
		if err != nil { // the document is valid, but a value such as a sum may be too large to be read
			require.ErrorIs(t, err, models.ErrInvalid)
			return
		}
		require.Equal(t, run.Measurements, again.Measurements)
		require.Equal(t, run.Receipt.Status, again.Receipt.Status)
		require.Len(t, again.Metrics, len(run.Metrics))
	})
}
