package repository

import (
	"context"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// What a Drift shows at most, so that its size has a bound.
const (
	MaxDriftOutputs = 10 // different outputs that are compared with each other
	MaxDriftNames   = 20 // executions that are named for each of them
	MaxDriftFiles   = 50 // files
)

// DriftFilter chooses the executions that Drift compares; the zero value is all.
type DriftFilter struct {
	AgentID      string
	Operation    models.Operation
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page                   // Limit counts drifts
}

// Drift is equal inputs that led to different outputs: the hash of a file differs, or
// some executions wrote it and others did not.
type Drift struct {
	Operation    models.Operation `json:"operation"`
	ManifestHash string           `json:"manifest_hash"`
	OntologyHash string           `json:"ontology_hash"`
	Compared     int64            `json:"compared"` // passed executions of these inputs whose outputs are known
	Unknown      int64            `json:"unknown"`  // those whose outputs are not: they take no part
	// Omitted counts executions whose outputs differ from the MaxDriftOutputs that are
	// compared below.
	Omitted    int64            `json:"omitted"`
	Executions []DriftExecution `json:"executions"` // newest first, at most MaxDriftNames
	Files      []FileDrift      `json:"files"`      // that differ, by path, at most MaxDriftFiles
	MoreFiles  int              `json:"more_files"` // that differ as well
}

// DriftExecution is an execution that took part.
type DriftExecution struct {
	ExecutionID string           `json:"execution_id"`
	AgentID     string           `json:"agent_id"`
	Timestamp   models.Timestamp `json:"timestamp"`
	id          int64
}

// FileDrift is a file that executions with equal inputs disagree about.
type FileDrift struct {
	Path   string     `json:"path"`
	Hashes []FileHash `json:"hashes"` // at least two; the one of the newest execution first
}

// FileHash is what some of the executions made of the file.
type FileHash struct {
	Hash       string   `json:"hash"`       // as the receipts have it; "" if they wrote no such file
	Count      int64    `json:"count"`      // executions
	Executions []string `json:"executions"` // their ids, newest first, at most MaxDriftNames
}

// DriftSummary is what a call of Drift looked at.
type DriftSummary struct {
	Inputs   int64  `json:"inputs"`   // inputs that more than one execution had
	Compared int64  `json:"compared"` // passed executions of those, with known outputs
	Unknown  int64  `json:"unknown"`  // and without
	Next     string `json:"next"`     // cursor of the next page; "" if there is none
}

// Drift is one page of the inputs (manifest_hash and ontology_hash, both known, and
// operation) whose executions made different outputs, the one with the newest
// execution first. Outputs are the file hashes in receipt_json, compared as text.
//
// Only passed executions are compared, since one that failed, was cancelled or is
// partial did not write everything. A receipt that tells no hash of a file takes no
// part; nor does, for that file, one that names it without its hash. Counts such as
// files_generated are never compared: a run that finds files up to date writes fewer
// of them and is no less deterministic.
//
// It reads the chosen receipts twice for each 10,000 inputs that occur more than once,
// until the page is full. Memory is constant, but for what SQLite sorts: some 170 bytes
// a chosen receipt. Errors: models.ErrInvalid for a filter or page that cannot be.
func (r *Reports) Drift(ctx context.Context, f DriftFilter) (drifts []Drift, summary DriftSummary, err error) {
	limit, err := f.limit(receiptsTable)
	if err != nil {
		return nil, summary, err
	}
	l, err := (&Receipts{r.h}).filter(ctx, ReceiptFilter{
		AgentID: f.AgentID, Operation: f.Operation, Since: f.Since, Until: f.Until,
	})
	if err != nil {
		return nil, summary, err
	}
	status := "status"
	if l.db.Name() == "sqlite" { // would go through its index, by far slower than in the order of rows
		status = "+status"
	}
	l.db = l.db.Where(status+" = ? AND manifest_hash <> '' AND ontology_hash <> ''", models.ReceiptPassed).Session(&gorm.Session{})
	drifts = []Drift{}
	var last key
	for groups, err := range (driftList{l, f.Cursor}).groups() {
		if err != nil {
			return nil, summary, err
		}
		for _, g := range groups {
			drift, err := g.drift(l)
			if err != nil {
				return nil, summary, err
			}
			if drift != nil && len(drifts) == limit {
				summary.Next = l.cursor(last)
				return drifts, summary, nil
			}
			summary.Inputs++
			summary.Compared += g.compared
			summary.Unknown += g.unknown
			if last = g.key; drift != nil {
				drifts = append(drifts, *drift)
			}
		}
	}
	return drifts, summary, nil
}
