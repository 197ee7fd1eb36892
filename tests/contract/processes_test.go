package contract

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Parameters of a child process of hooksProcesses: the database, the number of the child,
// and the number of saves. TIER2_SAVES may also be set by the person who runs the test.
const (
	saverEnv     = "TIER2_SAVER_DSN"
	saverNameEnv = "TIER2_SAVER"
	savesEnv     = "TIER2_SAVES"
)

// hooksProcesses: when 8 processes save for one agent, no count is lost.
func hooksProcesses(t *T) {
	const processes = 8
	saves := 40
	if s := os.Getenv(savesEnv); s != "" {
		var err error
		saves, err = strconv.Atoi(s)
		require.NoError(t, err)
	}
	dsn := t.engine.DSN(t)
	store := t.engine.open(t, dsn).store
	// The child runs the same test, in which runAll calls save.
	caller := "^" + strings.ReplaceAll(t.owner.Name(), "/", "$/^") + "$"
	children, outputs := make([]*exec.Cmd, processes), make([]bytes.Buffer, processes)
	for i := range children {
		child := exec.Command(os.Args[0], "-test.run="+caller)
		child.Env = append(os.Environ(), saverEnv+"="+dsn, saverNameEnv+"="+strconv.Itoa(i), savesEnv+"="+strconv.Itoa(saves))
		child.Stdout, child.Stderr = &outputs[i], &outputs[i]
		require.NoError(t, child.Start())
		children[i] = child
	}
	for i, child := range children {
		assert.NoError(t, child.Wait(), outputs[i].String())
	}
	total := int64(processes * saves)
	assert.Equal(t, total, count(t, store.DB(), "receipts", "1 = 1"))
	assert.Equal(t, total, count(t, store.DB(), "audit_log", "operation = 'receipts.create' AND status = 'completed'"))
	assert.Equal(t, total, totalSaves(t, store.DB()))
	t.Logf("%d processes x %d saves: %d receipts, audit entries and saves counted", processes, saves, total)
}

// save is the work of a child process.
func save(t *testing.T, e Engine, dsn string) {
	store := e.open(t, dsn).store
	saves, err := strconv.Atoi(os.Getenv(savesEnv))
	require.NoError(t, err)
	for i := range saves {
		require.NoError(t, store.Receipts.Create(t.Context(), receipt(fmt.Sprint("p", os.Getenv(saverNameEnv), "-", i))))
	}
}
