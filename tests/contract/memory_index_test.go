package contract

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// recorder is a logger that collects the statements.
type recorder struct {
	logger.Interface
	mu         sync.Mutex
	statements []string
}

func (r *recorder) LogMode(logger.LogLevel) logger.Interface { return r }

func (r *recorder) Trace(_ context.Context, _ time.Time, sql func() (string, int64), _ error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	statement, _ := sql()
	r.statements = append(r.statements, statement)
}

// memoryIndex is the index of the schema.
var memoryIndex = map[string]string{
	"sqlite": `CREATE INDEX IF NOT EXISTS idx_audit_log_memory ON audit_log(json_extract(context_json,'$.key'), id)
		WHERE operation IN ('agent_memory.create','agent_memory.update','agent_memory.delete')`,
	"postgres": `CREATE INDEX IF NOT EXISTS idx_audit_log_memory ON audit_log((context_json ->> 'key'), id)
		WHERE operation IN ('agent_memory.create','agent_memory.update','agent_memory.delete')`,
}

// historyIndex: every query for an agent's history uses the index of memory entries, however
// many other entries the log has.
func historyIndex(t *T) {
	logged := &recorder{Interface: logger.Discard}
	store, err := tier2.Open(t.Context(), t.engine.DSN(t), append(t.engine.Options, tier2.WithLogger(logged))...)
	require.NoError(t, err)
	defer store.Close()
	db, ctx := store.DB().WithContext(t.Context()), t.Context()
	require.NoError(t, db.Exec(memoryIndex[db.Name()]).Error)
	for _, agent := range []string{"a", "b", "c"} {
		for range 5 {
			require.NoError(t, store.Memory.Put(ctx, agent, models.JSON(`{}`)))
			require.NoError(t, store.Memory.Forget(ctx, agent))
		}
	}
	require.NoError(t, db.Exec(`INSERT INTO audit_log (timestamp, agent_id, operation, status, context_json, created_at)
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
		SELECT ?, 'a', 'receipts.create', 'completed', ?, ? FROM n`, models.At(noon), models.JSON(`{"key":"a"}`), noon).Error)
	require.NoError(t, db.Exec("ANALYZE audit_log").Error)

	logged.statements = nil
	_, next, err := store.Memory.History(ctx, "a", repository.HistoryFilter{Page: repository.Page{Limit: 3}})
	require.NoError(t, err)
	_, _, err = store.Memory.History(ctx, "a", repository.HistoryFilter{Since: noon.AddDate(-1, 0, 0), Until: noon.AddDate(1, 0, 0), Page: repository.Page{Cursor: next}})
	require.NoError(t, err)
	_, err = store.Memory.At(ctx, "a", time.Now())
	require.ErrorIs(t, err, models.ErrNotFound)
	require.Len(t, logged.statements, 3)
	for _, statement := range logged.statements {
		assert.Contains(t, plan(t, db, statement), "idx_audit_log_memory", statement)
	}
}

func plan(t *T, db *gorm.DB, statement string) string {
	t.Helper()
	explain := map[string]string{"sqlite": "EXPLAIN QUERY PLAN ", "postgres": "EXPLAIN "}[db.Name()]
	rows, err := db.Raw(explain + statement).Rows()
	require.NoError(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	var lines []string
	for rows.Next() {
		fields := make([]any, len(columns))
		var line string
		for i := range fields {
			fields[i] = new(any)
		}
		fields[len(fields)-1] = &line
		require.NoError(t, rows.Scan(fields...))
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}
