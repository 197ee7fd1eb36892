package sqlite

import (
	"regexp"
	"strings"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// Result codes, https://www.sqlite.org/rescode.html.
const (
	codeFull       = 13
	codeCheck      = 275
	codeRefused    = 531 // by onCommit
	codeNotNull    = 1299
	codePrimaryKey = 1555
	codeTrigger    = 1811 // also the code of ON DELETE RESTRICT
	codeUnique     = 2067
	codeRowID      = 2579
)

// failed matches the columns or the constraint in SQLite's message.
var failed = regexp.MustCompile(`(?:UNIQUE|NOT NULL|CHECK) constraint failed: (.*?)(?: \(\d+\))?$`)

var (
	duplicate = backend.Cause{Kind: models.ErrDuplicate, Reason: "a row with this key already exists", GORM: gorm.ErrDuplicatedKey}
	locked    = backend.Cause{Kind: models.ErrBusy, Reason: "another connection held the database for longer than the busy timeout"}
	full      = backend.Cause{Kind: models.ErrFull, Reason: "there is no space for the database: %s"}
	child     = backend.Cause{Kind: models.ErrForeignKey, Reason: "the row still has children that name it", GORM: gorm.ErrForeignKeyViolated}
	sealed    = backend.Cause{Kind: models.ErrAppendOnly, Reason: "entries are never changed, and only retention removes any"}
	orphan    = backend.Cause{
		Kind: models.ErrForeignKey, Reason: "the row names a parent that does not exist, or still has children", GORM: gorm.ErrForeignKeyViolated,
	}
)

// causes maps result codes to their meaning. Extended codes that are not listed have the meaning
// of their last byte, the primary code.
var causes = map[int]backend.Cause{
	5:              locked, // SQLITE_BUSY
	6:              locked, // SQLITE_LOCKED
	8:              {Kind: models.ErrReadOnly, Reason: "the database cannot be written: %s"},
	10:             {Kind: models.ErrIO, Reason: "the file system failed: %s"},
	11:             {Kind: models.ErrCorrupt, Reason: "the database file is damaged: %s"},
	codeFull:       full,
	14:             {Kind: models.ErrIO, Reason: "the database file cannot be opened: %s"},
	18:             {Kind: models.ErrInvalid, Reason: "the value is larger than SQLite can store"},
	20:             {Kind: models.ErrInvalid, Reason: "the value has the wrong type for its column"},
	26:             {Kind: models.ErrInvalid, Reason: "the file is not a SQLite database"},
	codeCheck:      {Kind: models.ErrInvalid, GORM: gorm.ErrCheckConstraintViolated},
	787:            orphan, // SQLITE_CONSTRAINT_FOREIGNKEY
	codeNotNull:    {Kind: models.ErrInvalid, Reason: "must not be NULL"},
	codePrimaryKey: duplicate,
	codeTrigger:    {Kind: models.ErrInvalid, Reason: "refused by a trigger: %s"},
	codeUnique:     duplicate,
	codeRowID:      duplicate,
	4874:           full, // SQLITE_IOERR_SHMSIZE: the shared memory beside the WAL could not grow
}

// translate converts an error of the driver to a *models.Error that wraps the kind, GORM's
// error and the driver's error. It returns other errors unchanged.
func translate(err error) error { return backend.Translate(err, translateDriver) }

func translateDriver(err error) error {
	code, ok := errorCode(err)
	if !ok {
		return err
	}
	if code == codeRefused {
		return movedErr(err)
	}
	cause, ok := causes[code]
	if !ok {
		cause, ok = causes[code&0xff]
	}
	if !ok {
		return err
	}
	e, text, detail := &models.Error{}, err.Error(), ""
	if m := failed.FindStringSubmatch(text); m != nil {
		detail = m[1]
	}
	switch code {
	case codeUnique, codePrimaryKey, codeRowID:
		e.Table, e.Column = columns(detail)
		if code == codeUnique && schema.Audited(e.Table) != nil {
			e.Constraint = "idx_" + e.Table + "_" + e.Column // schema.sql names its unique indexes so
		}
	case codeNotNull:
		e.Table, e.Column = columns(detail)
	case codeCheck:
		e = backend.CheckFailed(detail)
		cause.Reason = e.Reason
	case codeTrigger:
		switch {
		case strings.Contains(text, "FOREIGN KEY"):
			cause = child
		case !strings.Contains(text, "audit_log is append-only"):
		case strings.Contains(text, "an entry with this id exists"):
			e.Table, e.Column, cause = "audit_log", "id", duplicate
		default:
			e.Table, cause = "audit_log", sealed
		}
	}
	return cause.Explain(e, text, err)
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
