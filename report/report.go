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
	"strings"
	"time"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
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

// The maximum number of rows in each list of a report, which bound its size. A list is shorter
// if its texts are long, and long texts are cut.
const (
	MaxAgents   = 20 // the agents with the most executions, or the most collisions
	MaxSLOs     = 20
	MaxFailures = 50
	MaxDrifts   = 20
)

// Data holds everything that a report shows.
type Data struct {
	Title       string           `json:"title"`
	Database    string           `json:"database"` // as tier2.Location returns it, without a password
	GeneratedAt models.Timestamp `json:"generated_at"`
	AgentID     string           `json:"agent_id"` // of Options; "" is every agent
	Since       models.Timestamp `json:"since"`    // of Options; null is no bound, as for Until
	Until       models.Timestamp `json:"until"`
	Totals      Totals           `json:"totals"`

	Timeline   []repository.TimelineBucket   `json:"timeline"`
	Stages     []repository.StagePercentiles `json:"stages"`
	Agents     []repository.AgentPercentiles `json:"agents"`
	SLOs       []repository.SLOReport        `json:"slos"`
	Collisions repository.CollisionMatrix    `json:"collisions"`
	Failures   []Failure                     `json:"failures"` // newest first
	Drifts     []repository.Drift            `json:"drifts"`
	DriftOf    repository.DriftSummary       `json:"drift_summary"` // Next is empty
	More       More                          `json:"more"`
}

// Totals counts all rows in the window, including rows that the report does not show.
type Totals struct {
	Executions int64 `json:"executions"` // the sum of the four statuses
	Passed     int64 `json:"passed"`
	Failed     int64 `json:"failed"`
	Partial    int64 `json:"partial"`
	Cancelled  int64 `json:"cancelled"`
	Agents     int64 `json:"agents"` // with an execution; repository.MaxLimit means as many or more
	Violations int64 `json:"violations"`
	Critical   int64 `json:"critical"` // violations with this severity
	Collisions int64 `json:"collisions"`
}

// More counts the rows of each list that are not shown.
type More struct {
	Agents   int64 `json:"agents"` // a lower bound, if Totals.Agents is repository.MaxLimit
	SLOs     int64 `json:"slos"`
	Pairs    int64 `json:"pairs"` // of the shown agents
	Failures int64 `json:"failures"`
	Drifts   int64 `json:"drifts"` // a lower bound, if MoreDrifts
	// MoreDrifts reports whether the search for drift stopped early.
	MoreDrifts bool `json:"more_drifts"`
}

// Failure is a failed execution.
type Failure struct {
	ExecutionID  string           `json:"execution_id"`
	AgentID      string           `json:"agent_id"`
	Operation    models.Operation `json:"operation"`
	Timestamp    models.Timestamp `json:"timestamp"`
	DurationMS   int64            `json:"duration_ms"` // milliseconds
	Environment  string           `json:"environment"`
	ErrorMessage string           `json:"error_message"` // "" if the receipt has none
}

// Gather reads the data of a report. Each list comes from its own call of store.Reports or
// store.Receipts, so rows that are written meanwhile may be in some lists only. Errors:
// models.ErrInvalid for invalid options, and the errors of the calls.
func Gather(ctx context.Context, store *tier2.Store, opts Options) (*Data, error) {
	switch {
	case store == nil:
		return nil, refuse.Invalid("", "", nil, "the store must not be nil")
	case !utf8.ValidString(opts.Title):
		return nil, refuse.Invalid("", "title", opts.Title, "is not valid UTF-8")
	}
	d := &Data{
		Title: opts.Title, Database: store.Location(), GeneratedAt: models.At(time.Now()),
		AgentID: opts.AgentID, Since: models.At(opts.Since), Until: models.At(opts.Until),
	}
	if strings.TrimSpace(d.Title) == "" {
		d.Title = "tier2 report"
	}
	f := repository.ReportFilter{AgentID: opts.AgentID, Since: opts.Since, Until: opts.Until}
	for _, part := range []func(context.Context, *tier2.Store, repository.ReportFilter) error{
		d.timeline, d.durations, d.slos, d.collisions, d.failures, d.drifts,
	} {
		if err := part(ctx, store, f); err != nil {
			return nil, err
		}
	}
	d.cut()
	return d, nil
}

func (d *Data) timeline(ctx context.Context, store *tier2.Store, f repository.ReportFilter) (err error) {
	d.Timeline, err = store.Reports.Timeline(ctx, f, 0)
	for _, b := range d.Timeline {
		d.Totals.Passed += b.Passed
		d.Totals.Failed += b.Failed
		d.Totals.Partial += b.Partial
		d.Totals.Cancelled += b.Cancelled
		d.Totals.Executions += executions(b)
	}
	return err
}

// executions returns the number of executions that began in a bucket.
func executions(b repository.TimelineBucket) int64 {
	return b.Passed + b.Failed + b.Partial + b.Cancelled
}

func (d *Data) durations(ctx context.Context, store *tier2.Store, f repository.ReportFilter) (err error) {
	if d.Stages, err = store.Reports.StagePercentiles(ctx, f); err != nil {
		return err
	}
	d.Agents, err = store.Reports.AgentPercentiles(ctx, f, repository.MaxLimit)
	d.Totals.Agents = int64(len(d.Agents))
	return err
}

func (d *Data) slos(ctx context.Context, store *tier2.Store, f repository.ReportFilter) (err error) {
	d.SLOs, err = store.Reports.SLOs(ctx, f)
	for _, s := range d.SLOs {
		d.Totals.Violations += s.Violations
		d.Totals.Critical += s.Critical
	}
	return err
}

func (d *Data) collisions(ctx context.Context, store *tier2.Store, f repository.ReportFilter) (err error) {
	d.Collisions, err = store.Reports.CollisionMatrix(ctx, f, MaxAgents)
	d.Totals.Collisions = d.Collisions.Collisions
	return err
}

func (d *Data) failures(ctx context.Context, store *tier2.Store, f repository.ReportFilter) error {
	rows, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{
		AgentID: f.AgentID, Since: f.Since, Until: f.Until, Page: repository.Page{Limit: MaxFailures},
	})
	d.Failures = make([]Failure, len(rows))
	for i, r := range rows {
		d.Failures[i] = Failure{r.ExecutionID, r.AgentID, r.Operation, r.Timestamp, r.DurationMS, r.Environment, r.ErrorMessage}
	}
	return err
}

func (d *Data) drifts(ctx context.Context, store *tier2.Store, f repository.ReportFilter) (err error) {
	d.Drifts, d.DriftOf, err = store.Reports.Drift(ctx, repository.DriftFilter{
		AgentID: f.AgentID, Since: f.Since, Until: f.Until, Page: repository.Page{Limit: MaxDrifts},
	})
	d.More.MoreDrifts = d.DriftOf.Next != ""
	d.DriftOf.Next = "" // the report has no next page
	return err
}
