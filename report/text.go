package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"unicode/utf8"

	"github.com/dustin/go-humanize"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Subtitle returns the line below the title.
func (p page) Subtitle() string {
	of := "all agents"
	if p.AgentID != "" {
		of = "one agent"
	}
	return fmt.Sprintf("%s of %s, generated %s UTC",
		many(p.Totals.Executions, "execution"), of, p.GeneratedAt.UTC().Format("2006-01-02 15:04"))
}

// PassRate returns the share of executions that passed.
func (p page) PassRate() string { return percent(p.Totals.Passed, p.Totals.Executions) }

// AgentCount returns the number of agents with an execution.
func (p page) AgentCount() string {
	return humanize.Comma(p.Totals.Agents) + plus(p.Totals.Agents >= repository.MaxLimit)
}

// DriftCount returns the number of inputs with drift.
func (p page) DriftCount() string {
	return humanize.Comma(int64(len(p.Drifts))+p.More.Drifts) + plus(p.More.MoreDrifts)
}

// plus returns the mark of a lower bound.
func plus(more bool) string {
	if more {
		return "+"
	}
	return ""
}

// Window returns the bounds of time in Options.
func (p page) Window() string {
	const form = "2006-01-02 15:04:05 UTC"
	switch since, until := p.Since.UTC().Format(form), p.Until.UTC().Format(form); {
	case p.Since.IsZero() && p.Until.IsZero():
		return "all time"
	case p.Until.IsZero():
		return "since " + since
	case p.Since.IsZero():
		return "before " + until
	default:
		return since + " to " + until
	}
}

// Covered returns the time from the first to the last bucket with executions.
func (p page) Covered() string {
	if len(p.Timeline) == 0 {
		return ""
	}
	const form = "2006-01-02 15:04 UTC"
	return p.Timeline[0].Start.UTC().Format(form) + " to " + p.Timeline[len(p.Timeline)-1].End.UTC().Format(form)
}

// TimelineText describes the chart of executions. Each of the following methods describes a
// section of the page.
func (p page) TimelineText() string {
	if len(p.Timeline) == 0 {
		return "How many executions began when, by how they ended."
	}
	busiest := slices.MaxFunc(p.Timeline, func(a, b repository.TimelineBucket) int {
		return cmp.Compare(executions(a), executions(b))
	})
	t := p.Totals
	return fmt.Sprintf("%s: %s passed, %s partial, %s cancelled, %s failed. Each bar is %s; the fullest, from %s, has %s.",
		many(t.Executions, "execution"),
		humanize.Comma(t.Passed), humanize.Comma(t.Partial), humanize.Comma(t.Cancelled), humanize.Comma(t.Failed),
		span(busiest), bucketName(busiest), humanize.Comma(executions(busiest)))
}

// StagesText names the slowest stage.
func (p page) StagesText() string {
	if len(p.Stages) == 0 {
		return "How long the stages of the pipeline took."
	}
	s := slices.MaxFunc(p.Stages, func(a, b repository.StagePercentiles) int { return cmp.Compare(a.P95MS, b.P95MS) })
	return fmt.Sprintf("The slowest by p95 is %s: half of its %s took at most %s, 95 %% at most %s, 99 %% at most %s.",
		s.Stage, many(s.Count, "run"), milliseconds(s.P50MS), milliseconds(s.P95MS), milliseconds(s.P99MS))
}

// AgentsText names the slowest of the shown agents.
func (p page) AgentsText() string {
	if len(p.Agents) == 0 {
		return "How long the executions of each agent took."
	}
	shown := many(int64(len(p.Agents)), "agent")
	if n := p.More.Agents; n > 0 {
		more := humanize.Comma(n) + plus(p.Totals.Agents >= repository.MaxLimit)
		shown = fmt.Sprintf("the %s with the most of them; and %s more", shown, more)
	}
	s := slices.MaxFunc(p.Agents, func(a, b repository.AgentPercentiles) int { return cmp.Compare(a.P95MS, b.P95MS) })
	return fmt.Sprintf("How long the executions took of %s. The slowest by p95 is \u2068%s\u2069, with %s.",
		shown, s.AgentID, milliseconds(s.P95MS))
}

// SLOsText counts the violations.
func (p page) SLOsText() string {
	if p.Totals.Violations == 0 {
		return "No SLO violations in this window: no target was missed."
	}
	worst := p.SLOs[0]
	text := fmt.Sprintf("%s, of which %s critical. Most often missed is \u2068%s\u2069: by %s of executions.",
		many(p.Totals.Violations, "violation"), humanize.Comma(p.Totals.Critical), worst.Metric, percent(worst.Missed, worst.Executions))
	return text + and(p.More.SLOs, "metric") + " The chart shows each value as a multiple of its target."
}

// CollisionsText names the pair with the most collisions.
func (p page) CollisionsText() string {
	c := p.Collisions
	if len(c.Pairs) == 0 {
		return "Which agents got in each other's way."
	}
	top := c.Pairs[0]
	text := fmt.Sprintf("%s. Most are between \u2068%s\u2069 and \u2068%s\u2069: %s, of which %s not resolved.",
		many(c.Collisions, "collision"), top.AgentID1, top.AgentID2, humanize.Comma(top.Count), humanize.Comma(top.Unresolved))
	return text + and(int64(c.MoreAgents), "agent") + and(p.More.Pairs, "pair")
}

// FailuresText counts the failures that are not shown.
func (p page) FailuresText() string {
	text := "The newest failed executions, with their errors."
	if len(p.Failures) == 0 {
		return text
	}
	return text + and(p.More.Failures, "failure")
}

// DriftText counts the executions that were compared.
func (p page) DriftText() string {
	s := p.DriftOf
	if s.Inputs == 0 {
		return "No two passed executions had the same inputs."
	}
	text := fmt.Sprintf("%s compared, which share %s.", many(s.Compared, "passed execution"), many(s.Inputs, "input"))
	if s.Unknown > 0 {
		text += fmt.Sprintf(" Of %s more the outputs are not known.", humanize.Comma(s.Unknown))
	}
	if p.More.MoreDrifts {
		return text + fmt.Sprintf(" Only the newest %s with drift are shown.", many(int64(len(p.Drifts)), "input"))
	}
	return text + and(p.More.Drifts, "input")
}

// and returns a sentence about rows that a list does not show, "" if there are none.
func and(n int64, what string) string {
	if n == 0 {
		return ""
	}
	return " And " + humanize.Comma(n) + " more " + plural(n, what) + ", not shown."
}

// many returns a number with its noun.
func many(n int64, what string) string { return humanize.Comma(n) + " " + plural(n, what) }

func plural(n int64, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}

// span returns the length of a bucket in words.
func span(b repository.TimelineBucket) string {
	length := b.End.Sub(b.Start.Time)
	for _, unit := range []struct {
		name    string
		minutes int64
	}{{"week", 7 * 24 * 60}, {"day", 24 * 60}, {"hour", 60}, {"minute", 1}} {
		if n := int64(length.Minutes()); n >= unit.minutes && n%unit.minutes == 0 {
			return many(n/unit.minutes, unit.name)
		}
	}
	return length.String()
}

// MissedSLOs returns the number of shown metrics with a violation and a target above 0. These
// are in the chart.
func (p page) MissedSLOs() (n int) {
	for _, s := range p.SLOs {
		if s.Violations > 0 && s.Target > 0 {
			n++
		}
	}
	return n
}

// The maximum length of texts in bytes. Longer texts lose their middle.
const (
	maxName  = 120
	maxError = 600
)

// maxList is the maximum size of a list in the page as JSON, in bytes, with all escapes of HTML
// and JSON. Its table takes about as much again. This keeps the page below 2 MB with any
// names.
const maxList = 56 << 10

// The maximum number of files, hashes per file, and executions of a drift.
const (
	driftFiles  = 10
	driftHashes = 5
	driftNames  = 3
)

// cut shortens texts and lists to the limits of a report.
func (d *Data) cut() {
	shorten(maxName, &d.Title, &d.AgentID)
	shorten(maxError, &d.Database)
	for i := range d.Agents {
		shorten(maxName, &d.Agents[i].AgentID)
	}
	d.Agents, d.More.Agents = fit(d.Agents, MaxAgents)
	for i := range d.SLOs {
		shorten(maxName, &d.SLOs[i].Metric, &d.SLOs[i].LastExecutionID, &d.SLOs[i].Unit)
	}
	d.SLOs, d.More.SLOs = fit(d.SLOs, MaxSLOs)
	for i := range d.Failures {
		f := &d.Failures[i]
		shorten(maxName, &f.ExecutionID, &f.AgentID, &f.Environment)
		shorten(maxError, &f.ErrorMessage)
	}
	d.Failures, _ = fit(d.Failures, MaxFailures)
	d.More.Failures = max(0, d.Totals.Failed-int64(len(d.Failures)))
	d.cutCollisions()
	for i := range d.Drifts {
		cutDrift(&d.Drifts[i])
	}
	d.Drifts, d.More.Drifts = fit(d.Drifts, MaxDrifts)
}

// cutCollisions shortens names and keeps the order of the pairs.
func (d *Data) cutCollisions() {
	c := &d.Collisions
	for i := range c.Agents {
		shorten(maxName, &c.Agents[i])
	}
	for i := range c.Pairs {
		shorten(maxName, &c.Pairs[i].AgentID1, &c.Pairs[i].AgentID2)
	}
	c.Pairs, d.More.Pairs = fit(c.Pairs, len(c.Pairs))
}

func cutDrift(d *repository.Drift) {
	d.Executions, _ = fit(d.Executions, driftNames)
	for i := range d.Executions {
		shorten(maxName, &d.Executions[i].ExecutionID, &d.Executions[i].AgentID)
	}
	d.MoreFiles += max(0, len(d.Files)-driftFiles)
	d.Files = slices.Clip(d.Files[:min(driftFiles, len(d.Files))])
	for i := range d.Files {
		f := &d.Files[i]
		shorten(maxName, &f.Path)
		f.Hashes = f.Hashes[:min(driftHashes, len(f.Hashes))]
		for j := range f.Hashes {
			h := &f.Hashes[j]
			shorten(maxName, &h.Hash)
			h.Executions = h.Executions[:min(driftNames, len(h.Executions))]
			for k := range h.Executions {
				shorten(maxName, &h.Executions[k])
			}
		}
	}
}

// fit returns the first rows of a list, at most limit of them and maxList bytes, and the number
// of the other rows.
func fit[T any](rows []T, limit int) ([]T, int64) {
	size := 0
	for i, row := range rows[:min(limit, len(rows))] {
		if size += weight(row); size > maxList {
			limit = i
			break
		}
	}
	shown := min(limit, len(rows))
	return slices.Clip(rows[:shown]), int64(len(rows) - shown)
}

// weight returns the size of v in the page in bytes.
func weight(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // impossible: rows are plain structs
	}
	return len(html.EscapeString(string(text)))
}

// shorten cuts texts to limit bytes. It removes the middle, since names often differ at the
// end, and cuts between characters.
func shorten(limit int, texts ...*string) {
	for _, text := range texts {
		s := *text
		if len(s) <= limit {
			continue
		}
		head := limit * 2 / 3
		tail := len(s) - (limit - head - len("…"))
		for head > 0 && !utf8.RuneStart(s[head]) {
			head--
		}
		for tail < len(s) && !utf8.RuneStart(s[tail]) {
			tail++
		}
		*text = s[:head] + "…" + s[tail:]
	}
}
