//go:build cgo

package main

import (
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
)

// dialector returns a dialector for mattn/go-sqlite3, which needs a C compiler. Immediate
// transactions wait for another writer; deferred transactions fail if they have read before.
func dialector(path string) gorm.Dialector {
	return sqlite.Open("file:" + path + "?_foreign_keys=1&_journal_mode=WAL&_busy_timeout=10000&_txlock=immediate")
}
