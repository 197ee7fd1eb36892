package sqlite

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// FuzzLocate: locate rejects a DSN, or returns an absolute path or a database in memory, and uri
// returns the same location. Errors for DSNs of other engines do not show the password.
func FuzzLocate(f *testing.F) {
	for _, dsn := range []string{
		"", " ", ":memory:", ".ggen/tier2.db", "a b#c?d%41.db", "dir/", "file:a.db", "file:///tmp/a%20b.db?mode=rwc&cache=private", "file://localhost/a.db#part",
		"file://host/a.db", "file:?mode=memory", "file:x?mode=memory&cache=shared", "file:a.db?mode=ro", "file:a.db?immutable=1", "file:%zz", "file:a%00b", "a\x00b",
		"file:a.db?_pragma=x", "postgres://u:hunter2@h/db", "mysql://u:hunter2@h/db", "host=h password=hunter2", "file:\xff.db", "file:%ff.db", "file:.",
	} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		where, err := locate(dsn)
		if err != nil {
			var e *models.Error
			require.ErrorAs(t, err, &e)
			require.NotNil(t, e.Kind)
			require.Zero(t, where)
			if u, bad := url.Parse(strings.TrimSpace(dsn)); bad == nil && u.Host != "" && u.Scheme != "file" && u.User != nil {
				if password, _ := u.User.Password(); len(password) > 4 {
					require.NotContains(t, strings.TrimPrefix(err.Error(), u.Scheme), password)
				}
			}
			return
		}
		require.NotEqual(t, where.path == "", where.memory == "", "a file or memory")
		u, err := url.Parse(where.uri("rw"))
		require.NoError(t, err)
		require.Equal(t, "file", u.Scheme)
		require.Empty(t, u.Fragment)
		if where.memory != "" {
			require.Equal(t, "memdb", u.Query().Get("vfs"))
			require.Equal(t, "/"+where.memory, u.Path)
			return
		}
		require.True(t, filepath.IsAbs(where.path))
		require.NotContains(t, where.path, "\x00")
		require.Equal(t, "rw", u.Query().Get("mode"))
		require.Equal(t, where.path, u.Path)
		if backend.Redact(where.path) != where.path {
			return // a file with such a name needs a URI
		}
		again, err := locate(where.path)
		require.NoError(t, err)
		require.Equal(t, where.path, again.path, "the name in messages opens the same file")
	})
}
