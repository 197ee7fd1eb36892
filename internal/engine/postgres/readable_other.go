//go:build !unix

package postgres

import "net"

// readable is not known here: a lost connection is found by pgx's own ping of one that
// was idle for a second, or by the statement that fails on it.
func readable(net.Conn) bool { return false }
