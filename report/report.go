// Package report writes one HTML page about a store: executions over time, durations,
// SLO violations, collisions, failures and drift. The page is a single file that makes no
// network requests. Gather returns all of its figures as Data.
//
//	err := report.Write(ctx, file, store, report.Options{Since: time.Now().AddDate(0, 0, -7)})
//
// It is a separate package so that programs that only write to a store do not include the
// charting library.
package report

import (
	"context"
	"io"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
)

// Options selects the rows of a report. The zero value selects all.
type Options struct {
	Title        string    // "tier2 report" if empty
	AgentID      string    // only rows of this agent, and collisions in which it took part
	Since, Until time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
}

// Write gathers a report and writes it to w as one HTML file of less than 2 MB. If gathering
// fails, it writes nothing. Errors: those of Gather and of w.
func Write(ctx context.Context, w io.Writer, store *tier2.Store, opts Options) error {
	data, err := Gather(ctx, store, opts)
	if err != nil {
		return err
	}
	return data.WriteHTML(w)
}
