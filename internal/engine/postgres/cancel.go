package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// writeGrace is how much longer than its context a statement may take to be sent.
const writeGrace = time.Second

// interrupter ends a statement with its context. pgx's own sets the deadline of writes
// too: if that meets one, TLS writes nothing any more, not even what ends the session
// (https://pkg.go.dev/crypto/tls#Conn.SetWriteDeadline), and the server keeps the
// transaction with its locks until pgx gives up waiting, after 15 seconds.
type interrupter struct{ conn *pgconn.PgConn }

// newInterrupter is for pgconn.Config.BuildContextWatcherHandler.
func newInterrupter(conn *pgconn.PgConn) ctxwatch.Handler { return interrupter{conn} }

// HandleCancel implements ctxwatch.Handler.
func (i interrupter) HandleCancel(context.Context) {
	_ = i.conn.Conn().SetWriteDeadline(time.Now().Add(writeGrace))
	_ = i.conn.Conn().SetReadDeadline(time.Unix(1, 0)) // long ago
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler.
func (i interrupter) HandleUnwatchAfterCancel() { _ = i.conn.Conn().SetDeadline(time.Time{}) }
