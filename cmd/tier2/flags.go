package main

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// filters holds the flags shared by verbs that list rows. The parameter what is the noun for
// these rows in help texts, as in "only executions".
type filters struct {
	agent        string
	since, until when
	limit        term.Limit
}

func (f *filters) byAgent(a *app, cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.agent, "agent", "", "only "+what+" of this agent")
	a.flagWords(cmd, "agent", agentIDs)
}

func (f *filters) byTime(cmd *cobra.Command, what string) {
	cmd.Flags().Var(&f.since, "since", "only "+what+" since then: a time, in UTC unless it says otherwise, or how long ago, such as 7d or 24h")
	cmd.Flags().Var(&f.until, "until", "only "+what+" before then, likewise")
	for _, flag := range []string{"since", "until"} {
		offer(cmd, flag, "1h", "24h", "7d", "30d")
	}
}

func (f *filters) byNumber(cmd *cobra.Command) {
	f.limit.Rows = repository.DefaultLimit
	cmd.Flags().Var(&f.limit, "limit", "how many to show, or all")
	offer(cmd, "limit", "all")
}

func (f *filters) flags(a *app, cmd *cobra.Command, what string) {
	f.byAgent(a, cmd, what)
	f.byTime(cmd, what)
	f.byNumber(cmd)
}

// onePage changes the help text of --limit for verbs that show one page of rows at most.
func onePage(cmd *cobra.Command, what string) {
	cmd.Flags().Lookup("limit").Usage = "how many " + what + " to show, up to 1000, or all of these"
}

// checkPage rejects a --limit above one page.
func (f *filters) checkPage() error {
	if f.limit.Rows > repository.MaxLimit && f.limit != term.NoLimit {
		return usagef("--limit %v: must lie in 1 to %d", &f.limit, repository.MaxLimit)
	}
	return nil
}

// report returns the filter of a report.
func (f *filters) report() repository.ReportFilter {
	return repository.ReportFilter{AgentID: f.agent, Since: f.since.Time, Until: f.until.Time}
}

// alone rejects flags that have no meaning together with the given argument or flag.
func alone(cmd *cobra.Command, given string, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return usagef("--%s means nothing with %s", name, given)
		}
	}
	return nil
}

// firstPage returns the first page of a list. It has one row more than are shown, so that
// the list knows whether there are more.
func firstPage(limit term.Limit) repository.Page {
	return repository.Page{Limit: min(limit.Rows, repository.MaxLimit-1) + 1}
}

// pages yields the rows of a list, page by page.
func pages[T any](limit term.Limit, list func(repository.Page) ([]T, string, error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		p := firstPage(limit)
		for {
			rows, next, err := list(p)
			if err != nil {
				var zero T
				yield(zero, err)
				return
			}
			for _, row := range rows {
				if !yield(row, nil) {
					return
				}
			}
			if next == "" {
				return
			}
			p.Cursor = next
		}
	}
}

// offer completes a flag with fixed words.
func offer(cmd *cobra.Command, flag string, words ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// enum adds a flag that takes one of the allowed values, and completes them.
func enum[T ~string](cmd *cobra.Command, p *T, name, usage string, allowed []T) {
	w := &word[T]{p, allowed}
	cmd.Flags().Var(w, name, usage)
	offer(cmd, name, texts(allowed)...)
}

// word is the value of a flag that enum adds.
type word[T ~string] struct {
	p       *T
	allowed []T
}

// Set implements pflag.Value.
func (w *word[T]) Set(text string) error {
	if !slices.Contains(w.allowed, T(text)) {
		return &models.Error{Value: text, Kind: models.ErrInvalid, Reason: "is not an allowed value", Allowed: texts(w.allowed)}
	}
	*w.p = T(text)
	return nil
}

// Type implements pflag.Value.
func (*word[T]) Type() string { return "name" }

// String implements pflag.Value.
func (w *word[T]) String() string {
	if w.p == nil {
		return ""
	}
	return string(*w.p)
}

// texts returns enum values as plain strings.
func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// when is the value of a flag that is a time: ISO 8601, such as 2026-01-29 or
// 2026-01-29T12:34:56Z and in UTC unless it has a zone, or how long ago, such as 7d, 24h or
// 1d12h. The zero value is the zero time.
type when struct{ time.Time }

// Set implements pflag.Value.
func (w *when) Set(text string) error {
	if at, err := models.ParseTimestamp(text); err == nil {
		w.Time = at.Time
		return nil
	}
	ago, err := age(text)
	if err != nil {
		return err
	}
	w.Time = time.Now().Add(-ago).UTC()
	return nil
}

// Type implements pflag.Value.
func (*when) Type() string { return "time" }

// String implements pflag.Value.
func (w *when) String() string {
	if w.IsZero() {
		return ""
	}
	return w.Format(time.RFC3339)
}

// age parses a duration in Go's form that may begin with days, each of 24 hours. It rejects
// negative durations.
func age(text string) (time.Duration, error) {
	invalid := errors.New("must be a time such as 2026-01-29T12:34:56Z, or how long ago, such as 7d or 24h")
	days, rest, found := strings.Cut(text, "d")
	if !found {
		days, rest = "0", text
	}
	n, err := strconv.ParseUint(days, 10, 64)
	if err != nil {
		return 0, invalid
	}
	var part time.Duration
	if rest != "" || !found {
		if part, err = time.ParseDuration(rest); err != nil || part < 0 {
			return 0, invalid
		}
	}
	const day = 24 * time.Hour
	if n > uint64((math.MaxInt64-part)/day) {
		return 0, fmt.Errorf("is longer than %d days ago", math.MaxInt64/day)
	}
	return time.Duration(n)*day + part, nil
}
