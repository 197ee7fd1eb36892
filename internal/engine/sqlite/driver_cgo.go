//go:build cgo

package sqlite

import (
	"database/sql/driver"
	"errors"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// DriverName is the name of the driver in database/sql, DriverModule its Go module.
const (
	DriverName   = "sqlite3"
	DriverModule = "github.com/mattn/go-sqlite3"
)

// driverParams are mattn's own DSN keys: immediate transactions, because a deferred
// transaction that reads first cannot wait for the lock; and a cache of prepared statements
// per connection, which GORM's PrepareStmt does not replace inside transactions.
var driverParams = map[string]string{"_txlock": "immediate", "_stmt_cache_size": "64"}

func newDriver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// onCommit calls hook on every COMMIT, and turns the COMMIT into a rollback unless it returns 0.
func onCommit(conn driver.Conn, hook func() int32) {
	conn.(*sqlite3.SQLiteConn).RegisterCommitHook(func() int { return int(hook()) })
}

// errorCode returns SQLite's extended result code (https://www.sqlite.org/rescode.html).
func errorCode(err error) (int, bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	if e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT {
		return codeFull, true
	}
	if e.ExtendedCode != 0 {
		return int(e.ExtendedCode), true
	}
	return int(e.Code), true
}
