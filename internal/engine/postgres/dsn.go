package postgres

import (
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// IsDSN reports whether dsn names a PostgreSQL server.
func IsDSN(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// parse reads a connection URI
// (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS).
// Its errors do not show the URI: any part of a malformed URI may belong to the password, and
// the error of pgx contains the whole URI.
func parse(dsn string) (*pgx.ConnConfig, error) {
	_, rest, ok := strings.Cut(dsn, "://")
	if !ok || !IsDSN(dsn) {
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL must begin with postgres:// or postgresql://")
	}
	if strings.IndexByte(dsn, 0) >= 0 {
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL contains a NUL character")
	}
	if at := strings.IndexByte(rest, '@'); at >= 0 && (strings.ContainsAny(rest[:at], "/?#") || strings.Contains(rest[at+1:], "@")) {
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL is ambiguous: write @ : / ? # in a user name or password as %%40 %%3A %%2F %%3F %%23")
	}
	server, err := pgx.ParseConfig(dsn)
	if err != nil {
		for _, part := range []string{
			"invalid port", "sslmode is invalid", "failed to configure TLS", "invalid connect_timeout", "invalid keepalives",
			"cannot parse statement_cache_capacity", "cannot parse default_query_exec_mode",
		} {
			if strings.Contains(err.Error(), "`: "+part) {
				return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL cannot be read: %s", part)
			}
		}
		return nil, refuse.Because(models.ErrInvalid, "the PostgreSQL URL cannot be read; its form is postgres://user:password@host:5432/database?search_path=schema")
	}
	return server, nil
}

// where returns the name of the database in errors, without the password.
func where(server *pgx.ConnConfig) string {
	return fmt.Sprintf("postgres://%s@%s/%s", server.User, net.JoinHostPort(server.Host, fmt.Sprint(server.Port)), server.Database)
}

// Where returns the name of the database in messages, without the password. Errors:
// models.ErrInvalid for a malformed URL.
func Where(dsn string) (string, error) {
	server, err := parse(dsn)
	if err != nil {
		return "", err
	}
	return where(server), nil
}
