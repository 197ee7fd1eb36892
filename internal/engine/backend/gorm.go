package backend

import (
	"database/sql"
	"errors"
	"strings"

	"gorm.io/gorm"

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
