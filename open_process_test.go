package tier2_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const openEnv = "TIER2_TEST_OPEN"

// TestTenProcessesOpenANewPath runs this binary ten times; each opens the same path
// the moment it is told to, and saves a receipt.
func TestTenProcessesOpenANewPath(t *testing.T) {
	if path := os.Getenv(openEnv); path != "" {
		fmt.Println("ready")
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
		store := open(t, path)
		require.NoError(t, store.Receipts.Create(context.Background(), receipt("a")))
		return
	}
	t.Parallel()
	const processes = 10
	path := filepath.Join(t.TempDir(), "new", "folder", "tier2.db")
	var all sync.WaitGroup
	var ready sync.WaitGroup
	ready.Add(processes)
	start := make(chan struct{})
	for range processes {
		all.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestTenProcessesOpenANewPath$")
			cmd.Env = append(os.Environ(), openEnv+"="+path)
			var output strings.Builder
			cmd.Stderr = &output
			in, err := cmd.StdinPipe()
			if !assert.NoError(t, err) {
				return
			}
			out, err := cmd.StdoutPipe()
			if !assert.NoError(t, err) || !assert.NoError(t, cmd.Start()) {
				return
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			ready.Done()
			<-start
			fmt.Fprintln(in)
			for lines.Scan() {
				fmt.Fprintln(&output, lines.Text())
			}
			assert.NoError(t, cmd.Wait(), &output)
		})
	}
	ready.Wait()
	close(start)
	all.Wait()
	store := open(t, path)
	assert.EqualValues(t, processes, count(t, store, "receipts"))
	assert.EqualValues(t, processes, count(t, store, "audit_log"))
}
