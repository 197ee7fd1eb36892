//go:build unix

package postgres

import (
	"net"
	"syscall"
)

// readable reports whether an idle connection has unread data: its end, or the server's message
// before it. It consumes nothing and needs no round trip.
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
	unread := false
	// raw.Read would wait for a read that pgx keeps running in the background after a slow
	// write.
	err = raw.Control(func(fd uintptr) {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		unread = err != syscall.EAGAIN
	})
	return unread || err != nil
}
