package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Reading opens a database that is there to read whole tables of it, without making,
// upgrading or changing it. It must have the schema of this version.
func Reading(ctx context.Context, dsn string) (_ engine.Bulk, end func() error, err error) {
	where, err := locate(dsn)
	if err != nil {
		return nil, nil, err
	}
	if where.memory != "" {
		return nil, nil, &models.Error{Value: dsn, Reason: "is no file that could be read", Kind: models.ErrInvalid}
	}
	if _, err := os.Stat(where.path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &models.Error{Value: where.path, Reason: "the file does not exist", Kind: models.ErrNotFound, Err: err}
	}
	// mode=rw, as for Verify, because of the WAL.
	db := openPool(where.uri("rw"), 1, busyTimeout(engine.DefaultBusyTimeout), "query_only(ON)")
	var version int
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err == nil && version != SchemaVersion {
		err = &models.Error{Kind: models.ErrInvalid, Reason: fmt.Sprintf("the schema has version %d, not %d; opening the store once upgrades an older one", version, SchemaVersion)}
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", where, translate(err)), db.Close())
	}
	return &bulk{where: where, read: db}, db.Close, nil
}
