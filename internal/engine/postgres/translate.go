package postgres

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var (
	// keyed matches columns and value in a DETAIL, in any language of the server.
	keyed = regexp.MustCompile(`(?s)\((.*?)\)=\((.*)\)`)
	// firstName matches the table of the statement, which precedes the constraint.
	firstName = regexp.MustCompile(`"([^"]+)"`)
)

// translate converts an error of the driver to a *models.Error that wraps the kind, GORM's
// error and the driver's error. It returns other errors unchanged.
func translate(err error) error { return backend.Translate(err, translateDriver) }

func translateDriver(err error) error {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		return notConnected(connect)
	}
	if lost(err) {
		return unavailable("the connection to the server was lost: "+err.Error()+
			"; the transaction it carried is rolled back, a statement outside of one may have been done", err)
	}
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		return translateServer(refused, err)
	}
	return err
}

// notConnected returns an error without pgx's ConnectError, which contains the password.
func notConnected(connect *pgconn.ConnectError) error {
	cause := connect.Unwrap()
	reason := strings.Join(strings.Fields(cause.Error()), " ")
	e := &models.Error{Kind: models.ErrUnavailable, Err: cause}
	var refused *pgconn.PgError
	switch {
	case errors.Is(cause, context.Canceled):
		e.Kind = nil
	case !errors.As(cause, &refused):
	case strings.HasPrefix(refused.Code, "28"): // name or password
		e.Kind = models.ErrInvalid
	case refused.Code == "3D000": // no such database
		e.Kind = models.ErrNotFound
	}
	if password := connect.Config.Password; password != "" && strings.Contains(reason, password) {
		reason, e.Err = "the reason is withheld, because it contains the password", nil
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			if errors.Is(cause, end) {
				e.Err = end
			}
		}
	}
	e.Reason = "cannot connect to the server: " + reason
	return e
}

// lost reports whether a statement failed because the connection broke or the server closed it.
func lost(err error) bool {
	var ended *pgconn.PgError
	if errors.As(err, &ended) {
		return strings.HasPrefix(ended.Code, "08") || slices.Contains([]string{"57P01", "57P02", "57P03", "57P05", "25P03"}, ended.Code)
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed)
}

var (
	orphan = backend.Cause{
		Kind: models.ErrForeignKey, Reason: "the row names a parent that does not exist", GORM: gorm.ErrForeignKeyViolated,
	}
	retry = backend.Cause{
		Kind: models.ErrRetry, Reason: "the transaction lost against another one (%s); run the whole transaction again from its beginning",
	}
	damaged    = backend.Cause{Kind: models.ErrCorrupt, Reason: "the database is damaged: %s"}
	unwritable = backend.Cause{Kind: models.ErrReadOnly, Reason: "the database cannot be written: %s"}
)

// causes maps SQLSTATEs to their meaning
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
var causes = map[string]backend.Cause{
	"23505": {Kind: models.ErrDuplicate, Reason: "a row with this key already exists", GORM: gorm.ErrDuplicatedKey},
	"23503": orphan, "23001": orphan,
	"23502": {Kind: models.ErrInvalid, Reason: "must not be NULL"},
	"23514": {Kind: models.ErrInvalid, GORM: gorm.ErrCheckConstraintViolated},
	"22021": {Kind: models.ErrInvalid, Reason: "must be UTF-8 text without NUL"},
	"22P05": {Kind: models.ErrInvalid, Reason: "contains a character that the server cannot store: %s"},
	"22P02": {Kind: models.ErrInvalid, Reason: "has the wrong form for its column: %s"},
	"22001": {Kind: models.ErrInvalid, Reason: "is too long for its column"},
	"22003": {Kind: models.ErrInvalid, Reason: "is out of its column's range: %s"},
	"22":    {Kind: models.ErrInvalid, Reason: "cannot be stored: %s"}, // other data exceptions
	"54":    {Kind: models.ErrInvalid, Reason: "cannot be stored: %s"}, // limits, such as the size of an indexed value
	"40001": retry, "40P01": retry,
	"55P03": {Kind: models.ErrBusy, Reason: "another connection held the row or table for longer than the busy timeout"},
	"57014": {Kind: models.ErrBusy, Reason: "the server ended the statement before it was done: %s"}, // statement_timeout, or an administrator
	"53100": {Kind: models.ErrFull, Reason: "the server has no space left: %s"},
	"58030": {Kind: models.ErrIO, Reason: "the server's file system failed: %s"},
	"XX001": damaged, "XX002": damaged,
	"25006": unwritable, "42501": unwritable,
	"T2001": {Kind: models.ErrAppendOnly, Reason: "%s"}, // raised by tier2's own triggers
	"25P02": {Reason: "an earlier statement of this transaction failed; roll it back, or back to a savepoint"},
}

// translateServer translates an error of the server.
func translateServer(pg *pgconn.PgError, err error) error {
	cause, ok := causes[pg.Code]
	if !ok {
		cause, ok = causes[pg.Code[:min(2, len(pg.Code))]]
	}
	if !ok {
		return err
	}
	e := &models.Error{Table: pg.TableName, Column: pg.ColumnName, Constraint: pg.ConstraintName}
	switch pg.Code {
	case "23505":
		key(e, pg.Detail)
	case "23503", "23001":
		key(e, pg.Detail)
		// If a parent has children, TableName is the child.
		if m := firstName.FindStringSubmatch(pg.Message); m != nil && m[1] != pg.TableName {
			e.Table, cause.Reason = m[1], "the row still has children that name it"
		}
	case "23514":
		e = backend.CheckFailed(pg.ConstraintName)
		e.Table, cause.Reason = cmp.Or(e.Table, pg.TableName), e.Reason
	case "T2001":
		e.Table = "audit_log"
	}
	return cause.Explain(e, pg.Message, err)
}

// key sets column and value from "Key (execution_id)=(x) already exists.", which some servers
// omit.
func key(e *models.Error, detail string) {
	if m := keyed.FindStringSubmatch(detail); m != nil {
		e.Column, e.Value = m[1], m[2]
	}
}
