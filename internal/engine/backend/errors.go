package backend

import (
	"database/sql"
	"errors"
	"regexp"
	"strings"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// GORM wraps a pool in a handle whose errors pass through translate. It does not ping, because
// GORM's ping ignores contexts.
func (c *Config) GORM(d gorm.Dialector, translate func(error) error) (*gorm.DB, error) {
	return gorm.Open(dialector{d, translate}, &gorm.Config{
		TranslateError: true, DisableAutomaticPing: true, NowFunc: c.Clock, Logger: c.Logger,
	})
}

// dialector adds the translation of errors to GORM's dialector.
type dialector struct {
	gorm.Dialector
	translate func(error) error
}

// Apply completes the configuration, for gorm.Open. The embedded interface hides the method.
func (d dialector) Apply(c *gorm.Config) error {
	if a, ok := d.Dialector.(interface{ Apply(*gorm.Config) error }); ok {
		return a.Apply(c)
	}
	return nil
}

// Translate implements gorm.ErrorTranslator.
func (d dialector) Translate(err error) error { return d.translate(err) }

// SavePoint implements gorm.SavePointerDialectorInterface. GORM's own drops the error.
func (dialector) SavePoint(tx *gorm.DB, name string) error { return tx.Exec("SAVEPOINT " + name).Error }

// RollbackTo implements gorm.SavePointerDialectorInterface. GORM's own drops the error.
func (dialector) RollbackTo(tx *gorm.DB, name string) error {
	return tx.Exec("ROLLBACK TO SAVEPOINT " + name).Error
}

// Translate returns nil and a *models.Error unchanged, models.ErrClosed for a closed pool, and
// for every other error the result of driver.
func Translate(err error, driver func(error) error) error {
	var known *models.Error
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, sql.ErrConnDone) || err.Error() == "sql: database is closed":
		return &models.Error{Kind: models.ErrClosed, Reason: "the store is closed", Err: err}
	}
	return driver(err)
}

// Cause is the meaning of an error code.
type Cause struct {
	Kind   error
	Reason string // "%s" is replaced by the message of the database
	GORM   error  // GORM's error of the same meaning, or nil
}

// Explain adds the cause to e. message and err are those of the driver.
func (c Cause) Explain(e *models.Error, message string, err error) error {
	e.Kind, e.Reason, e.Err = c.Kind, strings.Replace(c.Reason, "%s", message, 1), errors.Join(c.GORM, err)
	return e
}

// CheckFailed returns the error for a row that the named CHECK constraint rejected.
func CheckFailed(constraint string) *models.Error {
	e := &models.Error{Constraint: constraint, Kind: models.ErrInvalid}
	for _, t := range schema.Tables() {
		if column, ok := strings.CutPrefix(constraint, "chk_"+t.Name+"_"); ok {
			e.Table, e.Column = t.Name, column
		}
	}
	e.Allowed = allowed[e.Table+"."+e.Column]
	switch {
	case e.Allowed != nil:
		e.Reason = "is not an allowed value"
	case strings.HasSuffix(e.Column, "_json"), e.Column == "collision_history":
		e.Reason = "is not valid JSON"
	case e.Column != "":
		e.Reason = "must not be negative"
	default:
		e.Reason = "a CHECK constraint refused the row"
	}
	return e
}

// allowed holds the values of the enum columns.
var allowed = map[string][]string{
	"receipts.operation":                 refuse.Strings(models.Operations()),
	"receipts.status":                    refuse.Strings(models.ReceiptStatuses()),
	"audit_log.status":                   refuse.Strings(models.AuditStatuses()),
	"workflow_sessions.status":           refuse.Strings(models.SessionStatuses()),
	"collision_detection.collision_type": refuse.Strings(models.CollisionTypes()),
	"collision_detection.severity":       refuse.Strings(models.Severities()),
	"pipeline_metrics.stage":             refuse.Strings(models.Stages()),
	"pipeline_metrics.status":            refuse.Strings(models.StageStatuses()),
	"slo_violations.severity":            refuse.Strings(models.ViolationSeverities()),
}

var (
	// scheme matches the beginning of a URL, also of one mistyped or pasted with a blank or a quote.
	scheme = regexp.MustCompile(`(?i)^[\s"']*([a-z][a-z0-9+.-]*://|postgres(ql)?:)`)
	// keywords matches libpq's form of a connection without a URL.
	keywords = regexp.MustCompile(`(?i)(^|\s)(password|host|dbname)\s*=`)
)

// Redact returns dsn as an error may show it. Paths and file: URIs are shown in full, other
// forms only up to where a password may begin.
func Redact(dsn string) string {
	switch {
	case strings.HasPrefix(dsn, "file:"):
		return dsn
	case scheme.MatchString(dsn):
		return scheme.FindString(dsn)
	case keywords.MatchString(dsn):
		return "key=value"
	}
	return dsn
}
