package sqlite

import (
	"database/sql"
	"errors"
	"regexp"
	"strings"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// dialector adds the translation of errors to GORM's dialector. It embeds the pointer and not
// the interface, which would hide the methods for savepoints.
type dialector struct{ *sqlite.Dialector }

func newDialector(pool *sql.DB) gorm.Dialector {
	return dialector{&sqlite.Dialector{DSN: "tier2", Conn: pool}}
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

// Extended result codes, https://www.sqlite.org/rescode.html.
const (
	codeBusy       = 5
	codeLocked     = 6
	codeReadOnly   = 8
	codeIO         = 10
	codeCorrupt    = 11
	codeFull       = 13
	codeCannotOpen = 14
	codeTooBig     = 18
	codeMismatch   = 20
	codeNotADB     = 26
	codeCheck      = 275
	codeRefused    = 531 // by onCommit
	codeForeignKey = 787
	codeNotNull    = 1299
	codePrimaryKey = 1555
	codeTrigger    = 1811 // also the code of ON DELETE RESTRICT
	codeUnique     = 2067
	codeRowID      = 2579
	codeShmSize    = 4874 // the shared memory beside the WAL could not grow
)

// failed matches the columns or the constraint in SQLite's message.
var failed = regexp.MustCompile(`(?:UNIQUE|NOT NULL|CHECK) constraint failed: (.*?)(?: \(\d+\))?$`)

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
	code, ok := errorCode(err)
	if !ok {
		return err
	}
	e := &models.Error{Err: err}
	with := func(kind error, reason string, gormErr error) error {
		e.Kind, e.Reason, e.Err = kind, reason, errors.Join(gormErr, err)
		return e
	}
	detail := ""
	if m := failed.FindStringSubmatch(err.Error()); m != nil {
		detail = m[1]
	}
	switch code {
	case codeUnique, codePrimaryKey, codeRowID:
		e.Table, e.Column = columns(detail)
		if code == codeUnique && schema.Audited(e.Table) != nil {
			e.Constraint = "idx_" + e.Table + "_" + e.Column // schema.sql names its unique indexes so
		}
		return with(models.ErrDuplicate, "a row with this key already exists", gorm.ErrDuplicatedKey)
	case codeNotNull:
		e.Table, e.Column = columns(detail)
		return with(models.ErrInvalid, "must not be NULL", nil)
	case codeCheck:
		e = backend.CheckFailed(detail)
		return with(models.ErrInvalid, e.Reason, gorm.ErrCheckConstraintViolated)
	case codeRefused:
		return movedErr(err)
	case codeForeignKey:
		return with(models.ErrForeignKey, "the row names a parent that does not exist, or still has children", gorm.ErrForeignKeyViolated)
	case codeTrigger:
		if strings.Contains(err.Error(), "FOREIGN KEY") {
			return with(models.ErrForeignKey, "the row still has children that name it", gorm.ErrForeignKeyViolated)
		}
		if strings.Contains(err.Error(), "audit_log is append-only") {
			e.Table = "audit_log"
			if strings.Contains(err.Error(), "an entry with this id exists") {
				e.Column = "id"
				return with(models.ErrDuplicate, "a row with this key already exists", gorm.ErrDuplicatedKey)
			}
			return with(models.ErrAppendOnly, "entries are never changed, and only retention removes any", nil)
		}
		return with(models.ErrInvalid, "refused by a trigger: "+err.Error(), nil)
	}
	switch code & 0xff {
	case codeBusy, codeLocked:
		return with(models.ErrBusy, "another connection held the database for longer than the busy timeout", nil)
	case codeReadOnly:
		return with(models.ErrReadOnly, "the database cannot be written: "+err.Error(), nil)
	case codeCorrupt:
		return with(models.ErrCorrupt, "the database file is damaged: "+err.Error(), nil)
	case codeFull:
		return with(models.ErrFull, "there is no space for the database: "+err.Error(), nil)
	case codeIO:
		if code == codeShmSize {
			return with(models.ErrFull, "there is no space for the database: "+err.Error(), nil)
		}
		return with(models.ErrIO, "the file system failed: "+err.Error(), nil)
	case codeCannotOpen:
		return with(models.ErrIO, "the database file cannot be opened: "+err.Error(), nil)
	case codeNotADB:
		return with(models.ErrInvalid, "the file is not a SQLite database", nil)
	case codeTooBig:
		return with(models.ErrInvalid, "the value is larger than SQLite can store", nil)
	case codeMismatch:
		return with(models.ErrInvalid, "the value has the wrong type for its column", nil)
	}
	return err
}

// columns splits "receipts.execution_id, receipts.agent_id".
func columns(list string) (table, column string) {
	var names []string
	for _, part := range strings.Split(list, ", ") {
		t, c, ok := strings.Cut(part, ".")
		if !ok {
			return "", ""
		}
		table, names = t, append(names, c)
	}
	return table, strings.Join(names, ", ")
}
