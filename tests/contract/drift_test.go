package contract

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var driftCases = cases{
	"Agreed":  driftAgreed,
	"Bounds":  driftBounds,
	"Filter":  driftFilter,
	"Found":   driftFound,
	"Pages":   driftPages,
	"Refused": driftRefused,
	"Shapes":  driftShapes,
}

// made returns a passed execution with the given inputs and receipt.
func made(id string, input int, document string) *models.Receipt {
	r := receipt(id)
	r.ManifestHash, r.OntologyHash = fmt.Sprintf("%064x", input), strings.Repeat("0a", 32)
	r.Timestamp = models.At(start)
	if document != "" {
		r.ReceiptJSON = models.JSON(document)
	}
	return r
}

// wrote returns a receipt with written files: path, hash, path, hash...
func wrote(files ...string) string {
	var parts []string
	for pair := range slices.Chunk(files, 2) {
		parts = append(parts, fmt.Sprintf(`{"path":%q,"hash":%q,"status":"created"}`, pair[0], pair[1]))
	}
	return `{"files_generated":[` + strings.Join(parts, ",") + `]}`
}

// saveAll stores receipts at intervals of one second.
func saveAll(t *T, store *tier2.Store, receipts ...*models.Receipt) {
	t.Helper()
	for i, r := range receipts {
		r.Timestamp = models.At(r.Timestamp.Add(time.Duration(i) * time.Second))
	}
	require.NoError(t, store.Receipts.CreateBatch(t.Context(), receipts))
}

func drifts(t *T, store *tier2.Store, f repository.DriftFilter) ([]repository.Drift, repository.DriftSummary) {
	t.Helper()
	found, summary, err := store.Reports.Drift(t.Context(), f)
	require.NoError(t, err)
	require.NotNil(t, found)
	return found, summary
}

func fileHash(hash string, ids ...string) repository.FileHash {
	return repository.FileHash{Hash: hash, Count: int64(len(ids)), Executions: ids}
}

func executionIDs(list []repository.DriftExecution) (ids []string) {
	for _, e := range list {
		ids = append(ids, e.ExecutionID)
	}
	return ids
}

func driftFound(t *T) {
	store := open(t)
	other := made("e", 1, wrote("a.rs", "1", "b.rs", "2", "d.rs", "5"))
	other.AgentID = "tester"
	saveAll(t, store,
		made("a", 1, wrote("a.rs", "1", "b.rs", "1", "c.rs", "7")),
		made("b", 1, wrote("c.rs", "7", "b.rs", "1", "a.rs", "1")),
		made("c", 1, wrote("a.rs", "1", "b.rs", "2", "c.rs", "7")),
		made("d", 1, ""),
		other,
		made("f", 2, wrote("a.rs", "9")), made("g", 2, wrote("a.rs", "9")))

	found, summary := drifts(t, store, repository.DriftFilter{})
	assert.Equal(t, repository.DriftSummary{Inputs: 2, Compared: 6, Unknown: 1}, summary)
	require.Len(t, found, 1)
	d := found[0]
	assert.Equal(t, []string{"e", "c", "b", "a"}, executionIDs(d.Executions))
	assert.Equal(t, "tester", d.Executions[0].AgentID)
	assert.Equal(t, models.At(start.Add(4*time.Second)), d.Executions[0].Timestamp)
	d.Executions = nil
	assert.Equal(t, repository.Drift{
		Operation: models.OperationGeneration, ManifestHash: fmt.Sprintf("%064x", 1), OntologyHash: strings.Repeat("0a", 32),
		Compared: 4, Unknown: 1,
		Files: []repository.FileDrift{
			{Path: "b.rs", Hashes: []repository.FileHash{fileHash("2", "e", "c"), fileHash("1", "b", "a")}},
			{Path: "c.rs", Hashes: []repository.FileHash{fileHash("", "e"), fileHash("7", "c", "b", "a")}},
			{Path: "d.rs", Hashes: []repository.FileHash{fileHash("5", "e"), fileHash("", "c", "b", "a")}},
		},
	}, d)

	require.ErrorIs(t, store.Transaction(t.Context(), func(tx *tier2.Store) error {
		require.NoError(t, tx.Receipts.Create(t.Context(), made("h", 2, wrote("a.rs", "8"))))
		inside, _ := drifts(t, tx, repository.DriftFilter{})
		assert.Len(t, inside, 2, "it reads inside a transaction, of which it sees the writes")
		return context.Canceled
	}), context.Canceled)
	after, _ := drifts(t, store, repository.DriftFilter{})
	assert.Len(t, after, 1)
}

func driftFilter(t *T) {
	store := open(t)
	rows := []*models.Receipt{
		made("a", 1, wrote("a.rs", "1")), made("b", 1, wrote("a.rs", "2")),
		made("c", 2, wrote("a.rs", "1")), made("d", 2, wrote("a.rs", "2")),
	}
	rows[1].AgentID = "tester"
	rows[2].Operation, rows[3].Operation = models.OperationEmission, models.OperationEmission
	saveAll(t, store, rows...)
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	for name, tt := range map[string]struct {
		filter repository.DriftFilter
		want   []string // the newest execution of each drift
	}{
		"All":        {repository.DriftFilter{}, []string{"d", "b"}},
		"Agent":      {repository.DriftFilter{AgentID: "coder"}, []string{"d"}},
		"OtherAgent": {repository.DriftFilter{AgentID: "tester"}, nil},
		"Operation":  {repository.DriftFilter{Operation: models.OperationGeneration}, []string{"b"}},
		"Since":      {repository.DriftFilter{Since: at(1)}, []string{"d"}},
		"Until":      {repository.DriftFilter{Until: at(3)}, []string{"b"}},
		"Window":     {repository.DriftFilter{Since: at(1), Until: at(3)}, nil},
		"Limit":      {repository.DriftFilter{Page: repository.Page{Limit: 1}}, []string{"d"}},
	} {
		t.Run(name, func(t *T) {
			found, summary := drifts(t, store, tt.filter)
			var newest []string
			for _, d := range found {
				newest = append(newest, d.Executions[0].ExecutionID)
			}
			assert.Equal(t, tt.want, newest)
			assert.Equal(t, name == "Limit", summary.Next != "")
		})
	}
}

// driftPages: pages hold every drift once, newest first, and are full although inputs
// without drift lie between them.
func driftPages(t *T) {
	store := open(t)
	var rows []*models.Receipt
	for i := range 7 {
		for j := range 2 {
			hash := "same"
			if i%2 == 0 {
				hash = fmt.Sprint(j)
			}
			rows = append(rows, made(fmt.Sprintf("%d-%d", i, j), i, wrote("a.rs", hash)))
		}
	}
	saveAll(t, store, rows...)
	var newest []string
	f := repository.DriftFilter{Page: repository.Page{Limit: 2}}
	inputs := int64(0)
	for pages := 1; ; pages++ {
		found, summary := drifts(t, store, f)
		inputs += summary.Inputs
		for _, d := range found {
			newest = append(newest, d.Executions[0].ExecutionID)
		}
		if f.Cursor = summary.Next; f.Cursor == "" {
			assert.Equal(t, 2, pages)
			break
		}
		assert.Len(t, found, 2)
	}
	assert.Equal(t, []string{"6-1", "4-1", "2-1", "0-1"}, newest)
	assert.EqualValues(t, 7, inputs)
}

// driftBounds: of many executions, outputs and files, some are shown and all are counted.
func driftBounds(t *T) {
	store := open(t)
	var rows []*models.Receipt
	for i := range 25 {
		rows = append(rows, made(fmt.Sprintf("same-%02d", i), 1, wrote("a.rs", "1")))
	}
	rows = append(rows, made("other", 1, wrote("a.rs", "2")))
	for i := range 15 { // each with a different output of 60 files
		var files []string
		for j := range 60 {
			files = append(files, fmt.Sprintf("%02d.rs", j), fmt.Sprint(i))
		}
		rows = append(rows, made(fmt.Sprintf("differs-%02d", i), 2, wrote(files...)))
	}
	saveAll(t, store, rows...)
	found, summary := drifts(t, store, repository.DriftFilter{})
	assert.Equal(t, repository.DriftSummary{Inputs: 2, Compared: 41}, summary)
	require.Len(t, found, 2)

	many := found[0]
	assert.EqualValues(t, 15, many.Compared)
	assert.EqualValues(t, 5, many.Omitted)
	assert.Len(t, many.Executions, repository.MaxDriftOutputs)
	require.Len(t, many.Files, repository.MaxDriftFiles)
	assert.Equal(t, 10, many.MoreFiles)
	assert.Equal(t, "00.rs", many.Files[0].Path)
	assert.Len(t, many.Files[0].Hashes, repository.MaxDriftOutputs)

	few := found[1]
	assert.Zero(t, few.Omitted)
	assert.Len(t, few.Executions, repository.MaxDriftNames)
	require.Len(t, few.Files, 1)
	hashes := few.Files[0].Hashes
	require.Len(t, hashes, 2)
	assert.Equal(t, repository.FileHash{Hash: "2", Count: 1, Executions: []string{"other"}}, hashes[0])
	assert.EqualValues(t, 25, hashes[1].Count)
	require.Len(t, hashes[1].Executions, repository.MaxDriftNames)
	assert.Equal(t, "same-24", hashes[1].Executions[0])
}

func driftRefused(t *T) {
	store := open(t)
	saveAll(t, store, made("a", 1, wrote("a.rs", "1")), made("b", 1, wrote("a.rs", "2")))
	var list []refusal
	for name, f := range map[string]repository.DriftFilter{
		"Operation":     {Operation: "cooking"},
		"AgentNUL":      {AgentID: "a\x00"},
		"AgentUTF8":     {AgentID: "\xff"},
		"LimitNegative": {Page: repository.Page{Limit: -1}},
		"LimitHuge":     {Page: repository.Page{Limit: 1001}},
		"Cursor":        {Page: repository.Page{Cursor: "nonsense"}},
		"Window":        {Since: start.Add(time.Second), Until: start},
		"Year":          {Since: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)},
	} {
		list = append(list, refusal{name, models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Reports.Drift(ctx, f)
			return err
		}})
	}
	refused(t, store, list)
}
