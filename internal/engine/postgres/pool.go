package postgres

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
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

// writeGrace is how long sending a statement may continue after the end of its context.
const writeGrace = time.Second

// interrupter ends a statement with its context. The handler of pgx sets a deadline in the past
// for writes as well. If it interrupts a write, TLS rejects all later writes, also the message
// that ends the session (https://pkg.go.dev/crypto/tls#Conn.SetWriteDeadline), and the server
// keeps the transaction and its locks until pgx gives up after 15 seconds.
type interrupter struct{ conn *pgconn.PgConn }

// newInterrupter implements pgconn.Config.BuildContextWatcherHandler.
func newInterrupter(conn *pgconn.PgConn) ctxwatch.Handler { return interrupter{conn} }

// HandleCancel implements ctxwatch.Handler.
func (i interrupter) HandleCancel(context.Context) {
	_ = i.conn.Conn().SetWriteDeadline(time.Now().Add(writeGrace))
	_ = i.conn.Conn().SetReadDeadline(time.Unix(1, 0)) // long ago
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler.
func (i interrupter) HandleUnwatchAfterCancel() { _ = i.conn.Conn().SetDeadline(time.Time{}) }
