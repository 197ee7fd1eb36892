package postgres

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// FuzzWhere: a URL is accepted or rejected, and neither the name of the database nor the error
// shows a part of the password, at any place in the URL.
func FuzzWhere(f *testing.F) {
	for _, parts := range [][3]string{
		{"u", "", "h:5432/db?search_path=s"}, {"u", "@:/?#%", "h/db"}, {"", "x", ""}, {"u:v", "p", "[::1]/db"}, {"u", "p", "h:port/db"},
		{"u", "p", "h/db?sslmode=x"}, {"u", "p", "h,g:1/db"}, {"u%", "p", "h/%zz"}, {"u", "p", "/db?host=/tmp"}, {"u", "\xff", "h/db?connect_timeout=x"},
		{"u@x/", "p", "h/db?password=q"}, {"u", "p", "a@b/c"},
	} {
		f.Add(parts[0], parts[1], parts[2])
	}
	const secret = "hunter2"
	f.Fuzz(func(t *testing.T, user, beside, rest string) {
		if strings.Contains(user+rest, secret) {
			return
		}
		for _, dsn := range []string{
			"postgres://" + url.UserPassword(user, secret+beside).String() + "@" + rest,
			"postgresql://" + url.UserPassword(user, beside+secret).String() + "@" + rest,
			"postgres://" + user + ":" + secret + "@" + rest,
			"postgres://" + user + ":" + beside + secret + "@" + rest,
			"postgres://" + user + "@" + rest + "?password=" + url.QueryEscape(beside+secret),
		} {
			where, err := Where(dsn)
			if err == nil {
				require.NotContains(t, where, secret, dsn)
				require.True(t, strings.HasPrefix(where, "postgres://"))
				continue
			}
			var e *models.Error
			require.ErrorAs(t, err, &e)
			require.ErrorIs(t, err, models.ErrInvalid)
			require.NotContains(t, fmt.Sprintf("%v %+v %#v %#v", err, err, err, *e), secret, dsn)
		}
	})
}

// FuzzParse: parse accepts or rejects any text.
func FuzzParse(f *testing.F) {
	for _, dsn := range []string{"", "postgres://", "postgresql://h", "postgres://u:p@h/db", "postgres://%", "postgres://\x00", "postgres://h/?sslmode=verify-full&sslrootcert=/none"} {
		f.Add(dsn)
	}
	f.Fuzz(func(t *testing.T, dsn string) {
		server, err := parse(dsn)
		if err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
			return
		}
		require.NotEmpty(t, where(server))
		require.True(t, IsDSN(dsn))
	})
}
