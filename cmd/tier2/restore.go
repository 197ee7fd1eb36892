package main

import (
	"errors"
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
				return usageError{errors.New("give --from")}
			}
			for _, id := range ids {
				if strings.TrimSpace(id) == "" || !utf8.ValidString(id) {
					return usageError{fmt.Errorf("%q is no id of an execution", id)}
				}
			}
			where, err := location(source)
			if err != nil {
				return err
			}
			if err := a.canAsk(yes); err != nil {
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

func (a *app) bringBack(cmd *cobra.Command, source, where string, ids []string, yes bool) (err error) {
	ctx := cmd.Context()
	store, err := a.openMoving(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := openable(ctx, source); err != nil {
		return err
	}
	if !yes {
		which := "all executions"
		if len(ids) > 0 {
			which = fmt.Sprintf("%d executions", len(ids))
		}
		if err := a.confirm(ctx, fmt.Sprintf("Bring %s back from %s?", which, where)); err != nil {
			return err
		}
	}
	bar := a.progress("restoring")
	report, err := store.Restore(ctx, source, tier2.RestoreOptions{
		Executions: ids, Progress: func(r tier2.ArchiveReport) { bar.Set64(r.Executions) },
	})
	bar.Finish()
	return a.moved("restored", "from "+where, report, err)
}
