package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
)

func (a *app) restore() *cobra.Command {
	var source string
	var yes bool
	cmd := &cobra.Command{
		Use:   "restore --from ARCHIVE [EXECUTION-ID...]",
		Short: "Bring executions back from an archive",
		Long: `Brings executions back that archive moved away, with all that went with them:
those with the given ids, or all without any. What is there already stays as it
is, and the archive keeps what it has, so it may be run again. The audit log
says what came back, and is sealed, signed if ` + signingKey + ` is set.

It asks before it begins; where stdin is no terminal it needs --yes. Exit code 1
if ARCHIVE has no execution of an id, is a store of its own or the archive of
another store, if an execution is there as another one, if the audit log is not
of one history, or if the answer was not yes.`,
		Example: `  tier2 restore --from archive/2025.db exec-001 exec-002
  tier2 restore --from archive/2025.db --yes`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			if source == "" {
				return usagef("give --from")
			}
			for _, id := range ids {
				if strings.TrimSpace(id) == "" || !utf8.ValidString(id) {
					return usagef("%q is no id of an execution", id)
				}
			}
			where, err := location(source)
			if err != nil {
				return err
			}
			if err := a.checkCanAsk(yes); err != nil {
				return err
			}
			return a.bringBack(cmd, source, where, ids, yes)
		},
	}
	cmd.ValidArgsFunction = func(cmd *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.words(cmd, source, executionIDs), cobra.ShellCompDirectiveNoFileComp
	}
	cmd.Flags().StringVar(&source, "from", "", "the archive: a path, a file: URI or a postgres:// URL")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (a *app) bringBack(cmd *cobra.Command, source, where string, ids []string, yes bool) error {
	ctx := cmd.Context()
	return a.withSigner(ctx, func(store *tier2.Store) error {
		if err := checkOpens(ctx, source); err != nil {
			return err
		}
		if !yes {
			which := "all executions"
			if len(ids) > 0 {
				which = fmt.Sprintf("%d executions", len(ids))
			}
			if err := a.confirm(ctx, "Bring %s back from %s?", which, where); err != nil {
				return err
			}
		}
		bar := a.Count("restoring", -1)
		report, err := store.Restore(ctx, source, tier2.RestoreOptions{
			Executions: ids, Progress: func(r tier2.ArchiveReport) { bar.Set(r.Executions) },
		})
		bar.Finish()
		return a.finishMove("restored", "from "+where, report, err)
	})
}
