package main

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/cmd/tier2/internal/term"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// completionTimeout is how long a shell waits for words from the database.
const completionTimeout = time.Second

// words returns completions from a database.
type words func(ctx context.Context, store *tier2.Store) ([]string, error)

// complete returns a function for cobra that completes from the database at *dsn, which is
// only read. On any error, such as a missing database, it returns no completions and prints
// nothing.
func complete(dsn *string, find words) cobra.CompletionFunc {
	return func(cmd *cobra.Command, _ []string, _ string) (list []string, _ cobra.ShellCompDirective) {
		ctx, cancel := context.WithTimeout(cmd.Context(), completionTimeout)
		defer cancel()
		opts := []tier2.Option{tier2.WithReadOnly(), tier2.WithBusyTimeout(completionTimeout)}
		err := with(ctx, *dsn, opts, func(store *tier2.Store) (err error) {
			list, err = find(ctx, store)
			return err
		})
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		unprintable := func(s string) bool { return s != term.Printable(s) } // shells cannot insert them
		return slices.DeleteFunc(list, unprintable), cobra.ShellCompDirectiveNoFileComp
	}
}

// first completes the first argument only.
func (a *app) first(find words) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return complete(&a.db, find)(cmd, args, typed)
	}
}

// flagWords completes a flag from --db.
func (a *app) flagWords(cmd *cobra.Command, flag string, find words) {
	_ = cmd.RegisterFlagCompletionFunc(flag, complete(&a.db, find))
}

// collect returns a text of each row.
func collect[T any](rows []T, err error, text func(T) string) (list []string, _ error) {
	for _, row := range rows {
		list = append(list, text(row))
	}
	return list, err
}

// agentIDs returns the agents with a receipt.
func agentIDs(ctx context.Context, store *tier2.Store) ([]string, error) {
	rows, err := store.Reports.AgentPerformance(ctx)
	return collect(rows, err, func(r models.AgentPerformance) string { return r.AgentID })
}

// memoryIDs returns the agents with a memory, the last updated first.
func memoryIDs(ctx context.Context, store *tier2.Store) ([]string, error) {
	rows, _, err := store.Memory.List(ctx, repository.MemoryFilter{Page: repository.Page{Limit: repository.MaxLimit}})
	return collect(rows, err, func(r models.AgentMemory) string { return r.AgentID })
}

// executionIDs returns the newest executions.
func executionIDs(ctx context.Context, store *tier2.Store) ([]string, error) {
	rows, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{Page: repository.Page{Limit: 100}})
	return collect(rows, err, func(r models.Receipt) string { return r.ExecutionID })
}

// sessionIDs returns the newest sessions.
func sessionIDs(ctx context.Context, store *tier2.Store) ([]string, error) {
	rows, _, err := store.Sessions.List(ctx, repository.SessionFilter{Page: repository.Page{Limit: 100}})
	return collect(rows, err, func(r models.WorkflowSession) string { return r.SessionID })
}

// trailIDs returns the newest executions and sessions.
func trailIDs(ctx context.Context, store *tier2.Store) ([]string, error) {
	list, err := executionIDs(ctx, store)
	if err != nil {
		return nil, err
	}
	sessions, err := sessionIDs(ctx, store)
	return append(list, sessions...), err
}

// environments returns the environments of the newest executions.
func environments(ctx context.Context, store *tier2.Store) ([]string, error) {
	rows, err := store.Reports.RecentExecutions(ctx)
	list, err := collect(rows, err, func(r models.RecentExecution) string { return r.Environment })
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(s string) bool { return s == "" }), err
}

// tableNames returns the names of the tables, parents before children.
func tableNames() (list []string) {
	for _, m := range models.All() {
		list = append(list, m.TableName())
	}
	return list
}

// storeOperations returns the operations of the audit entries that the store writes.
func storeOperations() (list []string) {
	for _, table := range tableNames() {
		if table == "audit_log" {
			continue
		}
		for _, action := range []string{"create", "update", "delete"} {
			list = append(list, table+"."+action)
		}
	}
	return list
}

// shells adds an example per shell to the completion verb of cobra.
func shells(root *cobra.Command) {
	root.InitDefaultCompletionCmd()
	if cmd, _, err := root.Find([]string{"completion"}); err == nil {
		cmd.RunE = missingVerb
	}
	for shell, example := range map[string]string{
		"bash":       "  tier2 completion bash >/etc/bash_completion.d/tier2",
		"zsh":        "  tier2 completion zsh >\"${fpath[1]}/_tier2\"",
		"fish":       "  tier2 completion fish >~/.config/fish/completions/tier2.fish",
		"powershell": "  tier2 completion powershell | Out-String | Invoke-Expression",
	} {
		if cmd, _, err := root.Find([]string{"completion", shell}); err == nil {
			cmd.Example = example
		}
	}
}
