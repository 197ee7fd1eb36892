package main

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// filters are the flags that the verbs that list rows share. A verb has those that mean
// something for its rows, which what names, as in "only executions".
type filters struct {
	agent        string
	since, until when
	limit        amount
}

func (f *filters) byAgent(a *app, cmd *cobra.Command, what string) {
	cmd.Flags().StringVar(&f.agent, "agent", "", "only "+what+" of this agent")
	a.flagWords(cmd, "agent", agentIDs)
}

func (f *filters) byTime(cmd *cobra.Command, what string) {
	cmd.Flags().Var(&f.since, "since", "only "+what+" since then: a time, in UTC unless it says otherwise, or how long ago, such as 7d or 24h")
	cmd.Flags().Var(&f.until, "until", "only "+what+" before then, likewise")
	for _, flag := range []string{"since", "until"} {
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions([]string{"1h", "24h", "7d", "30d"}, cobra.ShellCompDirectiveNoFileComp))
	}
}

func (f *filters) byNumber(cmd *cobra.Command) {
	f.limit.n = repository.DefaultLimit
	cmd.Flags().Var(&f.limit, "limit", "how many to show, or all")
	_ = cmd.RegisterFlagCompletionFunc("limit", cobra.FixedCompletions([]string{"all"}, cobra.ShellCompDirectiveNoFileComp))
}

func (f *filters) flags(a *app, cmd *cobra.Command, what string) {
	f.byAgent(a, cmd, what)
	f.byTime(cmd, what)
	f.byNumber(cmd)
}

// report is the filter of a report.
func (f *filters) report() repository.ReportFilter {
	return repository.ReportFilter{AgentID: f.agent, Since: f.since.Time, Until: f.until.Time}
}

// alone refuses flags that mean nothing beside what was given.
func alone(cmd *cobra.Command, given string, flags ...string) error {
	for _, name := range flags {
		if cmd.Flags().Changed(name) {
			return usageError{fmt.Errorf("--%s means nothing with %s", name, given)}
		}
	}
	return nil
}

// everything is no limit.
var everything = amount{n: math.MaxInt, given: true}

// amount is the value of --limit: how many rows to show at most.
type amount struct {
	n     int
	given bool
}

// Set implements pflag.Value.
func (m *amount) Set(text string) error {
	n, err := strconv.Atoi(text)
	if text == "all" {
		n, err = math.MaxInt, nil
	}
	if err != nil || n < 1 {
		return errors.New("must be a number from 1 on, or all")
	}
	m.n, m.given = n, true
	return nil
}

// Type implements pflag.Value.
func (*amount) Type() string { return "number" }

// String implements pflag.Value.
func (m *amount) String() string {
	if m.n == math.MaxInt {
		return "all"
	}
	return strconv.Itoa(m.n)
}

// page is the first page of a list of which so many rows are shown: one more than they
// are tells whether there are others.
func (m *amount) page() repository.Page {
	return repository.Page{Limit: min(m.n, repository.MaxLimit-1) + 1}
}

// enum adds a flag that takes one of the allowed values, and completes them.
func enum[T ~string](cmd *cobra.Command, p *T, name, usage string, allowed []T) {
	w := &word[T]{p, allowed}
	cmd.Flags().Var(w, name, usage)
	_ = cmd.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(texts(allowed), cobra.ShellCompDirectiveNoFileComp))
}

// word is the value of such a flag.
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

// texts is a list of enum values as plain strings.
func texts[T ~string](values []T) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}
