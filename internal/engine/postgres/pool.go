package postgres

import (
	"context"
	"database/sql"
	"errors"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// pool is a *sql.DB whose transactions explain a failed COMMIT.
type pool struct{ *sql.DB }

// BeginTx implements gorm.ConnPoolBeginner.
func (p pool) BeginTx(ctx context.Context, opts *sql.TxOptions) (gorm.ConnPool, error) {
	tx, err := p.DB.BeginTx(ctx, opts)
	if err != nil {
		return nil, err
	}
	return &transaction{tx, ctx}, nil
}

// GetDBConn implements gorm.GetDBConnector.
func (p pool) GetDBConn() (*sql.DB, error) { return p.DB, nil }

type transaction struct {
	*sql.Tx
	ctx context.Context
}

// Commit commits. If the reply to COMMIT is lost, the error says that the outcome is unknown.
func (t *transaction) Commit() error {
	ended := t.ctx.Err() != nil
	err := t.Tx.Commit()
	switch {
	case err == nil || ended || pgconn.SafeToRetry(err):
		return err // committed, or COMMIT was not sent
	case lost(err):
		return unavailable("the connection to the server was lost during COMMIT: "+err.Error()+
			"; the transaction may have been committed, look before writing again", err)
	case errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded):
		return &models.Error{Reason: "the context ended during COMMIT: the transaction may have been committed, look before writing again", Err: err}
	}
	return err
}

// Rollback rolls back. It ignores a lost connection, for which the server has rolled back.
func (t *transaction) Rollback() error {
	if err := t.Tx.Rollback(); !lost(err) {
		return err
	}
	return nil
}

func unavailable(reason string, err error) error {
	return &models.Error{Kind: models.ErrUnavailable, Reason: reason, Err: err}
}
