package report

import (
	"encoding/json"
	"html"
	"slices"
	"unicode/utf8"

	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// How long a text may be, in bytes; of a longer one the middle is left out.
const (
	maxName  = 120
	maxError = 600
)

// maxList is how much a list may take in the page as JSON, in bytes, when everything
// that HTML and JSON escape is escaped; its table takes about as much again. With that
// the page stays below 2 MB whatever the names are.
const maxList = 56 << 10

// What a drift shows of its files, hashes and executions.
const (
	driftFiles  = 10
	driftHashes = 5
	driftNames  = 3
)

// cut keeps the data within the bounds of a report.
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

// cutCollisions leaves the pairs in the order of their counts.
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

// fit is the first rows of a list, at most so many and no more than maxList, and how
// many are left out.
func fit[T any](rows []T, most int) ([]T, int64) {
	size := 0
	for i, row := range rows[:min(most, len(rows))] {
		if size += weight(row); size > maxList {
			most = i
			break
		}
	}
	shown := min(most, len(rows))
	return slices.Clip(rows[:shown]), int64(len(rows) - shown)
}

// weight is the size of v in the page, as JSON and as text, whichever is more.
func weight(v any) int {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // the rows are plain structs
	}
	return len(html.EscapeString(string(text)))
}

// shorten cuts texts to so many bytes, out of their middle, since names often differ
// in the end; and between two characters.
func shorten(most int, texts ...*string) {
	for _, text := range texts {
		s := *text
		if len(s) <= most {
			continue
		}
		head := most * 2 / 3
		tail := len(s) - (most - head - len("…"))
		for head > 0 && !utf8.RuneStart(s[head]) {
			head--
		}
		for tail < len(s) && !utf8.RuneStart(s[tail]) {
			tail++
		}
		*text = s[:head] + "…" + s[tail:]
	}
}
