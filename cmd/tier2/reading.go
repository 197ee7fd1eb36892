package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// lists marks a verb that prints rows, and takes --csv.
const lists = "lists"

// listing is cmd as a verb that prints rows.
func listing(cmd *cobra.Command) *cobra.Command {
	cmd.Annotations = map[string]string{lists: ""}
	return cmd
}

// form checks the flags that say how a verb prints.
func (a *app) form(cmd *cobra.Command) error {
	_, ok := cmd.Annotations[lists]
	switch {
	case a.csv && !ok:
		return usageError{fmt.Errorf("--csv: %q lists no rows", cmd.CommandPath())}
	case a.csv && a.json:
		return usageError{errors.New("give either --json or --csv")}
	}
	return nil
}

// read opens --db for read, and closes it; it makes, upgrades and writes nothing. What the store refuses in read is a wrong
// command line, since nothing is written.
func (a *app) read(cmd *cobra.Command, read func(store *tier2.Store) error) error {
	store, err := openExisting(cmd.Context(), a.db, tier2.WithReadOnly())
	if err != nil {
		return err
	}
	defer a.busy("reading")()
	if err = read(store); errors.Is(err, models.ErrInvalid) {
		err = usageError{err}
	}
	return errors.Join(err, store.Close())
}
