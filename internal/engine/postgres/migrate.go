package postgres

import (
	"context"
	"database/sql"
	_ "embed"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

//go:embed schema.sql
var ddl string

// SchemaVersion is the version that schema.sql inserts into versionTable.
const SchemaVersion = 4

// ownPrefix begins the names of all tables except the seven of the models.
const ownPrefix = "tier2_"

// versionTable holds the version of the schema, for which SQLite has user_version.
const versionTable = ownPrefix + "schema"

// steps are the upgrades: SQL from the version of the key to a later one, including the update
// of versionTable. 0 is a schema without tables of tier2.
var steps = map[int]string{0: ddl, 2: fromTwo(), 3: fromThree()}

// fromTwo rebuilds the indexes in ascending order, adds the new ones, and replaces
// recent_executions, which uses them. Privileges and other views on the view stay. It takes the
// statements out of schema.sql rather than repeat them.
func fromTwo() string {
	var b strings.Builder
	for _, m := range regexp.MustCompile(`(?m)^CREATE INDEX (\w+) [^;]+;`).FindAllStringSubmatch(ddl, -1) {
		b.WriteString("DROP INDEX IF EXISTS " + m[1] + ";\n" + m[0] + "\n")
	}
	view := regexp.MustCompile(`CREATE VIEW recent_executions [^;]+;`).FindString(ddl)
	b.WriteString(strings.Replace(view, "CREATE", "CREATE OR REPLACE", 1) + "\nUPDATE tier2_schema SET version = 3;\n")
	return b.String()
}

// fromThree adds the tables and triggers that prove the audit log: the last part of schema.sql.
func fromThree() string {
	return ddl[strings.Index(ddl, "-- New in version 4"):] + "\nUPDATE tier2_schema SET version = 4;\n"
}

// state describes a schema before migrate.
type state struct {
	schema   string   // the first existing one of the search_path
	version  int      // 0: no versionTable
	tables   []string // those of the seven tables that exist
	readOnly bool
	encoding string
}

// migrate creates or upgrades the schema in one transaction. If several processes start at once,
// an advisory lock on the name of the schema makes one of them do it.
func migrate(ctx context.Context, db *sql.DB, cfg backend.Config) error {
	now, err := inspect(ctx, db)
	if err != nil {
		return err
	}
	now.readOnly = now.readOnly && !cfg.ReadOnly
	if done, err := now.current(); done || err != nil {
		return err
	}
	switch {
	case now.version == 0 && cfg.Existing:
		return refuse.Because(models.ErrNotFound, "there is no tier2 database in schema %s", now.schema)
	case now.version > 0 && cfg.ReadOnly:
		return backend.Older(now.version, SchemaVersion)
	}
	tx, err := db.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelReadCommitted}) // sees commits during the wait for the lock
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := apply(ctx, tx, now.schema); err != nil {
		return err
	}
	return tx.Commit()
}

func apply(ctx context.Context, tx *sql.Tx, name string) error {
	if _, err := tx.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('tier2_schema ' || $1, 0))", name); err != nil {
		return err
	}
	for {
		now, err := inspect(ctx, tx)
		if err != nil {
			return err
		}
		if done, err := now.current(); done || err != nil {
			return err
		}
		// The simple protocol takes several statements at once.
		if _, err := tx.ExecContext(ctx, steps[now.version], pgx.QueryExecModeSimpleProtocol); err != nil {
			return err
		}
	}
}

func inspect(ctx context.Context, db backend.Querier) (s state, err error) {
	const settings = `SELECT coalesce(current_schema(), ''), current_setting('transaction_read_only') = 'on', current_setting('server_encoding')`
	if err := db.QueryRowContext(ctx, settings).Scan(&s.schema, &s.readOnly, &s.encoding); err != nil {
		return s, err
	}
	const list = `SELECT c.relname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') ORDER BY 1`
	names, err := backend.Texts(ctx, db, list, s.schema)
	for _, name := range names {
		if schema.Audited(name) != nil {
			s.tables = append(s.tables, name)
		}
	}
	if err != nil || !slices.Contains(names, versionTable) {
		return s, err
	}
	return s, db.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM "+pgx.Identifier{s.schema, versionTable}.Sanitize()).Scan(&s.version)
}

// current reports whether the schema is up to date. It returns an error if the schema must not
// be changed.
func (s state) current() (bool, error) {
	_, upgradable := steps[s.version]
	switch {
	case s.schema == "":
		return false, refuse.Because(models.ErrInvalid,
			"no schema of the search_path exists; create it, or set search_path in the URL")
	case s.encoding != "UTF8":
		return false, refuse.Because(models.ErrInvalid, "the database's encoding is %s; tier2 needs UTF8", s.encoding)
	case s.readOnly:
		return false, refuse.Because(models.ErrReadOnly, "a store must be able to write, and the server or the URL allows only reading")
	}
	if err := backend.CheckVersion(s.version, SchemaVersion, upgradable); err != nil {
		return false, err
	}
	switch {
	case s.version > 0 && len(s.tables) < len(models.All()):
		return false, refuse.Because(models.ErrInvalid, "schema %s says schema version %d, but of tier2's tables it holds only: %s",
			s.schema, s.version, strings.Join(s.tables, ", "))
	case s.version == 0 && len(s.tables) > 0:
		return false, refuse.Because(models.ErrInvalid, "schema %s belongs to another program: it holds %s, and no tier2_schema",
			s.schema, strings.Join(s.tables, ", "))
	}
	return s.version == SchemaVersion, nil
}
