package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

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
