package contract

import (
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// missingEnv makes TestContract open databases that do not exist.
const missingEnv = "TIER2_CONTRACT_MISSING"

// TestContractFails: a case that gets no database fails, without a panic.
func TestContractFails(t *testing.T) {
	t.Parallel()
	cmd := exec.Command(os.Args[0], "-test.run=^TestContract$/^File$/^Metrics$/^StageOrder$", "-test.v")
	cmd.Env = append(os.Environ(), missingEnv+"=1")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "--- FAIL: TestContract/File/Metrics/StageOrder ")
	assert.Contains(t, string(out), "the file does not exist")
	assert.NotContains(t, string(out), "panic")
}
