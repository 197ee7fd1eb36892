package contract

import (
	"context"
	"math"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// refusal is a call that must fail with an error and change nothing.
type refusal struct {
	name string
	want error
	call func(ctx context.Context) error
}

// refused runs each call on the store and checks its error and every table.
func refused(t *T, store *tier2.Store, cases []refusal) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *T) {
			before := dump(t, store)
			err := c.call(t.Context())
			require.ErrorIs(t, err, c.want)
			if c.want == models.ErrInvalid || c.want == models.ErrNotFound || c.want == models.ErrDuplicate {
				var e *models.Error
				require.ErrorAs(t, err, &e)
				assert.NotEmpty(t, e.Table, err.Error())
			}
			assert.Equal(t, before, dump(t, store))
		})
	}
}

// refusalsOneEntryEach: a rejected write adds one failed audit entry, even if a repository
// wraps it in a transaction.
func refusalsOneEntryEach(t *T) {
	store := open(t)
	saved(t, store, "x")
	require.NoError(t, store.Metrics.Record(t.Context(), metric("x", models.StageEmit)))
	for name, call := range map[string]func(context.Context) error{
		"receipts.create": func(ctx context.Context) error { return store.Receipts.Create(ctx, receipt("x")) },
		"batch": func(ctx context.Context) error {
			return store.Receipts.CreateBatch(ctx, []*models.Receipt{receipt("y"), receipt("x")})
		},
		"upsert": func(ctx context.Context) error { return store.Receipts.Upsert(ctx, &models.Receipt{ExecutionID: "x"}) },
		"delete": func(ctx context.Context) error { return store.Receipts.Delete(ctx, "x") },
		"metric": func(ctx context.Context) error { return store.Metrics.Record(ctx, metric("gone", models.StageEmit)) },
		"report": func(ctx context.Context) error { return store.Collisions.Report(ctx, collision("gone")) },
		"session": func(ctx context.Context) error {
			return store.Sessions.Start(ctx, &models.WorkflowSession{AgentCount: -1})
		},
		"violation": func(ctx context.Context) error {
			v := violation("x")
			v.ActualValue = math.Inf(1)
			return store.Violations.Record(ctx, v)
		},
	} {
		t.Run(name, func(t *T) {
			failed := func() int {
				rows, _, err := store.Audit.List(t.Context(), repository.AuditFilter{Status: models.AuditFailed, Page: repository.Page{Limit: 1000}})
				require.NoError(t, err)
				return len(rows)
			}
			before := failed()
			require.Error(t, call(t.Context()))
			assert.Equal(t, before+1, failed())
		})
	}
}
