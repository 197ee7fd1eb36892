//go:build cgo

package sqlite

import (
	"database/sql/driver"
	"errors"
	"syscall"

	"github.com/mattn/go-sqlite3"
)

// DriverName is how database/sql knows the driver, and DriverModule where it is from.
const (
	DriverName   = "sqlite3"
	DriverModule = "github.com/mattn/go-sqlite3"
)

// driverParams are mattn's own DSN keys: immediate transactions, because a deferred
// one that reads first cannot wait for the lock; and a cache of prepared statements
// per connection, which GORM's PrepareStmt does not replace inside transactions.
var driverParams = map[string]string{"_txlock": "immediate", "_stmt_cache_size": "64"}

func newDriver() driver.Driver { return &sqlite3.SQLiteDriver{} }

// onCommit has every COMMIT ask whether it may; one that may not becomes a rollback.
func onCommit(conn driver.Conn, may func() bool) {
	conn.(*sqlite3.SQLiteConn).RegisterCommitHook(func() int {
		if may() {
			return 0
		}
		return 1
	})
}

// errorCode is SQLite's extended result code (https://www.sqlite.org/rescode.html).
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
