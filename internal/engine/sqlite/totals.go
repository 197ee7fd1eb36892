package sqlite

import (
	"context"
	"database/sql"
	"slices"
	"sync/atomic"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/backend"
)

// foldEvery is the number of rows that the views add up themselves before the store folds
// them into the totals. Reading them takes some tenths of a millisecond.
const foldEvery = 1024

// total is a table of schema.sql that adds up the rows of another table for a view.
type total struct {
	table, source string
	// add adds the new rows up to the AUTOINCREMENT counter: ids up to the counter are never
	// assigned again, larger ids, which only an UPDATE of id creates, may be
	// (https://www.sqlite.org/autoinc.html).
	add        string
	extremes   string // recomputes minima and maxima that a trigger has reset; "" for none
	mismatches string // queries the agents or stages with wrong totals
}

var totals = []*total{
	{
		table: "tier2_agent_totals", source: "receipts",
		add: `INSERT INTO tier2_agent_totals
SELECT agent_id, COUNT(*), SUM(status = 'passed'), SUM(status = 'failed'), SUM(duration_ms), COALESCE(SUM(files_generated), 0), COUNT(files_generated),
  MIN(duration_ms), MAX(duration_ms)
FROM receipts WHERE id > (SELECT last_id FROM tier2_folded WHERE name = 'receipts')
  AND id <= (SELECT seq FROM sqlite_sequence WHERE name = 'receipts') GROUP BY agent_id
ON CONFLICT (agent_id) DO UPDATE SET executions = executions + excluded.executions, passed = passed + excluded.passed,
  failed = failed + excluded.failed, duration_ms = duration_ms + excluded.duration_ms,
  files_generated = files_generated + excluded.files_generated, files_known = files_known + excluded.files_known,
  min_duration_ms = min(min_duration_ms, excluded.min_duration_ms), max_duration_ms = max(max_duration_ms, excluded.max_duration_ms)`,
		extremes: `UPDATE tier2_agent_totals SET
  min_duration_ms = (SELECT MIN(r.duration_ms) FROM receipts r WHERE r.agent_id = tier2_agent_totals.agent_id
    AND r.id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts')),
  max_duration_ms = (SELECT MAX(r.duration_ms) FROM receipts r WHERE r.agent_id = tier2_agent_totals.agent_id
    AND r.id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts'))
WHERE min_duration_ms IS NULL OR max_duration_ms IS NULL`,
		mismatches: `WITH direct AS (
  SELECT agent_id, COUNT(*) AS n, SUM(status = 'passed') AS passed, SUM(status = 'failed') AS failed, SUM(duration_ms) AS ms,
    COALESCE(SUM(files_generated), 0) AS files, COUNT(files_generated) AS known, MIN(duration_ms) AS least, MAX(duration_ms) AS most
  FROM receipts WHERE id <= (SELECT last_id FROM tier2_folded WHERE name = 'receipts') GROUP BY agent_id)
SELECT d.agent_id FROM direct d LEFT JOIN tier2_agent_totals t ON t.agent_id = d.agent_id
WHERE (t.executions, t.passed, t.failed, t.duration_ms, t.files_generated, t.files_known) IS NOT (d.n, d.passed, d.failed, d.ms, d.files, d.known)
  OR t.min_duration_ms <> d.least OR t.max_duration_ms <> d.most
UNION SELECT agent_id FROM tier2_agent_totals WHERE agent_id NOT IN (SELECT agent_id FROM direct) ORDER BY 1`,
	},
	{
		table: "tier2_stage_totals", source: "pipeline_metrics",
		add: `INSERT INTO tier2_stage_totals
SELECT stage, COUNT(*), SUM(status = 'passed'), SUM(status = 'failed'), SUM(duration_ms)
FROM pipeline_metrics WHERE id > (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics')
  AND id <= (SELECT seq FROM sqlite_sequence WHERE name = 'pipeline_metrics') GROUP BY stage
ON CONFLICT (stage) DO UPDATE SET executions = executions + excluded.executions, passed = passed + excluded.passed,
  failed = failed + excluded.failed, duration_ms = duration_ms + excluded.duration_ms`,
		mismatches: `WITH direct AS (
  SELECT stage, COUNT(*), SUM(status = 'passed'), SUM(status = 'failed'), SUM(duration_ms)
  FROM pipeline_metrics WHERE id <= (SELECT last_id FROM tier2_folded WHERE name = 'pipeline_metrics') GROUP BY stage)
SELECT stage FROM (SELECT * FROM direct EXCEPT SELECT * FROM tier2_stage_totals)
UNION SELECT stage FROM (SELECT * FROM tier2_stage_totals EXCEPT SELECT * FROM direct) ORDER BY 1`,
	},
}

// folded records that the rows of a table up to its counter have been added.
const folded = `UPDATE tier2_folded SET last_id = max(last_id, COALESCE((SELECT seq FROM sqlite_sequence WHERE name = ?1), 0)) WHERE name = ?1`

// totalOf returns the index in totals of the total over a table, or -1.
func totalOf(source string) int {
	return slices.IndexFunc(totals, func(t *total) bool { return t.source == source })
}

// executor is a connection, a pool or a transaction.
type executor interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// fold adds the new rows. db must be in a transaction.
func (t *total) fold(ctx context.Context, db executor) error {
	if _, err := db.ExecContext(ctx, t.add); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, folded, t.source)
	if err == nil && t.extremes != "" {
		_, err = db.ExecContext(ctx, t.extremes)
	}
	return err
}

// isWrong reports whether the totals differ from the sums of their rows.
func (t *total) isWrong(ctx context.Context, db backend.Querier) (bool, error) {
	names, err := backend.Texts(ctx, db, t.mismatches+" LIMIT 1")
	return len(names) > 0, err
}

// empty empties the table. The next fold rebuilds it.
func (t *total) empty(ctx context.Context, db executor) error {
	if _, err := db.ExecContext(ctx, "DELETE FROM "+t.table); err != nil {
		return err
	}
	_, err := db.ExecContext(ctx, "UPDATE tier2_folded SET last_id = -9223372036854775808 WHERE name = ?", t.source)
	return err
}

// foldAll updates all totals. db must be in a transaction.
func foldAll(ctx context.Context, db executor) error {
	for _, t := range totals {
		if err := t.fold(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

// foldLong updates the totals if many rows are missing in them, such as rows that other
// programs have inserted.
func foldLong(ctx context.Context, db *sql.DB) error {
	const long = `SELECT EXISTS (SELECT 1 FROM tier2_folded f JOIN sqlite_sequence s ON s.name = f.name WHERE s.seq - max(f.last_id, 0) >= ?)`
	var found bool
	if err := db.QueryRowContext(ctx, long, foldEvery).Scan(&found); err != nil || !found {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if err := foldAll(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// lastFolds holds the id up to which this process has folded the source of each total.
type lastFolds [2]atomic.Int64

// inserted folds a table after every foldEvery rows, in the transaction that inserted the row
// id. An error does not fail the save: the views add the rows up themselves, and a later call
// tries again.
func (l *lastFolds) inserted(ctx context.Context, tx gorm.ConnPool, table string, id int64) {
	i := totalOf(table)
	if i < 0 || id-l[i].Load() < foldEvery {
		return
	}
	l[i].Store(id)
	ctx = context.WithoutCancel(ctx)
	// A partial fold would count rows twice.
	if _, err := tx.ExecContext(ctx, "SAVEPOINT tier2_fold"); err != nil {
		return
	}
	if err := totals[i].fold(ctx, tx); err != nil {
		_, _ = tx.ExecContext(ctx, "ROLLBACK TO SAVEPOINT tier2_fold")
	}
	_, _ = tx.ExecContext(ctx, "RELEASE SAVEPOINT tier2_fold")
}

// unfold empties the totals of a table if they include id, since a row was inserted with
// that id. The next fold rebuilds them.
func unfold(ctx context.Context, db *sql.Conn, table string, id any) error {
	i := totalOf(table)
	if i < 0 {
		return nil
	}
	var included bool
	err := db.QueryRowContext(ctx, "SELECT ? <= last_id FROM tier2_folded WHERE name = ?", id, table).Scan(&included)
	if err != nil || !included {
		return err
	}
	return totals[i].empty(ctx, db)
}

// checkTotals reports totals that differ from the sums of their rows.
func checkTotals(ctx context.Context, db *sql.DB, _ *description, v *backend.Verification) error {
	for _, t := range totals {
		names, err := backend.Texts(ctx, db, t.mismatches)
		if err != nil {
			return err
		}
		for _, name := range names {
			v.Add("totals: %s of %q is not what %s adds up to; maintain mends it", t.table, name, t.source)
		}
	}
	return nil
}
