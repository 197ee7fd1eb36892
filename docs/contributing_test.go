package docs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	filePath = regexp.MustCompile(`^[\w.-]+(?:/[\w.-]+)*\.(?:go|sql|sh|md)$`)
	funcName = regexp.MustCompile(`^(?:\w+\.)*(\w+)(?:\(.*\))?$`)
)

// TestContributing: the files and folders that CONTRIBUTING.md names exist, and the functions
// and types of "How a save travels" are in the files that the section names.
func TestContributing(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../CONTRIBUTING.md")
	require.NoError(t, err)
	page := fence.ReplaceAllString(string(text), "")
	files := map[string]string{} // the text of the files named with a folder, by base name
	for _, m := range quoted.FindAllStringSubmatch(page, -1) {
		if !filePath.MatchString(m[1]) {
			continue
		}
		content, err := os.ReadFile(filepath.Join("..", m[1]))
		if err != nil {
			_, known := files[filepath.Base(m[1])]
			exists := known && !strings.Contains(m[1], "/") || m[1] == "schema-4.sql" // a name for the contributor to use
			assert.True(t, exists, "no file %s", m[1])
			continue
		}
		files[filepath.Base(m[1])] += string(content)
	}
	_, section, found := strings.Cut(page, "## How a save travels")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	all, names := "", 0
	for _, content := range files {
		all += content
	}
	for _, m := range quoted.FindAllStringSubmatch(section, -1) {
		name := funcName.FindStringSubmatch(m[1])
		if name == nil || strings.Contains(m[1], "/") || filePath.MatchString(m[1]) || name[1] == "context_json" {
			continue
		}
		names++
		declared := regexp.MustCompile(`(?m)^(?:func (?:\([^)]*\) )?|type |\t)` + name[1] + `\b`)
		assert.True(t, declared.MatchString(all), "How a save travels: no file of the section declares %s", m[1])
	}
	assert.Greater(t, names, 25)
}
