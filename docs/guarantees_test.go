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

var (
	chosenTest   = regexp.MustCompile(`-run '?(\w+)`)
	chosenFolder = regexp.MustCompile(`(?: |^)(\.\S*)`)
)

// TestCommands: a command in the text of a page that runs one test names the folder of it.
func TestCommands(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, page := range pages(t) {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range quoted.FindAllStringSubmatch(fence.ReplaceAllString(string(text), ""), -1) {
			test, folder := chosenTest.FindStringSubmatch(m[1]), chosenFolder.FindStringSubmatch(m[1])
			if !strings.Contains(m[1], "go test ") || test == nil {
				continue
			}
			seen++
			require.NotNil(t, folder, "%s: %s names no folder", page, m[1])
			files, err := filepath.Glob(filepath.Join("..", folder[1], "*_test.go"))
			require.NoError(t, err)
			var tests strings.Builder
			for _, file := range files {
				text, err := os.ReadFile(file)
				require.NoError(t, err)
				tests.Write(text)
			}
			assert.Contains(t, tests.String(), "func "+test[1]+"(", "%s: %s", page, m[1])
		}
	}
	assert.Positive(t, seen)
}
