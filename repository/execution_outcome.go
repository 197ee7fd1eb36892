package repository

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/ggen"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Outcome is how an execution ended. The zero value lets the stages speak.
type Outcome struct {
	// Status, if empty, is cancelled when Err is context.Canceled, failed when Err is
	// set or the last attempt of a stage failed, and else passed.
	Status         models.ReceiptStatus
	Err            error // becomes error_message; nil: the error of the first failed stage, if the run did not pass
	FilesGenerated int64
	FilesModified  int64
	ManifestHash   string // replaces the one given to Begin, unless empty
	OntologyHash   string // the same
	// ReceiptJSON is stored byte for byte; nil: a receipt in the shape that Import reads.
	ReceiptJSON models.JSON
}

// run is the execution as it stands, for Finish to write. The execution itself is
// left as it is, so that a refused Finish can be repeated.
func (e *Execution) run(outcome Outcome) (*run, error) {
	receipt := e.receipt
	r := &run{receipt: &receipt, metrics: slices.Clone(e.metrics), targets: e.targets, measured: maps.Clone(e.measured)}
	failure := ggen.FirstFailure(r.metrics)
	receipt.Status = outcome.Status
	if receipt.Status == "" {
		receipt.Status = derivedStatus(outcome.Err, failure)
	}
	if outcome.Err != nil {
		receipt.ErrorMessage = readable(outcome.Err.Error())
	} else if receipt.Status != models.ReceiptPassed {
		receipt.ErrorMessage = failure
	}
	receipt.FilesGenerated, receipt.FilesModified = outcome.FilesGenerated, outcome.FilesModified
	if outcome.ManifestHash != "" {
		receipt.ManifestHash = outcome.ManifestHash
	}
	if outcome.OntologyHash != "" {
		receipt.OntologyHash = outcome.OntologyHash
	}
	receipt.DurationMS = e.since(receipt.Timestamp.Time)
	receipt.ReceiptJSON = outcome.ReceiptJSON
	if receipt.ReceiptJSON != nil {
		return r, nil
	}
	var err error
	receipt.ReceiptJSON, err = (&ggen.Run{Receipt: r.receipt, Metrics: r.metrics, Measurements: r.measured}).Document()
	return r, err
}

func derivedStatus(err error, failure string) models.ReceiptStatus {
	switch {
	case errors.Is(err, context.Canceled):
		return models.ReceiptCancelled
	case err != nil || failure != "":
		return models.ReceiptFailed
	default:
		return models.ReceiptPassed
	}
}

// readable makes any text storable: an error's text may quote bytes that no text
// column can hold, and must not cost the run its receipt.
func readable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
