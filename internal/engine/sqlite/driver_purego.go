//go:build !cgo

package sqlite

import (
	"database/sql/driver"
	"errors"

	"modernc.org/sqlite"
)

// DriverName is the name of the driver in database/sql, DriverModule its Go module.
const (
	DriverName   = "sqlite"
	DriverModule = "modernc.org/sqlite"
)

// driverParams are modernc's own DSN keys: immediate transactions, because a deferred
// transaction that reads first cannot wait for the lock; and times as the text that SQLite's
// date functions read, instead of Go's time.String.
var driverParams = map[string]string{"_txlock": "immediate", "_time_format": "sqlite", "_timezone": "UTC"}

func newDriver() driver.Driver { return &sqlite.Driver{} }

// onCommit calls hook on every COMMIT, and turns the COMMIT into a rollback unless it returns 0.
func onCommit(conn driver.Conn, hook func() int32) {
	conn.(sqlite.HookRegisterer).RegisterCommitHook(hook)
}

// errorCode returns SQLite's extended result code (https://www.sqlite.org/rescode.html).
func errorCode(err error) (int, bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code(), true
}
