//go:build !cgo

package main

import (
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	_ "modernc.org/sqlite" // registers the driver "sqlite"
)

// dialector returns a dialector for modernc.org/sqlite, which is pure Go. Immediate
// transactions wait for another writer; deferred transactions fail if they have read before.
func dialector(path string) gorm.Dialector {
	return sqlite.Dialector{DriverName: "sqlite", DSN: "file:" + path +
		"?_pragma=busy_timeout(10000)&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_txlock=immediate&_time_format=sqlite"}
}
