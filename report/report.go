// Package report writes one HTML page about a store: executions over time, durations,
// SLO violations, collisions, failures and drift. The page is one file that needs no
// network and cannot use it; every figure in it is in Data too, which Gather returns.
//
//	err := report.Write(ctx, file, store, report.Options{Since: time.Now().AddDate(0, 0, -7)})
//
// It is a package of its own so that programs which only write to a store do not carry
// the charting library.
package report

import (
	"context"
	"io"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
)

// Options choose what a report is about; the zero value is everything.
type Options struct {
	Title        string    // "tier2 report" if empty
	AgentID      string    // only what this agent did; of collisions: either of the two
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
}

// Write gathers a report and writes it to w, as one HTML file of less than 2 MB. It
// writes nothing unless all could be gathered. Errors: those of Gather, and of w.
func Write(ctx context.Context, w io.Writer, store *tier2.Store, opts Options) error {
	data, err := Gather(ctx, store, opts)
	if err != nil {
		return err
	}
	return data.WriteHTML(w)
}
