//go:build !unix

package postgres

import "net"

// readable returns false, since the state of the socket is unknown here. Lost connections are
// found by the ping after a second of idleness, or by the statement that fails.
func readable(net.Conn) bool { return false }
