package main

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// database is the verb's own argument, or --db, and how messages name it; both at
// once must not disagree.
func (a *app) database(cmd *cobra.Command, args []string) (dsn, where string, err error) {
	dsn = a.db
	if len(args) > 0 {
		dsn = args[0]
	}
	where, err = location(dsn)
	if err == nil && cmd.Flags().Changed("db") && a.db != dsn {
		err = usageError{fmt.Errorf("the database is given twice: %s and --db", where)}
	}
	return dsn, where, err
}

// location is how messages name a database that outlives the command.
func location(dsn string) (string, error) {
	where, err := tier2.Location(dsn)
	if err == nil && where == ":memory:" {
		err = fmt.Errorf("%q is no file: it would be gone with the command", dsn)
	}
	if err != nil {
		return "", usageError{err}
	}
	return where, nil
}

// openExisting opens a database that must be there already.
func openExisting(ctx context.Context, dsn string, opts ...tier2.Option) (*tier2.Store, error) {
	if _, err := location(dsn); err != nil {
		return nil, err
	}
	store, err := tier2.Open(ctx, dsn, append(opts, tier2.WithExisting())...)
	if errors.Is(err, models.ErrNotFound) {
		return nil, fmt.Errorf("%w; 'tier2 init' makes one", err)
	}
	return store, err
}

// privateKey is a key that signs, such as keygen writes.
var privateKey = regexp.MustCompile(`PRIVATE\+KEY\+[^\s"\']*`)

// redacted is a message without what the command line says of a server, and without
// keys that sign: cobra repeats arguments that it does not understand, and one may hold a
// password.
func redacted(message string, args []string) string {
	message = privateKey.ReplaceAllString(message, "PRIVATE+KEY+...")
	for _, arg := range args {
		_, value, _ := strings.Cut(arg, "=")
		for _, secret := range []string{arg, strings.TrimLeft(arg, "-"), value} {
			if shown := backend.Redact(secret); shown != secret {
				quoted := strconv.Quote(secret)
				message = strings.ReplaceAll(message, quoted[1:len(quoted)-1], shown+"...")
				message = strings.ReplaceAll(message, secret, shown+"...")
			}
		}
	}
	return message
}
