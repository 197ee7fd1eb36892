package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// TestSQL runs the SQL of data.md on a file, block by block.
func TestSQL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(sample(t), ".ggen", "tier2.db")
	store, err := tier2.Open(t.Context(), path)
	require.NoError(t, err)
	code := inLanguage(t, "data.md", "sql")
	require.NotEmpty(t, code)
	for _, block := range code {
		for _, statement := range strings.SplitAfter(strings.TrimSpace(block), ";\n") {
			assert.NoError(t, store.DB().Exec(statement).Error, statement)
		}
	}
	trail, err := store.Audit.Trail(t.Context(), "exec-101")
	require.NoError(t, err)
	assert.Len(t, trail, 1, "what the page inserts")
	require.NoError(t, store.Close())
	verified, err := tier2.Verify(t.Context(), path)
	require.NoError(t, err)
	assert.Empty(t, verified.Findings)
}

// TestPython runs what the page has for Python, where there is one.
func TestPython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	folder := sample(t)
	for _, code := range inLanguage(t, "data.md", "python") {
		cmd := exec.Command(python, "-c", code)
		cmd.Dir = folder
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, string(output))
		assert.Contains(t, string(output), "exec-003 failed ")
	}
}

// TestColumns: data.md tells of every column of every table.
func TestColumns(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("data.md")
	require.NoError(t, err)
	for _, m := range models.All() {
		_, section, found := strings.Cut(string(page), "### "+m.TableName()+":")
		require.True(t, found, m.TableName())
		section, _, _ = strings.Cut(section, "\n#")
		told := []string{"id", "created_at"}
		for _, line := range regexp.MustCompile("(?m)^\\| (`.*?) \\|").FindAllStringSubmatch(section, -1) {
			for _, name := range regexp.MustCompile("`(\\w+)`").FindAllStringSubmatch(line[1], -1) {
				told = append(told, name[1])
			}
		}
		slices.Sort(told)
		assert.Equal(t, columns(t, m), told, m.TableName())
	}
}

// columns are those of a model's table, sorted.
func columns(t *testing.T, m models.Model) (names []string) {
	t.Helper()
	store, err := tier2.Open(t.Context(), ":memory:")
	require.NoError(t, err)
	defer store.Close()
	types, err := store.DB().Migrator().ColumnTypes(m)
	require.NoError(t, err)
	for _, c := range types {
		names = append(names, c.Name())
	}
	slices.Sort(names)
	return names
}
