package tier2

import (
	"context"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Maintain keeps a large database fast, and may run at any time, beside writers and
// readers. It refreshes the statistics of the query planner. On SQLite it also brings the
// totals of the views up to date, anew if another program has made them wrong in a way
// that Verify finds; writes the file anew (VACUUM) if at least a quarter of its pages is
// free, which lets no one write meanwhile; and empties the WAL, unless a reader still
// needs it. On PostgreSQL it vacuums each table.
//
// The error wraps models.ErrInvalid inside a transaction, models.ErrBusy when another
// process keeps the database locked, models.ErrReadOnly, models.ErrClosed, and the
// context's own error.
func (s *Store) Maintain(ctx context.Context) error { return s.MaintainSteps(ctx, nil) }

// MaintainSteps is Maintain, and calls done, unless nil, with a sentence for each thing
// that it did, found not needed, or left to another time because others were in the way.
func (s *Store) MaintainSteps(ctx context.Context, done func(step string)) error {
	if s.db != s.handles.Write {
		return &models.Error{Kind: models.ErrInvalid, Reason: "a database cannot be maintained from inside a transaction"}
	}
	return s.handles.Maintain(ctx, func(format string, args ...any) {
		if done != nil {
			done(fmt.Sprintf(format, args...))
		}
	})
}
