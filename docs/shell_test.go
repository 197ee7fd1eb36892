package docs_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// binary is the folder of the command tier2, built once.
var binary = sync.OnceValues(func() (string, error) {
	folder, err := os.MkdirTemp("", "tier2-docs-")
	if err != nil {
		return "", err
	}
	output, err := exec.Command("go", "build", "-o", folder, "../cmd/tier2").CombinedOutput()
	if err != nil {
		return "", &exec.Error{Name: string(output), Err: err}
	}
	return folder, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if folder, err := binary(); err == nil {
		os.RemoveAll(folder)
	}
	os.Exit(code)
}

// elsewhere are lines that need a network, or that other tests run: the gate its own
// steps, and TestOperations_PostgreSQL what takes a $DATABASE.
var elsewhere = regexp.MustCompile(`^(go (get|install|run|test) |git clone |cd )|\$DATABASE`)

// server is how the pages name a store on a server.
const server = "postgres://ggen@db.example/ggen?search_path=tier2"

// TestShell runs each page as one session in a folder like a user's: what a block leaves
// is there for the next one. Text after a block is what the block prints; in it, … stands
// for anything in a line.
func TestShell(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	for _, page := range pages(t) {
		if len(inLanguage(t, page, "sh")) == 0 {
			continue
		}
		t.Run(filepath.Base(page), func(t *testing.T) {
			t.Parallel()
			session(t, page)
		})
	}
}

func session(t *testing.T, page string) {
	path, err := binary()
	require.NoError(t, err)
	folder := sample(t)
	env := append(os.Environ(), "PATH="+path+":"+os.Getenv("PATH"), "COLUMNS=100", "NO_COLOR=1")
	printed := ""
	for _, b := range blocks(t, page) {
		switch b.language {
		case "sh":
			if strings.Contains(b.code, server) {
				if pgtest.Server() == "" {
					t.Log("left out, as there is no PostgreSQL:", b.code)
					continue
				}
				b.code = strings.ReplaceAll(b.code, server, pgtest.DSN(t))
			}
			var kept strings.Builder
			for line := range strings.Lines(b.code) {
				if !elsewhere.MatchString(line) {
					kept.WriteString(line)
				}
			}
			cmd := exec.Command("bash", "-euo", "pipefail", "-c", kept.String())
			cmd.Dir, cmd.Env = folder, env
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			require.NoError(t, cmd.Run(), "%s\n%s%s", kept.String(), stdout.String(), stderr.String())
			printed = stdout.String()
		case "text":
			if printed != "" {
				want := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimRight(b.code, "\n")), "…", ".*")
				assert.Regexp(t, `\A`+want+`\s*\z`, printed)
			}
			printed = ""
		default:
			printed = ""
		}
	}
}
