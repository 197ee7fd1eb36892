// Package docs holds the pages about tier2, and the test that they are true: every code
// block of every page is compiled or run.
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

// pages are those with code blocks, from this folder.
func pages(t *testing.T) []string {
	t.Helper()
	top, err := filepath.Glob("../*.md")
	require.NoError(t, err)
	here, err := filepath.Glob("*.md")
	require.NoError(t, err)
	return append(top, here...)
}

// block is a fenced piece of code.
type block struct {
	language string // what stands after the fence
	code     string
}

var fence = regexp.MustCompile("(?ms)^```(.*?)\n(.*?)^```$")

func blocks(t *testing.T, page string) (list []block) {
	t.Helper()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		list = append(list, block{m[1], m[2]})
	}
	return list
}

// inLanguage are a page's blocks of a language.
func inLanguage(t *testing.T, page, language string) (code []string) {
	t.Helper()
	for _, b := range blocks(t, page) {
		if b.language == language {
			code = append(code, b.code)
		}
	}
	return code
}

// TestBlocks: each block is of a language that a test here takes care of.
func TestBlocks(t *testing.T) {
	t.Parallel()
	by := map[string]string{
		"go":     "TestGo and TestReadme",
		"sh":     "TestShell",
		"text":   "TestShell, if it follows sh: what that prints",
		"sql":    "TestSQL and TestScaleOut",
		"python": "TestPython",
		"json":   "TestJSON",
		"make":   "TestMake",
	}
	for _, page := range pages(t) {
		for _, b := range blocks(t, page) {
			assert.Contains(t, by, b.language, "%s: %s", page, b.code)
		}
	}
}

// flat is code without its indentation.
func flat(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// TestGo: each block of Go is also in a test of this folder, which compiles and runs it.
// Complete programs are left to TestReadme.
func TestGo(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	var compiled strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		compiled.WriteString(flat(string(text)))
	}
	for _, page := range pages(t) {
		for _, code := range inLanguage(t, page, "go") {
			if strings.HasPrefix(code, "package main\n") {
				assert.Equal(t, "../README.md", page, "TestReadme runs the program of that page only")
				continue
			}
			assert.True(t, strings.Contains(compiled.String(), flat(code)), "%s: not in a test of this folder:\n%s", page, code)
		}
	}
}

// TestMake: each goal is in the Makefile. The gate runs what is behind them.
func TestMake(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("../Makefile")
	require.NoError(t, err)
	for _, page := range pages(t) {
		for _, code := range inLanguage(t, page, "make") {
			for line := range strings.Lines(code) {
				goal := strings.Fields(strings.TrimPrefix(line, "make "))[0]
				assert.Regexp(t, `(?m)^`+goal+`:.*## `, string(makefile), page)
			}
		}
	}
}
