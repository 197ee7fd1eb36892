package tests

import (
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// fuzzStores returns a store in memory and, if there is a server, one on PostgreSQL.
func fuzzStores(f *testing.F) map[string]*tier2.Store {
	stores := map[string]*tier2.Store{}
	dsns := map[string]string{"sqlite": ":memory:"}
	if os.Getenv(pgtest.Env) != "" {
		dsns["postgres"] = pgtest.DSN(f)
	}
	for name, dsn := range dsns {
		store, err := tier2.Open(f.Context(), dsn)
		require.NoError(f, err)
		f.Cleanup(func() { require.NoError(f, store.Close()) })
		stores[name] = store
	}
	return stores
}

// FuzzJSON: Go, SQLite's json_valid and PostgreSQL's jsonb accept every document that
// models.JSON accepts.
func FuzzJSON(f *testing.F) {
	for _, doc := range []string{
		`{}`, `[]`, `null`, `{"a":1,"a":2}`, ` {"b" : 1.00e+2} `, `"\u0000"`, `"\ud800"`, `"\ud83d\ude80"`, `1e131071`, `1e131072`, `-1e-16383`, `[1e-16384]`, `0e999999`, `-0`,
		`1e99999999999999999999`, `0.` + strings.Repeat("0", 16384), strings.Repeat("[", 1000) + strings.Repeat("]", 1000), strings.Repeat(`{"a":`, 1001) + "1" + strings.Repeat("}", 1001),
		"[\"\xff\"]", "\ufeff{}", `{'a':1}`, `[1,]`, `{"a":NaN}`, `{a:1}`, `01`, `+1`, `.5`, `"\x41"`, "\"\t\"", `"` + "\u2028" + `"`, `/**/1`, `{"":{"":0}}`, `"\\u0000"`, `1E400`, "",
	} {
		f.Add(doc)
	}
	stores := fuzzStores(f)
	f.Fuzz(func(t *testing.T, doc string) {
		value, err := models.JSON(doc).Value()
		if err != nil {
			require.ErrorIs(t, err, models.ErrInvalid)
			return
		}
		require.Equal(t, doc, value)
		require.True(t, json.Valid([]byte(doc)) && utf8.ValidString(doc))
		for name, store := range stores {
			var valid bool
			query := "SELECT json_valid(?)"
			if name == "postgres" {
				query = "SELECT ?::jsonb IS NOT NULL"
			}
			require.NoError(t, store.DB().Raw(query, doc).Scan(&valid).Error, name)
			require.True(t, valid, name)
		}
	})
}

// FuzzImport: a receipt is stored completely, byte for byte, and is Unchanged when it is
// imported again; or it is rejected with ErrInvalid, and every table stays unchanged.
func FuzzImport(f *testing.F) {
	const receipt = `{"receipt":{"execution_id":"x","agent_id":"a","operation":"generation","status":"passed","timestamp":"2026-01-29T12:34:56Z",` +
		`"hashes":{"manifest":null},"files_generated":[{}],"pipeline_stages":{"μ₁_normalize":{"status":"success","duration_ms":1.5}},"measurements":{"triples":1000}}}`
	for _, doc := range []string{
		receipt, strings.Replace(receipt, `"x"`, `"\u0000"`, 1), strings.Replace(receipt, "1.5", "1e999999", 1), strings.Replace(receipt, "1.5", "1e12", 1), strings.Replace(receipt, "1000", strings.Repeat("9", 400), 1),
		strings.Replace(receipt, `"x"`, `"x","execution_id":"y"`, 1), strings.Replace(receipt, "{}", strings.Repeat("[", 1001)+strings.Repeat("]", 1001), 1),
		strings.Replace(receipt, "2026-01-29T12:34:56Z", "0001-01-01T00:00:00+14:00", 1), strings.Replace(receipt, "2026", "9999", 1), strings.Replace(receipt, "triples", " ", 1),
		`{"execution_id":"x","timestamp":"2026-01-29","pipeline":{"μ₃_emit":{"status":"error","duration_ms":0,"error":"\ud800"}},"statistics":{"total_duration_ms":9007199254740993}}`,
		"", "null", "[]", "{", "\ufeff{}", "\xff", `{"receipt":{"receipt":{}}}`, `{"pipeline":{"":null}}`,
	} {
		f.Add([]byte(doc), "", "")
	}
	f.Add([]byte(receipt), "a\x00", "generation")
	f.Add([]byte(receipt), "agent", "watch")
	stores := fuzzStores(f)
	undo := errors.New("undo")
	f.Fuzz(func(t *testing.T, raw []byte, agent, operation string) {
		opts := repository.ImportOptions{AgentID: agent, Operation: models.Operation(operation)}
		outcomes := map[string]string{}
		for name, store := range stores {
			err := store.Transaction(t.Context(), func(tx *tier2.Store) error {
				result, err := tx.Executions.Import(t.Context(), raw, opts)
				if err != nil {
					outcomes[name] = err.Error()
					require.ErrorIs(t, err, models.ErrInvalid)
					require.Zero(t, result)
					for table, n := range counts(t, tx) {
						require.Zero(t, n, table)
					}
					return undo
				}
				require.NoError(t, result.Receipt.Validate())
				stored, err := tx.Receipts.Get(t.Context(), result.Receipt.ExecutionID)
				require.NoError(t, err)
				require.Equal(t, string(raw), stored.ReceiptJSON.String())
				again, err := tx.Executions.Import(t.Context(), raw, opts)
				require.NoError(t, err)
				require.True(t, again.Unchanged)
				n := counts(t, tx)
				require.EqualValues(t, 1, n["receipts"])
				require.EqualValues(t, len(result.Receipt.Metrics), n["pipeline_metrics"])
				require.EqualValues(t, len(result.Receipt.Violations), n["slo_violations"])
				require.EqualValues(t, 1+len(result.Receipt.Metrics)+len(result.Receipt.Violations), n["audit_log"])
				return undo
			})
			require.ErrorIs(t, err, undo)
		}
		if len(outcomes) > 0 {
			require.Len(t, outcomes, len(stores), "both engines refuse, or none")
		}
	})
}
