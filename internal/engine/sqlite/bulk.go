package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"os"
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/engine/dialect"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// bulk implements backend.Bulk for a file or a database in memory.
type bulk struct {
	where       location
	write, read *sql.DB
}

// Same implements backend.Bulk. It compares files, so that links and other spellings of a path
// are the same database.
func (b *bulk) Same(_ context.Context, other backend.Bulk) (bool, error) {
	o, ok := other.(*bulk)
	if !ok || (b.where.memory != "") != (o.where.memory != "") {
		return false, nil
	}
	if b.where.memory != "" {
		return b.where.memory == o.where.memory, nil
	}
	mine, err := os.Stat(b.where.path)
	if err != nil {
		return false, err
	}
	its, err := os.Stat(o.where.path)
	return err == nil && os.SameFile(mine, its), err
}

// Snapshot implements backend.Bulk. The first read determines the state
// (https://www.sqlite.org/isolation.html).
func (b *bulk) Snapshot(ctx context.Context) (backend.Snapshot, error) {
	return backend.NewSession(ctx, b.read, rowSQL{}, "BEGIN DEFERRED", "SELECT count(*) FROM sqlite_schema")
}

// Begin implements backend.Bulk.
func (b *bulk) Begin(ctx context.Context) (backend.Writer, error) {
	return backend.NewSession(ctx, b.write, rowSQL{}, "BEGIN IMMEDIATE")
}

// rowSQL implements backend.Dialect for SQLite.
type rowSQL struct{}

func (rowSQL) SQL() *dialect.Dialect { return dialect.For("sqlite") }

// Expression implements backend.Dialect. The cast keeps the drivers from parsing times: mattn
// returns the year 1 for a time that it cannot parse.
func (rowSQL) Expression(c schema.Column) string {
	if c.Kind == schema.Time {
		return "CAST(" + c.Name + " AS TEXT)"
	}
	return c.Name
}

func (rowSQL) Translate(err error) error { return translate(err) }

// NextID implements backend.Dialect. It returns the id that AUTOINCREMENT would assign.
func (rowSQL) NextID(ctx context.Context, s *backend.Session, t *schema.Table) (id int64, err error) {
	err = s.Conn.QueryRowContext(ctx, "SELECT coalesce(max(seq), 0) + 1 FROM sqlite_sequence WHERE name = ?", t.Name).Scan(&id)
	return id, err
}

// Reserve implements backend.Dialect. Programs may write the counters
// (https://www.sqlite.org/autoinc.html).
func (rowSQL) Reserve(ctx context.Context, s *backend.Session, t *schema.Table, id int64) error {
	if _, err := s.Conn.ExecContext(ctx, `INSERT INTO sqlite_sequence (name, seq)
		SELECT ?1, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?1)`, t.Name); err != nil {
		return err
	}
	_, err := s.Conn.ExecContext(ctx, "UPDATE sqlite_sequence SET seq = max(seq, ?2) WHERE name = ?1", t.Name, id)
	return err
}

// Settle implements backend.Dialect. An immediate transaction excludes all other writers.
func (rowSQL) Settle(context.Context, *backend.Session, *schema.Table) (int64, error) {
	return math.MaxInt64, nil
}

// Value implements backend.Dialect. It checks types, because SQLite stores any type in any column
// (https://www.sqlite.org/flextypegood.html).
func (rowSQL) Value(c schema.Column, v any) (any, error) {
	if b, ok := v.([]byte); ok {
		v = string(b)
	}
	switch v := v.(type) {
	case int64:
		switch c.Kind {
		case schema.Integer:
			return v, nil
		case schema.Float:
			return float64(v), nil
		}
	case float64:
		if c.Kind == schema.Float {
			return v, nil
		}
	case string:
		switch c.Kind {
		case schema.Text, schema.JSONText, schema.Document:
			return v, nil
		case schema.Time:
			at, err := models.ParseTimestamp(v)
			return schema.Instant{Time: at.Time, Text: v}, err
		}
	}
	return nil, fmt.Errorf("is a %T", v)
}

// Argument implements backend.Dialect.
func (rowSQL) Argument(c schema.Column, v any) (any, error) {
	if at, ok := v.(schema.Instant); ok {
		return c.TimeText(at), nil
	}
	return v, nil
}

// Insert implements backend.Dialect.
func (rowSQL) Insert(ctx context.Context, s *backend.Session, t *schema.Table, rows []schema.Row) error {
	query := "INSERT INTO " + t.Name + " (" + strings.Join(t.Names(), ", ") + ") VALUES (" + s.SQL().Places(len(t.Columns)) + ")"
	statement, err := s.Conn.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer statement.Close() //nolint:errcheck // the inserts have returned their errors
	for _, row := range rows {
		args, err := s.Arguments(t, row)
		if err != nil {
			return err
		}
		if _, err := statement.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	if len(rows) == 0 {
		return nil
	}
	return unfold(ctx, s.Conn, t.Name, rows[0][t.Key[0]])
}
