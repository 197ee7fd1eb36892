package contract

import (
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var textCases = cases{
	"Literal": textsLiteral,
	"Methods": textsMethods,
}

// literals are texts that have a meaning in SQL, GORM, LIKE, JSON paths or a terminal, and
// must have none in a store.
var literals = []string{
	`'; DROP TABLE receipts; --`, `" OR "1"="1`, `' OR 1=1 --`, `%`, `_`, `\`, `\'`, `$1`, `?`, `?1`, `:a`, `@a`, `/*`, "`id`", `’ OR ‘1’=‘1`, `＇ OR 1=1`,
	`$.execution_id`, `"}`, "\n;\r\t\x1b[2J", `\u0000`, "\u202eNULL", `{{.}}%s%!d`,
}

// textsLiteral passes each of literals to every method, in every parameter and filter that
// takes text: the text finds exactly the row of that name, and has no other effect than a
// harmless name.
func textsLiteral(t *T) {
	store := open(t)
	schema := schemaOf(t, store)
	stays := receipt("stays")
	stays.AgentID = "bystander"
	require.NoError(t, store.Receipts.Create(t.Context(), stays))
	bystander := func() any {
		r, err := store.Receipts.Get(t.Context(), "stays")
		require.NoError(t, err)
		m, err := store.Memory.Get(t.Context(), "bystander")
		require.NoError(t, err)
		return []any{*r, *m}
	}
	before := bystander()
	added := func(text string) map[string]int64 {
		n := counts(t, store)
		for _, step := range textSteps {
			step.do(t, store, text)
			if t.Failed() {
				t.Fatalf("%s with %q", step.method, text)
			}
		}
		after := counts(t, store)
		for table := range after {
			after[table] -= n[table]
		}
		return after
	}
	added("first") // also creates the memory of the actor system
	want := added("harmless")
	for _, text := range literals {
		assert.Equal(t, want, added(text), "%q", text)
		require.Equal(t, schema, schemaOf(t, store), "%q", text)
		assert.Equal(t, before, bystander(), "%q", text)
	}
}

// textsMethods: the steps cover every method of the repositories.
func textsMethods(t *T) {
	called := map[string]bool{}
	for _, step := range textSteps {
		for _, method := range strings.Fields(step.method) {
			called[method] = true
		}
	}
	methods := map[string]bool{}
	add := func(name string, of reflect.Type) {
		for method := range of.Methods() {
			methods[name+"."+method.Name] = true
		}
	}
	for field := range reflect.TypeFor[repository.Repositories]().Fields() {
		add(field.Name, field.Type)
	}
	add("Execution", reflect.TypeFor[*repository.Execution]())
	assert.Equal(t, slices.Sorted(maps.Keys(methods)), slices.Sorted(maps.Keys(called)))
}

// schemaOf returns the content of a schema.
func schemaOf(t *T, store *tier2.Store) string {
	t.Helper()
	query := "SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY 1"
	if store.DB().Name() == "sqlite" {
		query = "SELECT name || coalesce(sql, '') FROM sqlite_schema ORDER BY name"
	}
	var list []string
	require.NoError(t, store.DB().Raw(query).Scan(&list).Error)
	require.NotEmpty(t, list)
	return strings.Join(list, "\n")
}

// only asserts that a list holds exactly the stored row.
func only[R any](t *T, want R, list []R, _ string, err error) {
	t.Helper()
	require.NoError(t, err)
	require.Len(t, list, 1)
	require.Equal(t, want, list[0])
}

// notThere asserts that a key is unknown.
func notThere(t *T, err error) {
	t.Helper()
	require.ErrorIs(t, err, models.ErrNotFound)
}

// refusedText asserts that a text is rejected as value of an enum, or as cursor.
func refusedText(t *T, err error) {
	t.Helper()
	require.ErrorIs(t, err, models.ErrInvalid)
}

// named returns a failed receipt in which every text is x.
func named(x string) *models.Receipt {
	r := receipt(x)
	r.AgentID, r.Environment, r.ErrorMessage, r.Status = x, x, x, models.ReceiptFailed
	r.ReceiptJSON, _ = models.JSONOf(map[string]string{x: x})
	return r
}
