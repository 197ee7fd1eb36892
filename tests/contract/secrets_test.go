package contract

import (
	"fmt"
	"maps"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

var secretCases = cases{
	"EveryWay":     secretsEveryWay,
	"Evidence":     secretsEvidence,
	"Failed":       secretsFailed,
	"Logged":       secretsLogged,
	"Memory":       secretsMemory,
	"NothingThere": secretsNothingThere,
	"OwnEntries":   secretsOwnEntries,
}

// The secret, and texts that contain it.
const (
	hidden     = "hunter2"
	hiddenText = "dial postgres://bob:hunter2@db/x: password=hunter2"
	cleanText  = "dial postgres://bob:[redacted]@db/x: password=[redacted]"
	hiddenJSON = `{"n":1.50,"db":{"dbPassword":"hunter2","host":"h"},"doc":"{\"token\":[\"hunter2\"]}"}`
	cleanJSON  = `{"n":1.50,"db":{"dbPassword":"[redacted]","host":"h"},"doc":"{\"token\":\"[redacted]\"}"}`
)

// unhidden lists the columns that hold the secret and should not.
func unhidden(t *T, db *gorm.DB) (found []string) {
	t.Helper()
	evidence := []string{"memory_json", "collision_history", "receipt_json"}
	for _, m := range models.All() {
		var rows []map[string]any
		require.NoError(t, db.Table(m.TableName()).Find(&rows).Error)
		for _, r := range rows {
			for _, column := range evidence {
				delete(r, column)
			}
			if text := fmt.Sprint(r); strings.Contains(text, hidden) {
				found = append(found, m.TableName()+" "+text)
			}
		}
	}
	return found
}

type ownSession struct {
	ID          int64
	SessionID   string
	ContextJSON *string
}

func (ownSession) TableName() string { return "workflow_sessions" }

// secretsEveryWay: error texts and contexts of sessions are redacted in rows, entries and
// digests, however they are written.
func secretsEveryWay(t *T) {
	sessionOf := func(id string) *models.WorkflowSession {
		return &models.WorkflowSession{SessionID: id, AgentCount: 1, ContextJSON: models.JSON(hiddenJSON)}
	}
	failedOf := func(id string) *models.Receipt {
		r := outcome(id, models.ReceiptFailed, hiddenText)
		r.Metrics = []models.PipelineMetric{{Stage: models.StageEmit, Status: models.StageFailed, ErrorMessage: hiddenText}}
		return r
	}
	text, given := hiddenJSON, map[string]any{
		"session_id": "n3", "start_time": noon, "status": "running", "agent_count": 1, "context_json": models.JSON(hiddenJSON),
	}
	onSession := func(then clause.OnConflict) clause.OnConflict {
		then.Columns = []clause.Column{{Name: "session_id"}}
		return then
	}
	one := func(db *gorm.DB) *gorm.DB { return db.Model(&models.WorkflowSession{}).Where("session_id = 's1'") }
	for name, write := range map[string]func(t *T, db *gorm.DB) error{
		"Writer": func(t *T, db *gorm.DB) error {
			s := sessionOf("n1")
			err := newWriter(t, db, 1).Create(t.Context(), db, s, outcome("n1", models.ReceiptFailed, hiddenText),
				&models.PipelineMetric{ExecutionID: "n1", Stage: models.StageEmit, Status: models.StageFailed, ErrorMessage: hiddenText},
				&models.AgentMemory{AgentID: "n1", LastError: hiddenText})
			assert.Equal(t, cleanJSON, s.ContextJSON.String(), "the caller's struct says what is stored")
			return err
		},
		"structs": func(_ *T, db *gorm.DB) error {
			if err := db.Create([]*models.WorkflowSession{sessionOf("n1"), sessionOf("n2")}).Error; err != nil {
				return err
			}
			if err := db.Create(&models.AgentMemory{AgentID: "n1", LastError: hiddenText}).Error; err != nil {
				return err
			}
			return db.Create(failedOf("n1")).Error
		},
		"selected":  func(_ *T, db *gorm.DB) error { return db.Omit("created_at").Create(sessionOf("n1")).Error },
		"embedding": func(_ *T, db *gorm.DB) error { return db.Create(&embeddingReceipt{*failedOf("n1")}).Error },
		"maps": func(t *T, db *gorm.DB) error {
			m := maps.Clone(given)
			if err := db.Model(&models.WorkflowSession{}).Create([]map[string]any{m}).Error; err != nil {
				return err
			}
			assert.Equal(t, hiddenJSON, m["context_json"].(models.JSON).String(), "the caller's map is the caller's")
			m["session_id"], m["context_json"] = "n4", &text
			if err := db.Table("workflow_sessions").Create(m).Error; err != nil {
				return err
			}
			r := receiptMap("n5")
			r["error_message"] = []byte(hiddenText)
			return db.Model(&models.Receipt{}).Create(r).Error
		},
		"update of a map": func(t *T, db *gorm.DB) error {
			m := map[string]any{"ContextJSON": hiddenJSON}
			err := one(db).Updates(m).Error
			assert.Equal(t, map[string]any{"ContextJSON": hiddenJSON}, m)
			return err
		},
		"update by Table": func(_ *T, db *gorm.DB) error {
			return db.Table("receipts").Where("execution_id = 'r1'").Updates(map[string]any{"error_message": hiddenText}).Error
		},
		"update of a struct": func(_ *T, db *gorm.DB) error {
			return one(db).Updates(models.WorkflowSession{ContextJSON: models.JSON(hiddenJSON)}).Error
		},
		"update of a column": func(_ *T, db *gorm.DB) error {
			return one(db).UpdateColumn("context_json", models.JSON(hiddenJSON)).Error
		},
		"update with Returning": func(_ *T, db *gorm.DB) error {
			var list []models.WorkflowSession
			return db.Model(&list).Clauses(clause.Returning{}).Where("session_id = 's1'").Update("context_json", hiddenJSON).Error
		},
		"update of an own SET": func(_ *T, db *gorm.DB) error {
			return one(db).Clauses(clause.Set{{Column: clause.Column{Name: "context_json"}, Value: hiddenJSON}}).Updates(map[string]any{}).Error
		},
		"Save": with1("r1", func(db *gorm.DB, r *models.Receipt) error {
			r.ErrorMessage = hiddenText
			return db.Save(r).Error
		}),
		"own type": func(_ *T, db *gorm.DB) error {
			return db.Model(&ownSession{}).Where("session_id = 's1'").Updates(&ownSession{ContextJSON: &text}).Error
		},
		"upsert": func(_ *T, db *gorm.DB) error {
			return db.Clauses(onSession(clause.OnConflict{UpdateAll: true})).Create([]*models.WorkflowSession{sessionOf("s1"), sessionOf("n1")}).Error
		},
		"upsert with values": func(_ *T, db *gorm.DB) error {
			again := clause.OnConflict{DoUpdates: clause.Assignments(map[string]any{"context_json": hiddenJSON})}
			return db.Clauses(onSession(again)).Create(&models.WorkflowSession{SessionID: "s1", AgentCount: 1}).Error
		},
		"memory of a row that another program left": func(_ *T, db *gorm.DB) error {
			if err := db.Exec("UPDATE receipts SET error_message = ? WHERE execution_id = 'r1'", hiddenText).Error; err != nil {
				return err
			}
			if err := db.Model(&models.Receipt{}).Where("execution_id = 'r1'").Update("status", "failed").Error; err != nil {
				return err
			}
			return db.Model(&models.Receipt{}).Where("execution_id = 'r1'").Update("error_message", hiddenText).Error
		},
	} {
		t.Run(name, func(t *T) {
			t.Parallel()
			db := openSeeded(t)
			last := maxID(t, db)
			require.NoError(t, write(t, db))
			assert.Empty(t, unhidden(t, db))
			assert.NotEmpty(t, completed(t, db, last))
			assert.Contains(t, fmt.Sprint(snapshot(t, db)), "[redacted]")
			digestsHold(t, db)
		})
	}
}

// with1 is like with, for one case.
func with1(id string, write func(*gorm.DB, *models.Receipt) error) func(*T, *gorm.DB) error {
	return func(_ *T, db *gorm.DB) error { return with(id, write)(db) }
}

// secretsMemory: memory_json is stored unchanged. Its entries are redacted, and name the
// column even if only a secret changed.
func secretsMemory(t *T) {
	db := openDB(t)
	create := &models.AgentMemory{AgentID: "a", MemoryJSON: models.JSON(hiddenJSON)}
	require.NoError(t, db.Create(create).Error)
	other := strings.ReplaceAll(hiddenJSON, hidden, "hunter2b")
	require.NoError(t, db.Model(create).Update("memory_json", models.JSON(other)).Error)
	assert.Contains(t, memoryOf(t, db, "a").MemoryJSON.String(), "hunter2b")
	digestsHold(t, db)
	require.NoError(t, db.Delete(create).Error)
	assert.Empty(t, unhidden(t, db))

	var entries []models.AuditEntry
	require.NoError(t, db.Order("id").Find(&entries).Error)
	require.Len(t, entries, 3)
	var updated struct {
		Changes map[string]struct{ From, To string }
	}
	require.NoError(t, entries[1].ContextJSON.Decode(&updated))
	assert.JSONEq(t, cleanJSON, updated.Changes["memory_json"].From)
	assert.JSONEq(t, cleanJSON, updated.Changes["memory_json"].To)
	var deleted struct{ Row map[string]any }
	require.NoError(t, entries[2].ContextJSON.Decode(&deleted))
	assert.JSONEq(t, cleanJSON, deleted.Row["memory_json"].(string))
}

// secretsEvidence: a receipt's document is stored byte for byte, and redacted in entries.
func secretsEvidence(t *T) {
	db := openDB(t)
	r := alices("r")
	r.ReceiptJSON = models.JSON(hiddenJSON)
	require.NoError(t, db.Create(r).Error)
	stored, err := loaded(db, "r")
	require.NoError(t, err)
	assert.Equal(t, hiddenJSON, stored.ReceiptJSON.String())
	require.NoError(t, db.Delete(r).Error)
	assert.Empty(t, unhidden(t, db))
	assert.Contains(t, lastContext(t, db), "[redacted]")
}

func lastContext(t *T, db *gorm.DB) string {
	t.Helper()
	var e models.AuditEntry
	require.NoError(t, db.Order("id DESC").Take(&e).Error)
	return e.ContextJSON.String()
}

// secretsFailed: the error of a rejected write, which quotes values, is redacted.
func secretsFailed(t *T) {
	bad := models.JSON(`{"password":"hunter2","rest":`)
	for name, write := range map[string]func(*T, *gorm.DB) error{
		"Writer": func(t *T, db *gorm.DB) error {
			return newWriter(t, db, 1).Create(t.Context(), db, &models.WorkflowSession{AgentCount: 1, ContextJSON: bad})
		},
		"struct": func(_ *T, db *gorm.DB) error {
			return db.Create(&models.WorkflowSession{AgentCount: 1, ContextJSON: bad}).Error
		},
		"map": func(_ *T, db *gorm.DB) error {
			return db.Model(&models.WorkflowSession{}).Where("session_id = 's1'").Updates(map[string]any{"context_json": string(bad)}).Error
		},
		"column": func(_ *T, db *gorm.DB) error {
			return db.Model(&models.Receipt{}).Where("execution_id = 'r1'").Update("status", "token=hunter2").Error
		},
	} {
		t.Run(name, func(t *T) {
			t.Parallel()
			db := openSeeded(t)
			last := maxID(t, db)
			require.ErrorContains(t, write(t, db), hidden, "the caller may know")
			assert.Equal(t, 1, failed(t, db, last))
			assert.Empty(t, unhidden(t, db))
		})
	}
}

// secretsOwnEntries: entries of callers are redacted, however they are written.
func secretsOwnEntries(t *T) {
	store := open(t)
	entry := func() *models.AuditEntry {
		return &models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditFailed, ErrorMessage: hiddenText, ContextJSON: models.JSON(hiddenJSON)}
	}
	require.NoError(t, store.Audit.Record(t.Context(), entry()))
	require.NoError(t, store.DB().Create(entry()).Error)
	require.NoError(t, newWriter(t, store.DB(), 1).Create(t.Context(), store.DB(), entry()))
	require.NoError(t, store.DB().Table("audit_log").Create(map[string]any{
		"timestamp": noon, "agent_id": "a", "operation": "o", "status": "failed", "error_message": hiddenText, "context_json": hiddenJSON,
	}).Error)
	var entries []models.AuditEntry
	require.NoError(t, store.DB().Find(&entries).Error)
	require.Len(t, entries, 4)
	for _, e := range entries {
		assert.Equal(t, cleanText, e.ErrorMessage)
		assert.Equal(t, cleanJSON, e.ContextJSON.String())
	}
}

// secretsNothingThere: documents and texts without a secret stay unchanged, and so do values
// that the database computes.
func secretsNothingThere(t *T) {
	db := openDB(t)
	doc := ` {"key": [1.0, 1e2], "token_budget" : 5,"text":"password"} `
	require.NoError(t, db.Create(&models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditFailed, ErrorMessage: "key: no password", ContextJSON: models.JSON(doc)}).Error)
	assert.Equal(t, doc, lastContext(t, db))
	require.NoError(t, db.Create(alices("r")).Error)
	require.NoError(t, db.Model(&models.Receipt{}).Where("execution_id = 'r'").Update("error_message", gorm.Expr("agent_id || ?", "!")).Error)
	r, err := loaded(db, "r")
	require.NoError(t, err)
	assert.Equal(t, "alice!", r.ErrorMessage)
	require.NoError(t, db.Model(r).Update("error_message", nil).Error)
	assert.EqualValues(t, 1, count(t, db, "receipts", "error_message IS NULL"))
	digestsHold(t, db)
}
