package tier2

import (
	"context"
	"errors"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/postgres"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
	"github.com/seanchatmangpt/ggen/tier2/internal/sealing"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// VerifyAudit is Audit.Verify of the database at dsn, which it neither makes nor changes;
// Verify is the check of everything else. Errors: those of Audit.Verify, and
// models.ErrNotFound for no file, models.ErrInvalid for another version of the schema.
func VerifyAudit(ctx context.Context, dsn string, opts ledger.VerifyOptions) (*ledger.Report, error) {
	bulk, end, err := openReading(ctx, dsn)
	if err != nil {
		return nil, err
	}
	report, err := newSeal(bulk, engine.Config{}).Verify(ctx, opts)
	return report, errors.Join(err, end())
}

// openReading lets the DSN choose the engine.
func openReading(ctx context.Context, dsn string) (engine.Bulk, func() error, error) {
	if postgres.IsDSN(dsn) {
		return postgres.Reading(ctx, dsn)
	}
	return sqlite.Reading(ctx, dsn)
}

// seal implements repository.Ledger.
type seal struct{ sealing.Log }

func newSeal(bulk engine.Bulk, cfg engine.Config) *seal {
	return &seal{sealing.Log{
		Bulk: bulk, Now: cfg.Now, Signer: cfg.Signer, Anchor: cfg.Anchor, Archive: openReading,
	}}
}

// Seal implements repository.Ledger.
func (s *seal) Seal(ctx context.Context) (ledger.Checkpoint, error) { return s.Log.Seal(ctx, 0) }

// closingEntries is how many entries Close seals at most: some tenths of a second. What is
// left, the next store seals.
const closingEntries = 50_000

// sealWritten seals on Close, if this store has written anything.
func (s *Store) sealWritten() error {
	if !s.handles.Kept || !s.log.Wrote() {
		return nil
	}
	_, err := s.seal.Log.Seal(context.Background(), closingEntries)
	for _, later := range []error{models.ErrBusy, models.ErrUnavailable, models.ErrReadOnly, models.ErrFull} {
		if errors.Is(err, later) {
			return nil // the next store catches up
		}
	}
	return err
}
