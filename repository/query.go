package repository

import (
	"database/sql"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
)

// take reads the row of q with that key. Errors: models.ErrNotFound.
func take[T any](q *gorm.DB, table, column string, key any) (*T, error) {
	row := new(T)
	if err := q.Where(column+" = ?", key).Take(row).Error; err != nil {
		return nil, found(err, table, column, key)
	}
	return row, nil
}

// find reads all rows of q. Without rows the slice is empty, not nil.
func find[T any](q *gorm.DB) ([]T, error) {
	rows := []T{}
	if err := q.Find(&rows).Error; err != nil {
		return nil, err
	}
	return rows, nil
}

// scan calls each for every row of q, with rows positioned on it.
func scan(q *gorm.DB, each func(rows *sql.Rows) error) error {
	rows, err := q.Rows()
	if err != nil {
		return translated(q, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return translated(q, err)
		}
	}
	return translated(q, rows.Err())
}

// sqlOf returns the SQL of the engine of db.
func sqlOf(db *gorm.DB) *dialect.Dialect { return dialect.For(db.Name()) }
