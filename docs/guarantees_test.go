package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	quoted = regexp.MustCompile("`([^`]+)`")
	// A test, or a group of the contract with a case; * stands for any rest.
	testName  = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)\w+\*?$`)
	groupName = regexp.MustCompile(`^(?:TestContract/\*/)?([A-Z][a-z]\w*)(?:/(\w+)\*?)?$`)
	testFunc  = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz|Benchmark)\w+)\(`)
)

// TestGuarantees: each test that docs/guarantees.md names is there.
func TestGuarantees(t *testing.T) {
	t.Parallel()
	var tests, contract strings.Builder
	require.NoError(t, filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") {
			return err
		}
		text, err := os.ReadFile(path)
		if strings.HasSuffix(path, "_test.go") {
			for _, m := range testFunc.FindAllSubmatch(text, -1) {
				tests.WriteString("\n" + string(m[1]) + "\n")
			}
		}
		if strings.HasPrefix(path, filepath.Join("..", "tests", "contract")) {
			contract.Write(text)
		}
		return err
	}))
	page, err := os.ReadFile("guarantees.md")
	require.NoError(t, err)
	named := 0
	for line := range strings.Lines(string(page)) {
		cells := strings.Split(line, "|")
		if len(cells) < 4 {
			continue
		}
		for _, m := range quoted.FindAllStringSubmatch(cells[2], -1) {
			name := m[1]
			switch group := groupName.FindStringSubmatch(name); {
			case testName.MatchString(name):
				assert.Contains(t, tests.String(), "\n"+strings.TrimSuffix(name, "*")+map[bool]string{false: "\n"}[strings.HasSuffix(name, "*")], name)
			case group != nil:
				assert.Contains(t, contract.String(), `"`+group[1]+`":`, name)
				if group[2] != "" {
					assert.Contains(t, contract.String(), `"`+group[2], name)
				}
			default:
				continue // a variable, a command
			}
			named++
		}
	}
	assert.Greater(t, named, 50)
}
