package contract

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"
	"sort"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

var doNothing = clause.OnConflict{DoNothing: true}

func alices(id string) *models.Receipt {
	return &models.Receipt{
		ExecutionID: id, AgentID: "alice", Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, DurationMS: 10, Timestamp: models.At(noon),
	}
}

func emitted(execution string) *models.PipelineMetric {
	return &models.PipelineMetric{
		ExecutionID: execution, Stage: models.StageEmit, DurationMS: 5, Status: models.StagePassed, Timestamp: models.At(noon),
	}
}

// openSeeded returns a database with receipts r1, r2 (alice) and r3 (bob); metrics 1, 2 of
// r1 and 3 of r2; session s1; a collision; a violation of r3; and a memory of carol.
func openSeeded(t *T) *gorm.DB {
	t.Helper()
	d := t.database()
	d.clock.Set(noon)
	db := d.store.DB()
	t.filled(d, "seeded", func() {
		r3 := alices("r3")
		r3.AgentID = "bob"
		rows := []any{
			alices("r1"), alices("r2"), r3, emitted("r1"), emitted("r1"), emitted("r2"),
			&models.WorkflowSession{SessionID: "s1", AgentCount: 2},
			&models.Collision{
				SessionID: "s1", AgentID1: "alice", AgentID2: "bob", CollisionType: models.FileConflict,
				Description: "both wrote main.rs", Severity: models.SeverityWarning,
			},
			&models.SLOViolation{ExecutionID: "r3", Metric: "first_build", TargetValue: 15, ActualValue: 20, Severity: models.SeverityWarning},
			&models.AgentMemory{AgentID: "carol", MemoryJSON: models.JSON(`{"state":"new"}`)},
		}
		require.NoError(t, db.Transaction(func(tx *gorm.DB) error { // one commit is faster than ten
			for _, row := range rows {
				require.NoError(t, tx.Create(row).Error)
			}
			return nil
		}))
	})
	return db
}

// tables lists the tables that are read by plain SQL, independently of the code under test.
var tables = []string{"receipts", "agent_memory", "workflow_sessions", "collision_detection", "pipeline_metrics", "slo_violations"}

type tableRows map[int64]map[string]any

func snapshot(t *T, db *gorm.DB) map[string]tableRows {
	t.Helper()
	all := map[string]tableRows{}
	for _, table := range tables {
		rows, err := db.Raw("SELECT * FROM " + table).Rows()
		require.NoError(t, err)
		all[table] = readTable(t, rows)
	}
	return all
}

func readTable(t *T, rows *sql.Rows) tableRows {
	t.Helper()
	defer rows.Close()
	columns, err := rows.Columns()
	require.NoError(t, err)
	table := tableRows{}
	for rows.Next() {
		values, dest := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			dest[i] = &values[i]
		}
		require.NoError(t, rows.Scan(dest...))
		r := map[string]any{}
		for i, column := range columns {
			switch v := values[i].(type) {
			case time.Time:
				r[column] = models.At(v).String()
			case []byte:
				r[column] = string(v)
			default:
				r[column] = v
			}
		}
		table[r["id"].(int64)] = r
	}
	require.NoError(t, rows.Err())
	return table
}

// diff describes the changes in the format of describe. agent_memory counts only if the
// operation itself writes it; otherwise the hooks did.
func diff(before, after map[string]tableRows, memory bool) []string {
	var found []string
	for _, table := range tables {
		if table == "agent_memory" && !memory {
			continue
		}
		for id, was := range before[table] {
			is, there := after[table][id]
			switch {
			case !there:
				found = append(found, describe(table, "delete", id, jsonText(was)))
			case !reflect.DeepEqual(was, is):
				changes := map[string]any{}
				for column := range is {
					if was[column] != is[column] {
						changes[column] = map[string]any{"from": was[column], "to": is[column]}
					}
				}
				found = append(found, describe(table, "update", id, jsonText(changes)))
			}
		}
		for id := range after[table] {
			if _, there := before[table][id]; !there {
				found = append(found, describe(table, "create", id, ""))
			}
		}
	}
	return found
}

func jsonText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// completed describes the entries since an id, in the format of diff.
func completed(t *T, db *gorm.DB, since int64) []string {
	t.Helper()
	var contexts []string
	require.NoError(t, db.Raw("SELECT context_json FROM audit_log WHERE id > ? AND status = 'completed' ORDER BY id", since).Scan(&contexts).Error)
	var list []string
	for _, text := range contexts {
		var c struct {
			Table, Action string
			ID            int64
			Changes, Row  map[string]any
		}
		require.NoError(t, json.Unmarshal([]byte(text), &c))
		detail := ""
		switch c.Action {
		case "update":
			detail = jsonText(c.Changes)
		case "delete":
			detail = jsonText(c.Row)
		}
		list = append(list, describe(c.Table, c.Action, c.ID, detail))
	}
	sort.Strings(list)
	return list
}

func failed(t *T, db *gorm.DB, since int64) int {
	t.Helper()
	var n int
	require.NoError(t, db.Raw("SELECT count(*) FROM audit_log WHERE id > ? AND status = 'failed'", since).Scan(&n).Error)
	return n
}

func maxID(t *T, db *gorm.DB) int64 {
	t.Helper()
	var n int64
	require.NoError(t, db.Raw("SELECT coalesce(max(id), 0) FROM audit_log").Scan(&n).Error)
	return n
}

func totalSaves(t *T, db *gorm.DB) int64 {
	t.Helper()
	var n int64
	require.NoError(t, db.Raw(t.engine.SQL.Saves).Scan(&n).Error)
	return n
}

func count(t *T, db *gorm.DB, table, where string) int64 {
	t.Helper()
	var n int64
	require.NoError(t, db.Raw("SELECT count(*) FROM "+table+" WHERE "+where).Scan(&n).Error)
	return n
}

func describe(table, action string, id any, detail string) string {
	return strings.TrimSpace(fmt.Sprintf("%s.%s %v %s", table, action, id, detail))
}
