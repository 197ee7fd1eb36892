package contract

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var auditCases = cases{
	"Follow":           auditFollow,
	"FollowBegins":     auditFollowBegins,
	"FollowBeginsLate": auditFollowBeginsLate,
	"FollowLate":       auditFollowLate,
	"TrailAndList":     auditTrailAndList,
}

func auditTrailAndList(t *T) {
	store, ctx := open(t), t.Context()
	record := func(at time.Time, context string) *models.AuditEntry {
		entry := &models.AuditEntry{AgentID: "reader", Operation: "RDF normalization", Status: models.AuditStarted, Timestamp: models.At(at), ContextJSON: models.JSON(context)}
		require.NoError(t, store.Audit.Record(ctx, entry))
		return entry
	}
	later := record(start.Add(time.Second), `{"execution_id":"x"}`)
	first := record(start, `{"execution_id":"x","session_id":"s"}`)
	record(start, `{"execution_id":"y"}`)
	record(start, `{"note":"x"}`)

	trail, err := store.Audit.Trail(ctx, "x")
	require.NoError(t, err)
	assert.Equal(t, []models.AuditEntry{*first, *later}, trail)
	trail, err = store.Audit.Trail(ctx, "s")
	require.NoError(t, err)
	assert.Equal(t, []models.AuditEntry{*first}, trail)
	trail, err = store.Audit.Trail(ctx, "none")
	require.NoError(t, err)
	assert.Equal(t, []models.AuditEntry{}, trail)

	for name, c := range map[string]struct {
		filter repository.AuditFilter
		want   int
	}{
		"All":       {repository.AuditFilter{}, 4},
		"Agent":     {repository.AuditFilter{AgentID: "reader"}, 4},
		"Operation": {repository.AuditFilter{Operation: "receipts.create"}, 0},
		"Status":    {repository.AuditFilter{Status: models.AuditFailed}, 0},
		"Execution": {repository.AuditFilter{ExecutionID: "x"}, 2},
		"Since":     {repository.AuditFilter{Since: start.Add(1)}, 1},
		"Until":     {repository.AuditFilter{Until: start.Add(1)}, 3},
	} {
		rows, _, err := store.Audit.List(ctx, c.filter)
		require.NoError(t, err, name)
		assert.Len(t, rows, c.want, name)
		n := 0
		for _, err := range store.Audit.All(ctx, c.filter) {
			require.NoError(t, err, name)
			n++
		}
		assert.Equal(t, c.want, n, name)
	}

	number := record(start, `{"execution_id":7}`)
	trail, err = store.Audit.Trail(ctx, "7")
	require.NoError(t, err)
	assert.Equal(t, []models.AuditEntry{*number}, trail, "an id that is a number is found by its text")

	saved(t, store, "z")
	trail, err = store.Audit.Trail(ctx, "z")
	require.NoError(t, err)
	require.Len(t, trail, 1)
	assert.Equal(t, "receipts.create", trail[0].Operation)

	bad := func(entry *models.AuditEntry) func(context.Context) error {
		return func(ctx context.Context) error { return store.Audit.Record(ctx, entry) }
	}
	refused(t, store, []refusal{
		{"Nil", models.ErrInvalid, bad(nil)},
		{"Blank", models.ErrInvalid, bad(&models.AuditEntry{Operation: "o", Status: models.AuditStarted})},
		{"Status", models.ErrInvalid, bad(&models.AuditEntry{AgentID: "a", Operation: "o", Status: "no"})},
		{"Negative", models.ErrInvalid, bad(&models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted, DurationMS: -1})},
		{"BadJSON", models.ErrInvalid, bad(&models.AuditEntry{AgentID: "a", Operation: "o", Status: models.AuditStarted, ContextJSON: models.JSON("{")})},
		{"TrailBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Audit.Trail(ctx, ""); return err }},
		{"ListStatus", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Audit.List(ctx, repository.AuditFilter{Status: "no"})
			return err
		}},
	})
}
