package contract

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	gormschema "gorm.io/gorm/schema"

	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var typeCases = cases{
	"Callbacks":      typesCallbacks,
	"CreateClauses":  typesCreateClauses,
	"Defaults":       typesDefaults,
	"Returning":      typesReturning,
	"Serializer":     typesSerializer,
	"SoftDelete":     typesSoftDelete,
	"SoftDeleteFlag": typesSoftDeleteFlag,
	"Version":        typesVersion,
}

// openColumns returns a database whose receipts have more columns, for types of the caller's
// own. It is not used by other cases.
func openColumns(t *T, columns ...string) *gorm.DB {
	t.Helper()
	d := t.engine.open(t, t.engine.DSN(t))
	d.clock.Set(noon)
	for _, column := range columns {
		require.NoError(t, d.store.DB().Exec("ALTER TABLE receipts ADD COLUMN "+column).Error)
	}
	t.Cleanup(func() { digestsHold(t, d.store.DB()) })
	return d.store.DB()
}

// ofType returns a receipt to embed in a type of the caller's own.
func ofType(id string) models.Receipt {
	return models.Receipt{ExecutionID: id, AgentID: "ann", Operation: models.OperationWatch, Status: models.ReceiptPassed}
}

// newestEntry returns the newest entry's operation and context.
func newestEntry(t *T, db *gorm.DB) (operation string, context map[string]any) {
	t.Helper()
	var e models.AuditEntry
	require.NoError(t, db.Order("id DESC").Take(&e).Error)
	require.NoError(t, e.ContextJSON.Decode(&context))
	return e.Operation, context
}

// version counts the updates of a row, as gorm.io/plugin/optimisticlock does: an update that
// comes with an old version changes nothing.
type version int64

func (version) UpdateClauses(f *gormschema.Field) []clause.Interface {
	return []clause.Interface{versionClause{f}}
}

type versionClause struct{ field *gormschema.Field }

func (versionClause) Name() string               { return "" }
func (versionClause) Build(clause.Builder)       {}
func (versionClause) MergeClause(*clause.Clause) {}

func (v versionClause) ModifyStatement(s *gorm.Statement) {
	if _, ok := s.Clauses["version_enabled"]; ok || s.Unscoped {
		return
	}
	if known, zero := v.field.ValueOf(s.Context, s.ReflectValue); !zero {
		s.AddClause(clause.Where{Exprs: []clause.Expression{clause.Eq{Column: clause.Column{Table: clause.CurrentTable, Name: v.field.DBName}, Value: known}}})
	}
	if dest := reflect.Indirect(reflect.ValueOf(s.Dest)); dest.Kind() == reflect.Struct { // the version is no value of a caller
		values := map[string]any{}
		for _, f := range s.Schema.Fields {
			if value, zero := f.ValueOf(s.Context, dest); !zero && f.Updatable && f.DBName != "" && f != v.field && !f.PrimaryKey {
				values[f.DBName] = value
			}
		}
		s.Dest = values
	}
	s.SetColumn(v.field.DBName, clause.Expr{SQL: "? + 1", Vars: []any{clause.Column{Name: v.field.DBName}}}, true)
	s.Clauses["version_enabled"] = clause.Clause{}
}

type versioned struct {
	models.Receipt
	Version version
}

// typesVersion: what a field's type adds to an update is kept, and a stale update is no change.
func typesVersion(t *T) {
	db := openColumns(t, "version bigint")
	row := versioned{Receipt: ofType("v"), Version: 1}
	require.NoError(t, db.Create(&row).Error)
	stale := row

	require.NoError(t, db.Model(&row).Updates(map[string]any{"duration_ms": 7, "error_message": "password=hunter2"}).Error)
	operation, context := newestEntry(t, db)
	assert.Equal(t, "receipts.update", operation)
	assert.Equal(t, map[string]any{
		"duration_ms":   map[string]any{"from": 0.0, "to": 7.0},
		"error_message": map[string]any{"from": "", "to": "password=[redacted]"},
		"version":       map[string]any{"from": 1.0, "to": 2.0},
	}, context["changes"])

	for name, update := range map[string]func() *gorm.DB{
		"Map":    func() *gorm.DB { return db.Model(&stale).Updates(map[string]any{"duration_ms": 9}) },
		"Struct": func() *gorm.DB { return db.Model(&stale).Updates(versioned{Receipt: models.Receipt{DurationMS: 9}}) },
		"Column": func() *gorm.DB { return db.Model(&stale).Update("duration_ms", 9) },
	} {
		before := maxEntry(t, db)
		result := update()
		require.NoError(t, result.Error, name)
		assert.Zero(t, result.RowsAffected, name)
		assert.Equal(t, before, maxEntry(t, db), name)
	}
	var stored versioned
	require.NoError(t, db.Take(&stored).Error)
	assert.Equal(t, int64(7), stored.DurationMS)
	assert.Equal(t, version(2), stored.Version)
}

func maxEntry(t *T, db *gorm.DB) (id int64) {
	t.Helper()
	require.NoError(t, db.Raw("SELECT max(id) FROM audit_log").Scan(&id).Error)
	return id
}

type softDeleted struct {
	models.Receipt
	DeletedAt gorm.DeletedAt
}

// typesSoftDelete: a soft delete is an update, and Unscoped deletes.
func typesSoftDelete(t *T) {
	d := t.engine.open(t, t.engine.DSN(t))
	d.clock.Set(noon)
	db := d.store.DB()
	require.NoError(t, db.Exec("ALTER TABLE receipts ADD COLUMN deleted_at "+map[string]string{"sqlite": "datetime", "postgres": "timestamptz"}[db.Name()]).Error)
	for _, id := range []string{"one", "two", "three"} {
		require.NoError(t, db.Create(&softDeleted{Receipt: ofType(id)}).Error)
	}
	for name, remove := range map[string]func() *gorm.DB{
		"one": func() *gorm.DB { return db.Where("execution_id = ?", "one").Delete(&softDeleted{}) },
		"two": func() *gorm.DB {
			return db.Clauses(clause.Returning{}).Where("execution_id = ?", "two").Delete(&softDeleted{})
		},
		"three": func() *gorm.DB {
			var row softDeleted
			db.Take(&row, "execution_id = ?", "three")
			return db.Delete(&row)
		},
	} {
		result := remove()
		require.NoError(t, result.Error)
		assert.EqualValues(t, 1, result.RowsAffected)
		operation, context := newestEntry(t, db)
		assert.Equal(t, "receipts.update", operation)
		assert.Equal(t, name, context["key"])
		changes, _ := context["changes"].(map[string]any)
		assert.Contains(t, changes, "deleted_at")
		assert.Len(t, changes, 1)
		assert.NotEmpty(t, context["digest"])
	}
	assert.Zero(t, db.Where("execution_id = ?", "one").Delete(&softDeleted{}).RowsAffected, "it is deleted already")
	digestsHold(t, db)
	if d.store.Location() != ":memory:" {
		_, err := d.store.Audit.Seal(t.Context())
		require.NoError(t, err)
		report, err := d.store.Audit.Verify(t.Context(), ledger.VerifyOptions{})
		require.NoError(t, err)
		assert.Empty(t, report.Findings)
	}
	require.NoError(t, db.Unscoped().Where("execution_id = ?", "one").Delete(&softDeleted{}).Error)
	operation, context := newestEntry(t, db)
	assert.Equal(t, "receipts.delete", operation)
	assert.Contains(t, context["row"], "deleted_at")
	assert.Equal(t, int64(2), number(t, db, "SELECT count(*) FROM receipts"))

	require.NoError(t, db.Unscoped().Model(&softDeleted{}).Where("execution_id = ?", "three").Update("deleted_at", nil).Error)
	t.refuse(db, "audit_log", "NEW.operation = 'receipts.update'")
	require.ErrorContains(t, db.Unscoped().Model(&softDeleted{}).Where("execution_id = ?", "two").Update("deleted_at", nil).Error, "boom")
	require.ErrorContains(t, db.Where("execution_id = ?", "three").Delete(&softDeleted{}).Error, "boom")
	assert.Equal(t, int64(1), number(t, db, "SELECT count(*) FROM receipts WHERE deleted_at IS NULL"))
}

// marked marks a row as deleted by 1, as gorm.io/plugin/soft_delete does.
type marked int

func (marked) DeleteClauses(f *gormschema.Field) []clause.Interface {
	return []clause.Interface{markClause{f}}
}

type markClause struct{ field *gormschema.Field }

func (markClause) Name() string               { return "" }
func (markClause) Build(clause.Builder)       {}
func (markClause) MergeClause(*clause.Clause) {}

func (f markClause) ModifyStatement(s *gorm.Statement) {
	if s.SQL.Len() > 0 || s.Unscoped {
		return
	}
	s.AddClause(clause.Set{{Column: clause.Column{Name: f.field.DBName}, Value: 1}})
	s.AddClause(clause.Where{Exprs: []clause.Expression{clause.Eq{Column: clause.Column{Table: clause.CurrentTable, Name: f.field.DBName}, Value: 0}}})
	s.AddClauseIfNotExists(clause.Update{})
	s.Build(s.DB.Callback().Update().Clauses...)
}

type flagged struct {
	models.Receipt
	Gone marked `gorm:"default:0"`
}

func typesSoftDeleteFlag(t *T) {
	db := openColumns(t, "gone bigint DEFAULT 0")
	for _, id := range []string{"one", "two"} {
		require.NoError(t, db.Create(&flagged{Receipt: ofType(id)}).Error)
	}
	require.NoError(t, db.Where("agent_id = ?", "ann").Delete(&flagged{}).Error)
	operation, context := newestEntry(t, db)
	assert.Equal(t, "receipts.update", operation)
	assert.Equal(t, map[string]any{"gone": map[string]any{"from": 0.0, "to": 1.0}}, context["changes"])
	assert.Equal(t, int64(2), number(t, db, "SELECT count(*) FROM audit_log WHERE operation = 'receipts.update'"))
}

type serialized struct {
	models.Receipt
	Labels []string `gorm:"serializer:json"`
}

// typesSerializer: serializers of fields run for creates, upserts, updates and RETURNING.
func typesSerializer(t *T) {
	db := openColumns(t, "labels text")
	row := serialized{Receipt: ofType("s"), Labels: []string{"a", "b"}}
	require.NoError(t, db.Create(&row).Error)
	require.NoError(t, db.Model(&row).Updates(serialized{Labels: []string{"c"}}).Error)
	_, context := newestEntry(t, db)
	assert.Equal(t, map[string]any{"labels": map[string]any{"from": `["a","b"]`, "to": `["c"]`}}, context["changes"])

	again := serialized{Receipt: ofType("s"), Labels: []string{"ignored"}}
	require.NoError(t, db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"duration_ms"})}, clause.Returning{}).Create(&again).Error)
	assert.Equal(t, []string{"c"}, again.Labels, "RETURNING reads the stored value")
	assert.Equal(t, row.ID, again.ID)
}

type withDefault struct {
	models.Receipt
	Rank int64 `gorm:"default:(5)"`
}

// typesDefaults: defaults that the database fills reach the struct.
func typesDefaults(t *T) {
	db := openColumns(t, "rank bigint DEFAULT 5")
	one, list := withDefault{Receipt: ofType("one")}, []withDefault{{Receipt: ofType("two")}, {Receipt: ofType("three")}}
	require.NoError(t, db.Create(&one).Error)
	require.NoError(t, db.Create(&list).Error)
	assert.Equal(t, []int64{5, 5, 5}, []int64{one.Rank, list[0].Rank, list[1].Rank})
	own := withDefault{Receipt: ofType("own"), Rank: 7}
	require.NoError(t, db.Create(&own).Error)
	assert.Equal(t, int64(7), own.Rank)
	assert.NotZero(t, one.ID)

	created := one.CreatedAt
	again := withDefault{Receipt: ofType("one")}
	again.CreatedAt = created.Add(time.Hour)
	require.NoError(t, db.Clauses(clause.OnConflict{Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"duration_ms"})}).Create(&again).Error)
	assert.True(t, created.Equal(again.CreatedAt), "as stored: %v", again.CreatedAt)
	assert.Equal(t, int64(5), again.Rank)
}

// typesReturning: a caller's RETURNING reaches the struct, on plain models and others.
func typesReturning(t *T) {
	db := openDB(t)
	require.NoError(t, db.Create(&models.Receipt{ExecutionID: "r", AgentID: "ann", Operation: models.OperationWatch, Status: models.ReceiptPassed, DurationMS: 3, Environment: "dev"}).Error)
	upsert := func(columns ...string) models.Receipt {
		row := ofType("r")
		row.DurationMS = 9
		returning := clause.Returning{}
		for _, name := range columns {
			returning.Columns = append(returning.Columns, clause.Column{Name: name})
		}
		require.NoError(t, db.Clauses(returning, clause.OnConflict{
			Columns: []clause.Column{{Name: "execution_id"}}, DoUpdates: clause.AssignmentColumns([]string{"status"}),
		}).Create(&row).Error)
		return row
	}
	all := upsert()
	assert.Equal(t, int64(3), all.DurationMS)
	assert.Equal(t, "dev", all.Environment)
	some := upsert("environment")
	assert.Equal(t, int64(9), some.DurationMS, "it was not asked for")
	assert.Equal(t, "dev", some.Environment)
	assert.NotZero(t, some.ID)

	fresh := ofType("fresh")
	require.NoError(t, db.Clauses(clause.Returning{Columns: []clause.Column{{Name: "status"}}}).Create(&fresh).Error)
	assert.NotZero(t, fresh.ID)
}

// upperID is a field whose type adds a clause to creates.
type upperID string

func (upperID) CreateClauses(f *gormschema.Field) []clause.Interface {
	return []clause.Interface{upperClause{f}}
}

type upperClause struct{ field *gormschema.Field }

func (upperClause) Name() string               { return "" }
func (upperClause) Build(clause.Builder)       {}
func (upperClause) MergeClause(*clause.Clause) {}

func (c upperClause) ModifyStatement(s *gorm.Statement) {
	if !s.Unscoped {
		s.SetColumn(c.field.Name, strings.ToUpper("label"))
	}
}

type labelled struct {
	models.Receipt
	Label upperID
}

func typesCreateClauses(t *T) {
	db := openColumns(t, "label text")
	row := labelled{Receipt: ofType("l"), Label: "label"}
	require.NoError(t, db.Create(&row).Error)
	var text string
	require.NoError(t, db.Raw("SELECT label FROM receipts").Scan(&text).Error)
	assert.Equal(t, "LABEL", text)
}

type called struct {
	models.Receipt
	Calls string `gorm:"-"`
}

func (c *called) BeforeCreate(*gorm.DB) error { c.Calls += "create "; return nil }
func (c *called) AfterCreate(tx *gorm.DB) error {
	c.Calls += fmt.Sprint("created ", c.ID > 0, tx.Statement.RowsAffected, " ")
	return nil
}
func (c *called) BeforeUpdate(*gorm.DB) error { c.Calls += "update "; return nil }
func (c *called) AfterDelete(*gorm.DB) error  { c.Calls += "deleted"; return nil }

// typesCallbacks: methods of a caller's type run as GORM runs them.
func typesCallbacks(t *T) {
	db := openDB(t)
	row := called{Receipt: ofType("c")}
	require.NoError(t, db.Create(&row).Error)
	require.NoError(t, db.Model(&row).Update("duration_ms", 1).Error)
	require.NoError(t, db.Delete(&row).Error)
	assert.Equal(t, "create created true 1 update deleted", row.Calls)
	var operations []string
	require.NoError(t, db.Model(&models.AuditEntry{}).Order("id").Pluck("operation", &operations).Error)
	assert.Equal(t, []string{"receipts.create", "receipts.update", "receipts.delete"}, operations)
}
