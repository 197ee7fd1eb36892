package contract

import (
	"context"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

var collisionCases = cases{
	"ReportAndResolve": collisionsReportAndResolve,
}

func collisionsReportAndResolve(t *T) {
	store, ctx := open(t), t.Context()
	session(t, store, "s")
	first, second, third := collision("s"), collision("s"), collision("s")
	second.AgentID1, second.AgentID2, second.Severity = "b", "a", models.SeverityCritical
	third.AgentID2, third.Timestamp = "c", models.At(start.Add(-time.Hour))
	for _, c := range []*models.Collision{first, second, third} {
		require.NoError(t, store.Collisions.Report(ctx, c))
	}
	all, err := store.Collisions.BySession(ctx, "s")
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *first, *third}, all)
	between, err := store.Collisions.BetweenAgents(ctx, "b", "a")
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *first}, between)
	require.NoError(t, store.Collisions.Resolve(ctx, first.ID, "a goes first"))
	open, _, err := store.Collisions.Unresolved(ctx, repository.CollisionFilter{SessionID: "s"})
	require.NoError(t, err)
	assert.Equal(t, []models.Collision{*second, *third}, open)
	for name, c := range map[string]struct {
		filter repository.CollisionFilter
		want   int
	}{
		"All": {repository.CollisionFilter{}, 3}, "Agent": {repository.CollisionFilter{AgentID: "c"}, 1}, "Severity": {repository.CollisionFilter{Severity: models.SeverityCritical}, 1},
		"Type": {repository.CollisionFilter{CollisionType: models.MemoryConflict}, 0}, "Since": {repository.CollisionFilter{Since: start}, 2},
	} {
		rows, _, err := store.Collisions.List(ctx, c.filter)
		require.NoError(t, err, name)
		assert.Len(t, rows, c.want, name)
	}
	summary, err := store.Collisions.Summary(ctx, time.Time{}, time.Time{})
	require.NoError(t, err)
	assert.Equal(t, []repository.CollisionSummary{{CollisionType: models.FileConflict, Severity: models.SeverityWarning, Count: 2}, {CollisionType: models.FileConflict, Severity: models.SeverityCritical, Count: 1}}, summary)
	day, err := store.Reports.CollisionsLastDay(ctx)
	require.NoError(t, err)
	assert.Equal(t, summary, day)

	report := func(change func(*models.Collision)) func(context.Context) error {
		return func(ctx context.Context) error {
			c := collision("s")
			change(c)
			return store.Collisions.Report(ctx, c)
		}
	}
	refused(t, store, []refusal{
		{"Nil", models.ErrInvalid, func(ctx context.Context) error { return store.Collisions.Report(ctx, nil) }},
		{"Dangling", models.ErrForeignKey, report(func(c *models.Collision) { c.SessionID = "no" })},
		{"DanglingWithSession", models.ErrForeignKey, report(func(c *models.Collision) { c.SessionID, c.Session = "no", &models.WorkflowSession{SessionID: "no"} })},
		{"SameAgent", models.ErrInvalid, report(func(c *models.Collision) { c.AgentID2 = "a" })},
		{"BlankDescription", models.ErrInvalid, report(func(c *models.Collision) { c.Description = "" })},
		{"UnknownType", models.ErrInvalid, report(func(c *models.Collision) { c.CollisionType = "no" })},
		{"ResolveBlank", models.ErrInvalid, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, second.ID, " ") }},
		{"ResolveUnknown", models.ErrNotFound, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, 99, "done") }},
		{"ResolveNegative", models.ErrNotFound, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, -1, "done") }},
		{"ResolveTwice", models.ErrConflict, func(ctx context.Context) error { return store.Collisions.Resolve(ctx, first.ID, "b goes first") }},
		{"BySessionBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BySession(ctx, ""); return err }},
		{"BetweenBlank", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BetweenAgents(ctx, "a", ""); return err }},
		{"BetweenSame", models.ErrInvalid, func(ctx context.Context) error { _, err := store.Collisions.BetweenAgents(ctx, "a", "a"); return err }},
		{"ListSeverity", models.ErrInvalid, func(ctx context.Context) error {
			_, _, err := store.Collisions.List(ctx, repository.CollisionFilter{Severity: "no"})
			return err
		}},
		{"SummaryBackwards", models.ErrInvalid, func(ctx context.Context) error {
			_, err := store.Collisions.Summary(ctx, start, start.Add(-1))
			return err
		}},
	})
}
