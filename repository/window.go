package repository

import (
	"strings"
	"time"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

// sqliteInstant is a time text in the form of models.TimestampLayout, whoever wrote
// it: with or without fraction and zone, with T or a space. Only a zone that is not
// UTC goes through strftime, which keeps milliseconds.
const sqliteInstant = "CASE WHEN length(@t) < 19 OR substr(replace(@t, '+00:00', 'Z'), 20) GLOB '*[+-]*'" +
	" THEN strftime('%Y-%m-%dT%H:%M:%f000Z', @t)" +
	" ELSE replace(substr(@t, 1, 19), ' ', 'T') || '.' ||" +
	" substr(rtrim(substr(replace(@t, '+00:00', 'Z'), 21), 'Z') || '000000', 1, 6) || 'Z' END"

// between keeps the rows with since <= column < until; a zero time is no bound.
//
// On SQLite times are text. The first bound of each pair is coarse, so that it uses
// an index and lets every form of that second pass; the second is exact.
func between(db *gorm.DB, table, column string, since, until time.Time) (*gorm.DB, error) {
	if !since.IsZero() && !until.IsZero() && until.Before(since) {
		return nil, invalid(table, column, until, "until must not lie before since")
	}
	col := clause.Column{Table: table, Name: column}
	sqlite := db.Name() == "sqlite"
	bound := func(coarse, op string, t time.Time) error {
		// Times are stored in whole microseconds: the first one that is not before t.
		at := models.At(t.Add(time.Microsecond - time.Nanosecond))
		if y := at.Year(); y < 1 || y > 9999 {
			return invalid(table, column, t, "must lie in the years 1 to 9999")
		}
		if !sqlite {
			db = db.Where("? "+op+" ?", col, at.Time)
			return nil
		}
		db = db.Where("? "+op+" ?", col, coarse)
		exact := "(" + strings.ReplaceAll(sqliteInstant, "@t", db.Statement.Quote(col)) + ") " + op + " ?"
		db = db.Where(exact, at.String())
		return nil
	}
	if !since.IsZero() {
		if err := bound(since.UTC().Format("2006-01-02 15:04:05"), ">=", since); err != nil {
			return nil, err
		}
	}
	if !until.IsZero() {
		if err := bound(until.UTC().Add(time.Second).Format("2006-01-02T15:04:05"), "<", until); err != nil {
			return nil, err
		}
	}
	return db, nil
}
