package report

import (
	"encoding/json"
	"html"
	"slices"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

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
