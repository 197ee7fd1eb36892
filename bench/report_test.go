package main

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func took(name string, times ...float64) *measurement {
	m := &measurement{contestant: name}
	for _, t := range times {
		m.add(sample{elapsed: t * float64(time.Millisecond), allocations: nan, size: nan})
	}
	return m
}

func TestTarget(t *testing.T) {
	// By rounds tier2 takes 2, 1/2 and 2/3 of a's time; by medians it would be 1.
	list := []*measurement{took("a", 1, 4, 3), took("tier2", 2, 2, 2), took("slow")}
	list[2].stopped = time.Minute
	for name, c := range map[string]struct {
		target target
		want   string
	}{
		"Met":         {atMost("tier2", elapsed, 0.7, "a"), "time ≤ 0.7 × a: 0.667, met"},
		"Missed":      {atMost("tier2", elapsed, 0.6, "a"), "time ≤ 0.6 × a: 0.667, **missed**"},
		"Faster":      {faster("tier2", 1.5, "a"), "≥ 1.5 × as fast as a: 1.5, met"},
		"NotFaster":   {faster("tier2", 1.6, "a"), "≥ 1.6 × as fast as a: 1.5, **missed**"},
		"Below":       {below("tier2", elapsed, 2e6), "≤ 2ms: 2ms, met"},
		"Above":       {below("a", elapsed, 2e6), "≤ 2ms: 3ms, **missed**"},
		"NoAllocs":    {atMost("tier2", allocations, 1, "a"), "not measured"},
		"NotMeasured": {below("slow", elapsed, 1), "≤ 1ns: not measured"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, c.target.judge(list)) })
	}
}

func TestReplaceIn(t *testing.T) {
	first := section{name: "large", title: "Old large"}.replaceIn("")
	both := section{name: "sqlite", title: "Small"}.replaceIn(first)
	assert.True(t, strings.HasPrefix(both, preface))
	assert.Less(t, strings.Index(both, "## Small"), strings.Index(both, "## Old large"))
	again := section{name: "large", title: "New large"}.replaceIn(both)
	assert.Contains(t, again, "## Small")
	assert.Contains(t, again, "## New large")
	assert.NotContains(t, again, "Old large")
	assert.Equal(t, again, section{name: "large", title: "New large"}.replaceIn(again))

	noted := again + "\n" + notesMark + "by hand\n"
	assert.Equal(t, noted, section{name: "large", title: "New large"}.replaceIn(noted), "what a person wrote stays")
}
