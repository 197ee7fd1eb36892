package contract

import (
	"context"
	"errors"
	"fmt"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// openModel is the expected state of an execution that has begun in this process.
type openModel struct {
	*repository.Execution
	id, session string
	last        map[models.Stage]models.StageStatus // status of the last attempt
	attempts    int
	finished    bool
}

func (m *openModel) status(err error) models.ReceiptStatus {
	for _, last := range m.last {
		if last == models.StageFailed {
			return models.ReceiptFailed
		}
	}
	if err != nil {
		return models.ReceiptFailed
	}
	return models.ReceiptPassed
}

// storedModel is the expected state of a stored receipt.
type storedModel struct {
	status   models.ReceiptStatus
	metrics  int
	imported string // the document, if it was imported
}

func statesExecutions(t *T) {
	states(t, func(rt *rapid.T, ctx context.Context, d *database) map[string]func(*rapid.T) {
		e := d.store.Executions
		require.NoError(rt, d.store.Sessions.Start(ctx, &models.WorkflowSession{SessionID: "s"}))
		running, passed, failed := true, int64(0), int64(0)
		stored := map[string]*storedModel{}
		var open []*openModel
		begun := []string{} // with or without a receipt, in the order of Begin
		ids := []string{"x1", "x2", "x3"}
		id := rapid.SampledFrom(ids)
		which := func(rt *rapid.T) *openModel {
			if len(open) == 0 {
				rt.Skip("none has begun")
			}
			return rapid.SampledFrom(open).Draw(rt, "execution")
		}
		boom := errors.New("boom")
		return map[string]func(*rapid.T){
			"begin": func(rt *rapid.T) {
				m := &openModel{id: id.Draw(rt, "id"), session: rapid.SampledFrom([]string{"", "s", "no"}).Draw(rt, "session"), last: map[models.Stage]models.StageStatus{}}
				got, err := e.Begin(ctx, "ann", models.OperationWatch, repository.ExecutionOptions{ExecutionID: m.id, SessionID: m.session, Targets: []repository.Target{}})
				switch {
				case stored[m.id] != nil:
					fails(rt, err, models.ErrDuplicate)
				case m.session == "no":
					fails(rt, err, models.ErrNotFound)
				case m.session == "s" && !running:
					fails(rt, err, models.ErrNotRunning)
				default:
					require.NoError(rt, err)
					m.Execution = got
					open = append(open, m)
					begun = append(newest(newest(begun, func(id string) bool { return id != m.id }), func(string) bool { return true }), m.id)
				}
			},
			"stage": func(rt *rapid.T) {
				m, stage, bad := which(rt), rapid.SampledFrom(append(models.Stages(), "no")).Draw(rt, "stage"), rapid.Bool().Draw(rt, "bad")
				err := m.Stage(ctx, stage, func(context.Context, *repository.StageResult) error {
					if bad {
						return boom
					}
					return nil
				})
				switch {
				case m.finished:
					fails(rt, err, models.ErrNotRunning)
				case stage == "no":
					fails(rt, err, models.ErrInvalid)
				case m.last[stage] == models.StagePassed:
					fails(rt, err, models.ErrDuplicate)
				case bad:
					fails(rt, err, boom)
					m.last[stage] = models.StageFailed
					m.attempts++
				default:
					require.NoError(rt, err)
					m.last[stage] = models.StagePassed
					m.attempts++
				}
			},
			"finish": func(rt *rapid.T) {
				m, outcome := which(rt), repository.Outcome{}
				if rapid.Bool().Draw(rt, "bad") {
					outcome.Err = boom
				}
				got, err := m.Finish(ctx, outcome)
				switch {
				case m.finished:
					fails(rt, err, models.ErrNotRunning)
				case stored[m.id] != nil:
					fails(rt, err, models.ErrDuplicate)
				default:
					require.NoError(rt, err)
					m.finished = true
					status := m.status(outcome.Err)
					require.Equal(rt, status, got.Status)
					stored[m.id] = &storedModel{status: status, metrics: m.attempts}
					switch {
					case m.session == "":
					case status == models.ReceiptPassed:
						passed++
					default:
						failed++
					}
				}
			},
			"import": func(rt *rapid.T) {
				id, ms := id.Draw(rt, "id"), rapid.IntRange(1, 2).Draw(rt, "ms")
				doc := fmt.Sprintf(`{"execution_id":%q,"agent_id":"bob","timestamp":"2026-01-29T12:00:00Z","pipeline":{"μ₃_emit":{"status":"success","duration_ms":%d}}}`, id, ms)
				result, err := e.Import(ctx, []byte(doc), repository.ImportOptions{Targets: []repository.Target{}})
				switch m := stored[id]; {
				case m == nil:
					require.NoError(rt, err)
					require.False(rt, result.Unchanged)
					stored[id] = &storedModel{models.ReceiptPassed, 1, doc}
				case m.imported == doc:
					require.NoError(rt, err)
					require.True(rt, result.Unchanged)
				default:
					fails(rt, err, models.ErrDuplicate)
				}
			},
			"session ends": func(rt *rapid.T) {
				_, err := d.store.Sessions.Finish(ctx, "s")
				if !running {
					fails(rt, err, models.ErrNotRunning)
					return
				}
				require.NoError(rt, err)
				running = false
			},
			"": func(rt *rapid.T) {
				for _, id := range ids {
					got, err := d.store.Receipts.Get(ctx, id)
					want := stored[id]
					if want == nil {
						fails(rt, err, models.ErrNotFound)
						continue
					}
					require.NoError(rt, err)
					require.Equal(rt, want.status, got.Status)
					metrics, err := d.store.Metrics.ByExecution(ctx, id)
					require.NoError(rt, err)
					require.Len(rt, metrics, want.metrics)
				}
				interrupted, err := e.Interrupted(ctx)
				require.NoError(rt, err)
				got := []string{}
				for _, entry := range interrupted {
					var doc struct {
						ExecutionID string `json:"execution_id"`
					}
					require.NoError(rt, entry.ContextJSON.Decode(&doc))
					got = append(got, doc.ExecutionID)
				}
				want := newest(newest(begun, func(id string) bool { return stored[id] == nil }), func(string) bool { return true })
				require.Equal(rt, want, got)
				session, err := d.store.Sessions.Get(ctx, "s")
				require.NoError(rt, err)
				require.Equal(rt, []int64{passed, failed}, []int64{session.SuccessfulOperations, session.FailedOperations})
			},
		}
	})
}
