package sqlite

import (
	"context"
	"database/sql"
)

func upgradeSeed(ctx context.Context, conn *sql.Conn, schema string) error { return nil }
