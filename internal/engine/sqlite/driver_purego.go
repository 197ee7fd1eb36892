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

// onCommit calls allowed on every COMMIT, and turns the COMMIT into a rollback if it returns
// false.
func onCommit(conn driver.Conn, allowed func() bool) {
	conn.(sqlite.HookRegisterer).RegisterCommitHook(func() int32 {
		if allowed() {
			return 0
		}
		return 1
	})
}

// errorCode returns SQLite's extended result code (https://www.sqlite.org/rescode.html).
func errorCode(err error) (int, bool) {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	return e.Code(), true
}
