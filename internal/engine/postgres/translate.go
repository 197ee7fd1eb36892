package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// dialector adds the translation of errors to GORM's dialector. It embeds the pointer and not
// the interface, which would hide the methods for savepoints.
type dialector struct{ *postgres.Dialector }

func newDialector(conn gorm.ConnPool) gorm.Dialector {
	return dialector{&postgres.Dialector{Config: &postgres.Config{Conn: conn}}}
}

// Translate implements gorm.ErrorTranslator.
func (dialector) Translate(err error) error { return translate(err) }

// SavePoint implements gorm.SavePointerDialectorInterface. GORM's own drops the error.
func (dialector) SavePoint(tx *gorm.DB, name string) error {
	return tx.Exec("SAVEPOINT " + name).Error
}

// RollbackTo implements gorm.SavePointerDialectorInterface. GORM's own drops the error.
func (dialector) RollbackTo(tx *gorm.DB, name string) error {
	return tx.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

var (
	// keyed matches columns and value in a DETAIL, in any language of the server.
	keyed = regexp.MustCompile(`(?s)\((.*?)\)=\((.*)\)`)
	// firstName matches the table of the statement, which precedes the constraint.
	firstName = regexp.MustCompile(`"([^"]+)"`)
)

// translate converts an error of the driver to a *models.Error that wraps the kind, GORM's
// error and the driver's error. It returns other errors unchanged.
func translate(err error) error {
	var known *models.Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	if errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed" {
		return &models.Error{Kind: models.ErrClosed, Reason: "the store is closed", Err: err}
	}
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

// translateServer translates the SQLSTATE of the server
// (https://www.postgresql.org/docs/current/errcodes-appendix.html).
func translateServer(pg *pgconn.PgError, err error) error {
	e := &models.Error{Table: pg.TableName, Column: pg.ColumnName, Constraint: pg.ConstraintName}
	with := func(kind error, reason string, gormErr error) error {
		e.Kind, e.Reason, e.Err = kind, reason, errors.Join(gormErr, err)
		return e
	}
	switch pg.Code {
	case "23505":
		key(e, pg.Detail)
		return with(models.ErrDuplicate, "a row with this key already exists", gorm.ErrDuplicatedKey)
	case "23503", "23001":
		key(e, pg.Detail)
		// If a parent has children, TableName is the child.
		if m := firstName.FindStringSubmatch(pg.Message); m != nil && m[1] != pg.TableName {
			e.Table = m[1]
			return with(models.ErrForeignKey, "the row still has children that name it", gorm.ErrForeignKeyViolated)
		}
		return with(models.ErrForeignKey, "the row names a parent that does not exist", gorm.ErrForeignKeyViolated)
	case "23502":
		return with(models.ErrInvalid, "must not be NULL", nil)
	case "23514":
		e = backend.CheckFailed(pg.ConstraintName)
		if e.Table == "" {
			e.Table = pg.TableName
		}
		return with(models.ErrInvalid, e.Reason, gorm.ErrCheckConstraintViolated)
	case "22021":
		return with(models.ErrInvalid, "must be UTF-8 text without NUL", nil)
	case "22P05":
		return with(models.ErrInvalid, "contains a character that the server cannot store: "+pg.Message, nil)
	case "22P02":
		return with(models.ErrInvalid, "has the wrong form for its column: "+pg.Message, nil)
	case "22001":
		return with(models.ErrInvalid, "is too long for its column", nil)
	case "22003":
		return with(models.ErrInvalid, "is out of its column's range: "+pg.Message, nil)
	case "40001", "40P01":
		return with(models.ErrRetry, "the transaction lost against another one ("+pg.Message+"); run the whole transaction again from its beginning", nil)
	case "55P03":
		return with(models.ErrBusy, "another connection held the row or table for longer than the busy timeout", nil)
	case "57014": // statement_timeout, or an administrator
		return with(models.ErrBusy, "the server ended the statement before it was done: "+pg.Message, nil)
	case "53100":
		return with(models.ErrFull, "the server has no space left: "+pg.Message, nil)
	case "58030":
		return with(models.ErrIO, "the server's file system failed: "+pg.Message, nil)
	case "XX001", "XX002":
		return with(models.ErrCorrupt, "the database is damaged: "+pg.Message, nil)
	case "25006", "42501":
		return with(models.ErrReadOnly, "the database cannot be written: "+pg.Message, nil)
	case "T2001": // of tier2's own triggers
		e.Table = "audit_log"
		return with(models.ErrAppendOnly, pg.Message, nil)
	case "25P02":
		return with(nil, "an earlier statement of this transaction failed; roll it back, or back to a savepoint", nil)
	}
	switch pg.Code[:min(2, len(pg.Code))] {
	case "22", "54": // data exceptions; limits, such as the size of an indexed value
		return with(models.ErrInvalid, "cannot be stored: "+pg.Message, nil)
	}
	return err
}

// key sets column and value from "Key (execution_id)=(x) already exists.", which some servers
// omit.
func key(e *models.Error, detail string) {
	if m := keyed.FindStringSubmatch(detail); m != nil {
		e.Column, e.Value = m[1], m[2]
	}
}
