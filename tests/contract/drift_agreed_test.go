package contract

import (
	"fmt"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// driftAgreed: differences that are not drift.
func driftAgreed(t *T) {
	for name, pair := range map[string][2]func(*models.Receipt){
		"Same":      {nil, nil},
		"Failed":    {nil, func(r *models.Receipt) { r.Status = models.ReceiptFailed }},
		"Partial":   {nil, func(r *models.Receipt) { r.Status = models.ReceiptPartial }},
		"Cancelled": {nil, func(r *models.Receipt) { r.Status = models.ReceiptCancelled }},
		"Operation": {nil, func(r *models.Receipt) { r.Operation = models.OperationDryRun }},
		"Manifest":  {nil, func(r *models.Receipt) { r.ManifestHash = fmt.Sprintf("%064x", 2) }},
		"Ontology":  {nil, func(r *models.Receipt) { r.OntologyHash = fmt.Sprintf("%064x", 2) }},
		"NoHashes":  {func(r *models.Receipt) { r.ManifestHash = "" }, func(r *models.Receipt) { r.ManifestHash = "" }},
		"NoHash":    {func(r *models.Receipt) { r.OntologyHash = "" }, func(r *models.Receipt) { r.OntologyHash = "" }},
		"Unknown":   {nil, func(r *models.Receipt) { r.ReceiptJSON = nil }},
		"Counts": {func(r *models.Receipt) { r.ReceiptJSON, r.FilesGenerated = models.JSON(`{"files_generated":5}`), 5 },
			func(r *models.Receipt) { r.ReceiptJSON, r.FilesGenerated = models.JSON(`{"files_generated":0}`), 0 }},
		"FileWithoutHash": {func(r *models.Receipt) { r.ReceiptJSON = models.JSON(wrote("a.rs", "1", "b.rs", "2")) },
			func(r *models.Receipt) {
				r.ReceiptJSON = models.JSON(`{"files":["a.rs","b.rs"],"hashes":{"a.rs":"1"}}`)
			}},
	} {
		t.Run(name, func(t *T) {
			store := open(t)
			rows := []*models.Receipt{made("a", 1, wrote("a.rs", "1")), made("b", 1, wrote("a.rs", "2"))}
			if name == "Same" || name == "FileWithoutHash" {
				rows[1].ReceiptJSON = rows[0].ReceiptJSON
			}
			for i, change := range pair {
				if change != nil {
					change(rows[i])
				}
			}
			saveAll(t, store, rows...)
			found, summary := drifts(t, store, repository.DriftFilter{})
			assert.Empty(t, found)
			compared := map[string]repository.DriftSummary{
				"Same": {Inputs: 1, Compared: 2}, "FileWithoutHash": {Inputs: 1, Compared: 2},
				"Unknown": {Inputs: 1, Compared: 1, Unknown: 1}, "Counts": {Inputs: 1, Unknown: 2},
			}
			assert.Equal(t, compared[name], summary)
		})
	}
}

// driftShapes: every known form of a receipt is read; other documents are ignored.
func driftShapes(t *T) {
	for name, tt := range map[string]struct {
		document string
		known    bool
	}{
		"Generated":    {`{"files_generated":[{"path":"a.rs","lines":3,"hash":"2","status":"created"}]}`, true},
		"Modified":     {`{"files_generated":[],"files_modified":[{"path":"a.rs","hash":"2"}]}`, true},
		"Wrapped":      {`{"receipt":{"files_generated":[{"path":"a.rs","hash":"2"}]}}`, true},
		"Hashes":       {`{"files":["a.rs"],"hashes":{"a.rs":"2"}}`, true},
		"HashesAlone":  {`{"files":[],"hashes":{"a.rs":"2","manifest":"x","ontology":"y"}}`, true},
		"WrappedFiles": {`{"receipt":{"files":["a.rs"],"hashes":{"a.rs":"2"}}}`, true},
		"Objects":      {`{"files":[{"path":"a.rs","hash":"2"}]}`, true},
		"Payload":      {`{"record":{"version":1},"payload":{"graph_hash":"x","outputs":{"a.rs":"2"}}}`, true},
		"Twice":        {`{"files_generated":[{"path":"a.rs"}],"files":["a.rs"],"hashes":{"a.rs":"2"}}`, true},
		"Inputs":       {`{"receipt":{"hashes":{"manifest":"1","ontology":"2"},"files_generated":4}}`, false},
		"InputsFiles":  {`{"files":["a.rs"],"hashes":{"manifest":"1","ontology":"2"}}`, false},
		"NoHash":       {`{"files_generated":[{"path":"a.rs"}]}`, false},
		"NullHash":     {`{"files_generated":[{"path":"a.rs","hash":null}]}`, false},
		"Nothing":      {`{}`, false},
		"Null":         {`null`, false},
		"List":         {`[1]`, false},
		"Elements":     {`{"files_generated":[{"path":"a.rs","hash":"2"},7]}`, false},
		"NumberHash":   {`{"files":["a.rs"],"hashes":{"a.rs":2}}`, false},
		"HashesList":   {`{"files":["a.rs"],"hashes":["2"]}`, false},
		"Outputs":      {`{"payload":{"outputs":["a.rs"]}}`, false},
		"Receipt":      {`{"receipt":[]}`, false},
	} {
		t.Run(name, func(t *T) {
			store := open(t)
			saveAll(t, store, made("a", 1, wrote("a.rs", "1")), made("b", 1, tt.document))
			found, summary := drifts(t, store, repository.DriftFilter{})
			if !tt.known {
				assert.Empty(t, found)
				assert.Equal(t, repository.DriftSummary{Inputs: 1, Compared: 1, Unknown: 1}, summary)
				return
			}
			require.Len(t, found, 1)
			assert.Equal(t, []repository.FileDrift{
				{Path: "a.rs", Hashes: []repository.FileHash{fileHash("2", "b"), fileHash("1", "a")}},
			}, found[0].Files)
		})
	}
}
