package backend

import (
	"context"
	"database/sql"
	"errors"
)

// Querier is a pool, a connection or a transaction.
type Querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// Each scans each row of a query into dest and calls f. If db is a pool with one connection, f
// must not query it.
func Each(ctx context.Context, db Querier, dest []any, f func(), query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		f()
	}
	return rows.Err()
}

// Texts returns the only column of a query.
func Texts(ctx context.Context, db Querier, query string, args ...any) (list []string, err error) {
	var text string
	err = Each(ctx, db, []any{&text}, func() { list = append(list, text) }, query, args...)
	return list, err
}

// Ended joins the error of the context to err if the context has ended, since drivers do not
// always return it.
func Ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return errors.Join(ctx.Err(), err)
	}
	return err
}
