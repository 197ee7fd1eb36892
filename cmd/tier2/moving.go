package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// What archive and restore share.

// openMoving opens --db, which seals what moves with the key of the environment.
func (a *app) openMoving(ctx context.Context) (*tier2.Store, error) {
	opts, err := signing("")
	if err != nil {
		return nil, err
	}
	return openExisting(ctx, a.db, opts...)
}

// openable tries to open an archive that is there, so that what is wrong with it is said
// before anyone is asked, and is not taken for an error of what is moved.
func openable(ctx context.Context, dsn string) error {
	store, err := tier2.Open(ctx, dsn, tier2.WithExisting())
	if err != nil {
		return err
	}
	return store.Close()
}

// moved prints what was moved, if only a part of it before an error.
func (a *app) moved(done, where string, report tier2.ArchiveReport, err error) error {
	if err == nil || report != (tier2.ArchiveReport{}) {
		if printed := a.printMoved(done, where, report); printed != nil {
			return printed
		}
	}
	return a.unmoved(err)
}

// unmoved tells what is found wrong with rows or an archive from what is wrong with the
// command line or cannot be opened, which names no table.
func (a *app) unmoved(err error) error {
	var e *models.Error
	if errors.As(err, &e) && e.Table == "" {
		switch e.Kind {
		case models.ErrInvalid:
			return usageError{err}
		case models.ErrNotFound:
			return err
		}
	}
	return a.refused(err, models.ErrConflict, models.ErrInvalid, models.ErrCorrupt, models.ErrNotFound)
}

func (a *app) printMoved(done, where string, r tier2.ArchiveReport) error {
	if a.json {
		return a.printJSON(r)
	}
	_, err := fmt.Fprintf(a.stdout, "%s %d executions %s: %d metrics, %d SLO violations, %d audit entries\n",
		done, r.Executions, where, r.Metrics, r.Violations, r.Entries)
	if r.Kept > 0 {
		_, err = fmt.Fprintf(a.stdout, "kept %d executions, which others changed meanwhile: another run takes them\n", r.Kept)
	}
	return err
}
