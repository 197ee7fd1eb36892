//go:build unix

package postgres

import (
	"net"
	"syscall"
)

// readable reports whether something waits to be read on an idle connection: its end,
// or what a server says that ends it. It reads nothing and costs no round trip.
func readable(conn net.Conn) bool {
	if secured, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = secured.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return true
	}
	waits := false
	// Not raw.Read, which would wait for a read of pgx's own: after a slow write it keeps
	// one going in the background.
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		waits = err != syscall.EAGAIN
	})
	return waits || err != nil
}
