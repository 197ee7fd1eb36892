package backend

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRedact(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]string{
		"":                                   "",
		".ggen/tier2.db":                     ".ggen/tier2.db",
		"file:a.db?mode=rw":                  "file:a.db?mode=rw",
		"postgres://u:hunter2@h/db":          "postgres://",
		" 'PostgreSQL://u:hunter2@h/db'":     " 'PostgreSQL://",
		"postgres:u:hunter2@h":               "postgres:",
		"mysql://u:hunter2@h/db":             "mysql://",
		"host=h password=hunter2":            "key=value",
		"dbname = x\npassword = 'hunter2'":   "key=value",
		"postgres://u:hunter2@h/?password=x": "postgres://",
	} {
		assert.Equal(t, want, Redact(dsn))
	}
}

// FuzzRedact: Redact shows no part of the password of a URL or of a list of keywords, for any
// surrounding text.
func FuzzRedact(f *testing.F) {
	for _, parts := range [][2]string{
		{"postgres://u:", "@h/db"}, {"mysql://", "@h"}, {"host=h password=", ""}, {"password = '", "' dbname=x"}, {"file:", "?mode=rw"},
		{"\"POSTGRES://u:", "@h\""}, {"./", ".db"}, {"postgres:", ""}, {"\u00a0postgres://u:", "@h"}, {"a b://u:", "@h"},
	} {
		f.Add(parts[0], parts[1])
	}
	const secret = "hunter2"
	f.Fuzz(func(t *testing.T, before, after string) {
		dsn := before + secret + after
		shown := Redact(dsn)
		require.True(t, shown == "key=value" || strings.HasPrefix(dsn, shown), "%q is shown as %q", dsn, shown)
		require.Equal(t, shown, Redact(dsn))
		if u, err := url.Parse(strings.Trim(dsn, " \t\r\n\"'")); err == nil && u.Scheme != "file" && u.Host != "" && u.User != nil {
			if password, _ := u.User.Password(); strings.Contains(password, secret) {
				require.NotContains(t, shown, secret)
			}
		}
		if lower := strings.ToLower(before); !strings.HasPrefix(before, "file:") && (strings.HasSuffix(lower, " password=") || lower == "password=") {
			require.NotContains(t, shown, secret)
		}
	})
}
