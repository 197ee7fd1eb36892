package term

import (
	"bytes"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// shared is a writer that signals its first write.
type shared struct {
	once  sync.Once
	first chan struct{}
	mu    sync.Mutex
	text  bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.once.Do(func() { close(s.first) })
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

// TestSpin checks that a spinner appears after its delay, and is removed by stop.
func TestSpin(t *testing.T) {
	t.Parallel()
	w := &shared{first: make(chan struct{})}
	stop := spin(w, "verifying", time.Nanosecond, time.Nanosecond)
	<-w.first
	stop()
	assert.Contains(t, w.text.String(), "verifying")
	assert.Regexp(t, `\r *\r$`, w.text.String())

	w = &shared{first: make(chan struct{})}
	spin(w, "verifying", time.Hour, time.Hour)()
	assert.Empty(t, w.text.String(), "it was over before")
}
