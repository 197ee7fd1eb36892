package contract

import (
	"context"
	"iter"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// follow returns a function that returns the operation of the next entry, until the test
// ends. It fails the test if no entry arrives in time.
func follow(t *T, store *tier2.Store, f repository.AuditFilter) (next func() string) {
	return followed(t, store, f, nil)
}

// followed is like follow, and runs a function while Follow begins.
func followed(t *T, store *tier2.Store, f repository.AuditFilter, do *behindNth) (next func() string) {
	ctx, cancel := context.WithTimeout(context.WithValue(t.Context(), behindKey{}, do), 20*time.Second)
	pull, stop := iter.Pull2(store.Audit.Follow(ctx, f, time.Millisecond))
	t.Cleanup(cancel)
	t.Cleanup(stop)
	return func() string {
		e, err, ok := pull()
		require.NoError(t, err)
		require.True(t, ok)
		return e.Operation
	}
}

// noted returns an entry with the given operation.
func noted(operation string) *models.AuditEntry {
	return &models.AuditEntry{AgentID: "a", Operation: operation, Status: models.AuditStarted, Timestamp: models.At(start)}
}

// auditFollow: existing entries are left out or come first; then entries follow that any
// store adds.
func auditFollow(t *T) {
	opened := t.engine.open(t, t.engine.DSN(t))
	store, ctx := opened.store, t.Context()
	for _, operation := range []string{"one", "two"} {
		require.NoError(t, store.Audit.Record(ctx, noted(operation)))
	}
	other := noted("of another agent")
	other.AgentID = "b"
	all := follow(t, store, repository.AuditFilter{Since: start, Page: repository.Page{Limit: 1}})
	some := follow(t, store, repository.AuditFilter{Since: start, AgentID: "a", Status: models.AuditStarted})
	for _, operation := range []string{"one", "two"} {
		require.Equal(t, operation, all())
		require.Equal(t, operation, some())
	}
	require.NoError(t, store.Audit.Record(ctx, other))
	require.NoError(t, store.Transaction(ctx, func(tx *tier2.Store) error {
		require.NoError(t, tx.Audit.Record(ctx, noted("three")))
		return tx.Audit.Record(ctx, noted("four"))
	}))
	require.Equal(t, "of another agent", all())
	for _, operation := range []string{"three", "four"} {
		require.Equal(t, operation, all())
		require.Equal(t, operation, some())
	}

	// Without Since no existing entry comes, and the end of the context is an error.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { // before it has begun, no follower can miss an entry
		for ctx.Err() == nil {
			_ = store.Audit.Record(ctx, noted("new"))
		}
	}()
	for e, err := range store.Audit.Follow(ctx, repository.AuditFilter{}, time.Millisecond) {
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
			break
		}
		require.Equal(t, "new", e.Operation)
		cancel()
	}
	require.Error(t, ctx.Err())

	endless := func(f repository.AuditFilter, every time.Duration) func(context.Context) error {
		return func(ctx context.Context) error { return drain(store.Audit.Follow(ctx, f, every)) }
	}
	refused(t, store, []refusal{
		{"Status", models.ErrInvalid, endless(repository.AuditFilter{Status: "no"}, 0)},
		{"Until", models.ErrInvalid, endless(repository.AuditFilter{Until: start}, 0)},
		{"Cursor", models.ErrInvalid, endless(repository.AuditFilter{Page: repository.Page{Cursor: "x"}}, 0)},
		{"Limit", models.ErrInvalid, endless(repository.AuditFilter{Page: repository.Page{Limit: -1}}, 0)},
		{"Every", models.ErrInvalid, endless(repository.AuditFilter{}, -1)},
	})
}

// auditFollowLate: an entry that commits after an entry with a larger id comes after it, and
// an entry that never commits delays no other.
func auditFollowLate(t *T) {
	store, ctx := open(t), t.Context()
	add := func(operation string) (commit func() error, rollback func() error) {
		tx := store.DB().WithContext(ctx).Begin()
		require.NoError(t, tx.Create(noted(operation)).Error)
		return func() error { return tx.Commit().Error }, func() error { return tx.Rollback().Error }
	}
	record := func(operation string) { require.NoError(t, store.Audit.Record(ctx, noted(operation))) }
	first, _ := add("before it began") // a store has four writing connections
	record("there")
	next := follow(t, store, repository.AuditFilter{Since: start})
	require.Equal(t, "there", next())
	second, _ := add("late")
	_, never := add("never")
	record("new")
	require.Equal(t, "new", next())
	require.NoError(t, never())
	require.NoError(t, first())
	require.Equal(t, "before it began", next())
	record("newer")
	require.Equal(t, "newer", next())
	require.NoError(t, second())
	require.Equal(t, "late", next())
}
