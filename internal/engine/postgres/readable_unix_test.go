//go:build unix

package postgres

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReadable: readable works while a Read waits on the connection, as pgx does after a COPY.
func TestReadable(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	server, err := listener.Accept()
	require.NoError(t, err)
	assert.False(t, readable(conn))
	read := make(chan error)
	go func() {
		_, err := conn.Read(make([]byte, 1))
		read <- err
	}()
	time.Sleep(50 * time.Millisecond) // for the Read to wait
	answer := make(chan bool, 1)
	go func() { answer <- readable(conn) }()
	select {
	case got := <-answer:
		assert.False(t, got)
	case <-time.After(10 * time.Second):
		t.Error("readable waits for the Read")
	}
	_, err = server.Write([]byte("x"))
	require.NoError(t, err)
	require.NoError(t, <-read)
	require.NoError(t, server.Close())
	assert.Eventually(t, func() bool { return readable(conn) }, 10*time.Second, time.Millisecond, "the end")
}
