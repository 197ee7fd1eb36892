package hooks

import (
	"context"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// exactAttempts is how often a statement is tried whose rows were added to, between
// the reading of the old values and the writing, by other transactions.
const exactAttempts = 10

// exact runs attempt until it says that it saw the old values of all that it changed.
// An engine that shuts out other writers needs one attempt; on another, each runs in
// a savepoint and is undone if it fell short. The next one finds what was committed
// meanwhile, and locks it.
func (d *dialect) exact(ctx context.Context, pool gorm.ConnPool, attempt func() (complete bool, err error)) error {
	if d.lock == "" {
		_, err := attempt()
		return err
	}
	exec := func(query string) error {
		_, err := pool.ExecContext(ctx, query)
		return err
	}
	for range exactAttempts {
		if err := exec("SAVEPOINT tier2_exact"); err != nil {
			return err
		}
		complete, err := attempt()
		if err != nil {
			return err
		}
		if complete {
			return exec("RELEASE SAVEPOINT tier2_exact")
		}
		if err := exec("ROLLBACK TO SAVEPOINT tier2_exact"); err != nil {
			return err
		}
	}
	return &models.Error{Kind: models.ErrRetry, Reason: "other transactions kept changing the same rows; try again"}
}
