package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine"
)

// Reading opens a database that is there to read whole tables of it, without making,
// upgrading or changing it. It must have the schema of this version.
func Reading(ctx context.Context, dsn string) (_ engine.Bulk, end func() error, err error) {
	server, err := parse(dsn)
	if err != nil {
		return nil, nil, err
	}
	cfg := engine.Config{DSN: dsn}
	cfg.Fill()
	db := openPool(cfg, server, "on")
	conn, err := db.Conn(ctx)
	if err == nil {
		var now state
		if now, err = inspect(ctx, conn); err == nil && now.version != SchemaVersion {
			err = refuse("the schema has version %d, not %d; opening the store once upgrades an older one", now.version, SchemaVersion)
		}
		err = errors.Join(err, conn.Close())
	}
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("read %s: %w", where(server), translate(err)), closePool(db))
	}
	return &bulk{read: db}, func() error { return closePool(db) }, nil
}
