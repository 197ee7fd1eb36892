package models_test

import (
	"encoding"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// enumColumns are the columns that an enum governs, and what each allows.
func enumColumns() map[string][]string {
	return map[string][]string{
		"receipts.operation":                 list(models.Operations()),
		"receipts.status":                    list(models.ReceiptStatuses()),
		"audit_log.status":                   list(models.AuditStatuses()),
		"workflow_sessions.status":           list(models.SessionStatuses()),
		"collision_detection.collision_type": list(models.CollisionTypes()),
		"collision_detection.severity":       list(models.Severities()),
		"pipeline_metrics.stage":             list(models.Stages()),
		"pipeline_metrics.status":            list(models.StageStatuses()),
		"slo_violations.severity":            list(models.ViolationSeverities()),
	}
}

func list[T ~string](values []T) (texts []string) {
	for _, v := range values {
		texts = append(texts, string(v))
	}
	return texts
}

var (
	inList = regexp.MustCompile(`CHECK \((\w+) IN \(([^)]*)\)\)`)
	inTag  = regexp.MustCompile(`check:chk_\w+,(\w+) IN \(([^)]*)\)`)
)

func unquote(in string) (values []string) {
	for v := range strings.SplitSeq(in, ",") {
		values = append(values, strings.Trim(v, "' "))
	}
	return values
}

func TestEnumsEqualSchema(t *testing.T) {
	t.Parallel()
	schema, err := os.ReadFile("../schema.sql")
	require.NoError(t, err)
	found := map[string][]string{}
	for table := range strings.SplitSeq(string(schema), "CREATE TABLE IF NOT EXISTS ") {
		name := strings.Trim(strings.SplitN(table, " ", 2)[0], "`")
		for _, m := range inList.FindAllStringSubmatch(table, -1) {
			found[name+"."+m[1]] = unquote(m[2])
		}
	}
	assert.Equal(t, enumColumns(), found)
}

func TestEnumsEqualTags(t *testing.T) {
	t.Parallel()
	found := map[string][]string{}
	for _, m := range models.All() {
		for field := range reflect.TypeOf(m).Elem().Fields() {
			if match := inTag.FindStringSubmatch(field.Tag.Get("gorm")); match != nil {
				found[m.TableName()+"."+match[1]] = unquote(match[2])
			}
		}
	}
	assert.Equal(t, enumColumns(), found)
}

func TestEnums(t *testing.T) {
	t.Parallel()
	t.Run("Operation", func(t *testing.T) { t.Parallel(); testEnum(t, models.Operations()) })
	t.Run("ReceiptStatus", func(t *testing.T) { t.Parallel(); testEnum(t, models.ReceiptStatuses()) })
	t.Run("AuditStatus", func(t *testing.T) { t.Parallel(); testEnum(t, models.AuditStatuses()) })
	t.Run("SessionStatus", func(t *testing.T) { t.Parallel(); testEnum(t, models.SessionStatuses()) })
	t.Run("CollisionType", func(t *testing.T) { t.Parallel(); testEnum(t, models.CollisionTypes()) })
	t.Run("Severity", func(t *testing.T) { t.Parallel(); testEnum(t, models.Severities()) })
	t.Run("Stage", func(t *testing.T) { t.Parallel(); testEnum(t, models.Stages()) })
	t.Run("StageStatus", func(t *testing.T) { t.Parallel(); testEnum(t, models.StageStatuses()) })
}

// testEnum holds an enum to its contract: every listed value is valid and survives
// JSON; everything else is refused, with the list, and leaves the variable as it was.
func testEnum[T interface {
	~string
	Valid() bool
}](t *testing.T, values []T) {
	t.Helper()
	require.NotEmpty(t, values)
	seen := map[T]bool{}
	for _, v := range values {
		assert.True(t, v.Valid(), "%q", v)
		assert.False(t, seen[v], "%q is listed twice", v)
		seen[v] = true
		raw, err := json.Marshal(v)
		require.NoError(t, err)
		var back T
		require.NoError(t, json.Unmarshal(raw, &back))
		assert.Equal(t, v, back)
	}
	first := string(values[0])
	for _, bad := range []string{"", " ", first + " ", " " + first, strings.ToUpper(first), "nonsense", first + "\x00"} {
		assert.False(t, T(bad).Valid(), "%q", bad)
		raw, err := json.Marshal(bad)
		require.NoError(t, err)
		v := values[0]
		err = json.Unmarshal(raw, &v)
		require.ErrorIs(t, err, models.ErrInvalid, "%q", bad)
		var refusal *models.Error
		require.ErrorAs(t, err, &refusal)
		assert.Equal(t, list(values), refusal.Allowed)
		assert.Equal(t, values[0], v, "a refusal must not change the variable")
	}
}

// TestEnumListsAreCopies: a caller who changes a list changes only its own.
func TestEnumListsAreCopies(t *testing.T) {
	t.Parallel()
	models.Operations()[0] = "changed"
	assert.Equal(t, models.OperationValidation, models.Operations()[0])
	assert.True(t, models.OperationValidation.Valid())
}

func TestStagesAreInPipelineOrder(t *testing.T) {
	t.Parallel()
	assert.Equal(t, []models.Stage{"μ₁_normalize", "μ₂_extract", "μ₃_emit", "μ₄_canonicalize", "μ₅_receipt"}, models.Stages())
	assert.IsIncreasing(t, list(models.Stages()))
}

// FuzzEnums: every enum takes the values of its list, and nothing else.
func FuzzEnums(f *testing.F) {
	for _, allowed := range enumColumns() {
		for _, v := range allowed {
			f.Add(v)
		}
	}
	for _, s := range []string{"", " passed", "passed\x00", "PASSED", "μ1_normalize", "\u00b5₁_normalize", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		fuzzEnum(t, s, models.Operations())
		fuzzEnum(t, s, models.ReceiptStatuses())
		fuzzEnum(t, s, models.AuditStatuses())
		fuzzEnum(t, s, models.SessionStatuses())
		fuzzEnum(t, s, models.CollisionTypes())
		fuzzEnum(t, s, models.Severities())
		fuzzEnum(t, s, models.Stages())
		fuzzEnum(t, s, models.StageStatuses())
	})
}

func fuzzEnum[T interface {
	~string
	Valid() bool
}](t *testing.T, s string, values []T) {
	allowed := slices.Contains(list(values), s)
	require.Equal(t, allowed, T(s).Valid())
	v := values[0]
	err := any(&v).(encoding.TextUnmarshaler).UnmarshalText([]byte(s))
	if allowed {
		require.NoError(t, err)
		require.Equal(t, s, string(v))
		return
	}
	require.ErrorIs(t, err, models.ErrInvalid)
	require.Equal(t, values[0], v, "a refusal must not change the variable")
}
