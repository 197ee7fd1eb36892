package contract

import (
	"encoding/json"
	"slices"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/ledger"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// textStep calls a method with the text x in every text parameter, and asserts the answer.
// Steps use the rows of earlier steps.
type textStep struct {
	method string // or several
	do     func(t *T, s *tier2.Store, x string)
}

// second returns another text that begins with x.
func second(x string) string { return x + "·2" }

var textSteps = slices.Concat(receiptSteps, memorySteps, auditSteps, sessionSteps, childSteps, executionSteps, reportSteps, figureSteps, ledgerSteps)

var receiptSteps = []textStep{
	{"Receipts.Create", func(t *T, s *tier2.Store, x string) { require.NoError(t, s.Receipts.Create(t.Context(), named(x))) }},
	{"Receipts.CreateBatch", func(t *T, s *tier2.Store, x string) {
		r := named(second(x))
		r.Status = models.ReceiptPassed
		require.NoError(t, s.Receipts.CreateBatch(t.Context(), []*models.Receipt{r}))
		require.ErrorIs(t, s.Receipts.CreateBatch(t.Context(), []*models.Receipt{named(x)}), models.ErrDuplicate)
	}},
	{"Receipts.Upsert", func(t *T, s *tier2.Store, x string) {
		r := named(x)
		r.DurationMS = 8
		require.NoError(t, s.Receipts.Upsert(t.Context(), r))
	}},
	{"Receipts.Get", func(t *T, s *tier2.Store, x string) {
		r, err := s.Receipts.Get(t.Context(), x)
		require.NoError(t, err)
		want := named(x)
		require.Equal(t, []any{x, x, x, x, int64(8), want.ReceiptJSON}, []any{r.ExecutionID, r.AgentID, r.Environment, r.ErrorMessage, r.DurationMS, r.ReceiptJSON})
		_, err = s.Receipts.Get(t.Context(), x+"'")
		notThere(t, err)
	}},
	{"Receipts.List", func(t *T, s *tier2.Store, x string) {
		r, err := s.Receipts.Get(t.Context(), x)
		require.NoError(t, err)
		for _, f := range []repository.ReceiptFilter{{AgentID: x}, {Environment: x}, {AgentID: x, Environment: x, Page: repository.Page{Limit: 1}}} {
			rows, next, err := s.Receipts.List(t.Context(), f)
			only(t, *r, rows, next, err)
			require.Empty(t, next)
		}
		for _, f := range []repository.ReceiptFilter{{ManifestHash: x}, {OntologyHash: x}, {AgentID: x + "'"}} {
			rows, _, err := s.Receipts.List(t.Context(), f)
			require.NoError(t, err)
			require.Empty(t, rows)
		}
		for _, f := range []repository.ReceiptFilter{{Operation: models.Operation(x)}, {Status: models.ReceiptStatus(x)}, {Page: repository.Page{Cursor: x}}} {
			_, _, err := s.Receipts.List(t.Context(), f)
			refusedText(t, err)
		}
	}},
	{"Receipts.All", func(t *T, s *tier2.Store, x string) {
		n := 0
		for r, err := range s.Receipts.All(t.Context(), repository.ReceiptFilter{AgentID: x, Environment: x}) {
			require.NoError(t, err)
			require.Equal(t, x, r.ExecutionID)
			n++
		}
		require.Equal(t, 1, n)
		for _, err := range s.Receipts.All(t.Context(), repository.ReceiptFilter{Page: repository.Page{Cursor: x}}) {
			refusedText(t, err)
		}
	}},
	{"Receipts.Failures", func(t *T, s *tier2.Store, x string) {
		rows, _, err := s.Receipts.Failures(t.Context(), repository.ReceiptFilter{AgentID: x})
		require.NoError(t, err)
		require.Equal(t, []string{x}, ids(rows))
	}},
	{"Receipts.LatestByAgent", func(t *T, s *tier2.Store, x string) {
		r, err := s.Receipts.LatestByAgent(t.Context(), second(x))
		require.NoError(t, err)
		require.Equal(t, second(x), r.ExecutionID)
	}},
	{"Receipts.Delete", func(t *T, s *tier2.Store, x string) {
		notThere(t, s.Receipts.Delete(t.Context(), x+"'"))
		require.NoError(t, s.Receipts.Delete(t.Context(), second(x)))
		_, err := s.Receipts.Get(t.Context(), x)
		require.NoError(t, err)
	}},
}

var memorySteps = []textStep{
	{"Memory.Put", func(t *T, s *tier2.Store, x string) {
		doc, err := models.JSONOf(map[string]string{x: x, "gone": x})
		require.NoError(t, err)
		require.NoError(t, s.Memory.Put(t.Context(), x, doc))
	}},
	{"Memory.Merge", func(t *T, s *tier2.Store, x string) {
		patch, err := models.JSONOf(map[string]any{"gone": nil, "merged" + x: x})
		require.NoError(t, err)
		require.NoError(t, s.Memory.Merge(t.Context(), x, patch))
	}},
	{"Memory.Update", func(t *T, s *tier2.Store, x string) {
		require.NoError(t, s.Memory.Update(t.Context(), x, func(doc map[string]any) error {
			require.Equal(t, map[string]any{x: x, "merged" + x: x}, doc)
			doc["updated"+x] = x
			return nil
		}))
	}},
	{"Memory.ETag", func(t *T, s *tier2.Store, x string) {
		tag := s.Memory.ETag(&models.AgentMemory{AgentID: x, MemoryJSON: models.JSON(x)})
		require.Len(t, tag, 64)
	}},
	{"Memory.CompareAndSwap", func(t *T, s *tier2.Store, x string) {
		require.ErrorIs(t, s.Memory.CompareAndSwap(t.Context(), x, x, models.JSON("{}")), models.ErrConflict)
		m, err := s.Memory.Get(t.Context(), x)
		require.NoError(t, err)
		doc, err := models.JSONOf(map[string]string{"swapped": x})
		require.NoError(t, err)
		require.NoError(t, s.Memory.CompareAndSwap(t.Context(), x, s.Memory.ETag(m), doc))
	}},
	{"Memory.RecordError", func(t *T, s *tier2.Store, x string) {
		require.NoError(t, s.Memory.RecordError(t.Context(), x, x))
	}},
	{"Memory.Get", func(t *T, s *tier2.Store, x string) {
		m, err := s.Memory.Get(t.Context(), x)
		require.NoError(t, err)
		require.Equal(t, []string{x, x}, []string{m.AgentID, m.LastError})
		var doc struct{ Swapped string }
		require.NoError(t, m.MemoryJSON.Decode(&doc))
		require.Equal(t, x, doc.Swapped)
		_, err = s.Memory.Get(t.Context(), x+"'")
		notThere(t, err)
	}},
	{"Memory.History Memory.HistoryAll Memory.At", func(t *T, s *tier2.Store, x string) {
		list, _, err := s.Memory.History(t.Context(), x, repository.HistoryFilter{})
		require.NoError(t, err)
		require.Len(t, list, 4)
		n := 0
		for version, err := range s.Memory.HistoryAll(t.Context(), x, repository.HistoryFilter{}) {
			require.NoError(t, err)
			require.Equal(t, list[n], version)
			n++
		}
		require.Len(t, list, n)
		version, err := s.Memory.At(t.Context(), x, list[0].Timestamp.Time)
		require.NoError(t, err)
		require.Equal(t, list[0], *version)
		list, _, err = s.Memory.History(t.Context(), x+"'", repository.HistoryFilter{})
		require.NoError(t, err)
		require.Empty(t, list)
		_, err = s.Memory.At(t.Context(), x+"'", start)
		notThere(t, err)
		_, _, err = s.Memory.History(t.Context(), x, repository.HistoryFilter{Page: repository.Page{Cursor: x}})
		refusedText(t, err)
	}},
	{"Memory.ResetRetries", func(t *T, s *tier2.Store, x string) {
		require.NoError(t, s.Memory.ResetRetries(t.Context(), x))
		notThere(t, s.Memory.ResetRetries(t.Context(), x+"'"))
	}},
	{"Memory.List", func(t *T, s *tier2.Store, x string) {
		_, _, err := s.Memory.List(t.Context(), repository.MemoryFilter{Page: repository.Page{Cursor: x}})
		refusedText(t, err)
	}},
	{"Memory.Forget", func(t *T, s *tier2.Store, x string) {
		notThere(t, s.Memory.Forget(t.Context(), x+"'"))
		require.NoError(t, s.Memory.Forget(t.Context(), second(x)))
		_, err := s.Memory.Get(t.Context(), x)
		require.NoError(t, err)
	}},
}

var auditSteps = []textStep{
	{"Audit.Record", func(t *T, s *tier2.Store, x string) {
		doc, err := json.Marshal(map[string]string{"execution_id": x, "session_id": second(x), x: x})
		require.NoError(t, err)
		require.NoError(t, s.Audit.Record(t.Context(), &models.AuditEntry{AgentID: x, Operation: x, Status: models.AuditStarted, ErrorMessage: x, ContextJSON: doc}))
	}},
	{"Audit.List", func(t *T, s *tier2.Store, x string) {
		for _, f := range []repository.AuditFilter{{Operation: x}, {AgentID: x, Operation: x}, {ExecutionID: x, Status: models.AuditStarted}} {
			rows, _, err := s.Audit.List(t.Context(), f)
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.Equal(t, []string{x, x, x}, []string{rows[0].AgentID, rows[0].Operation, rows[0].ErrorMessage})
		}
		for _, f := range []repository.AuditFilter{{Status: models.AuditStatus(x)}, {Page: repository.Page{Cursor: x}}} {
			_, _, err := s.Audit.List(t.Context(), f)
			refusedText(t, err)
		}
	}},
	{"Audit.All", func(t *T, s *tier2.Store, x string) {
		n := 0
		for e, err := range s.Audit.All(t.Context(), repository.AuditFilter{AgentID: x, Operation: x, ExecutionID: x}) {
			require.NoError(t, err)
			require.Equal(t, x, e.Operation)
			n++
		}
		require.Equal(t, 1, n)
	}},
	{"Audit.Follow", func(t *T, s *tier2.Store, x string) {
		for e, err := range s.Audit.Follow(t.Context(), repository.AuditFilter{AgentID: x, Operation: x, ExecutionID: x, Since: start}, 0) {
			require.NoError(t, err)
			require.Equal(t, x, e.Operation)
			break
		}
	}},
	{"Audit.Trail", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Audit.Trail(t.Context(), x+"'")
		require.NoError(t, err)
		require.Empty(t, rows)
		rows, err = s.Audit.Trail(t.Context(), second(x))
		require.NoError(t, err)
		require.Contains(t, operationsOf(rows), x)
	}},
}

var ledgerSteps = []textStep{
	{"Audit.Seal Audit.Prove Audit.Verify", func(t *T, s *tier2.Store, x string) {
		last, err := s.Audit.Seal(t.Context())
		require.NoError(t, err)
		proof, err := s.Audit.Prove(t.Context(), last.Size)
		require.NoError(t, err)
		require.NoError(t, proof.Check())
		refusedText(t, proof.Check(x))
		report, err := s.Audit.Verify(t.Context(), ledger.VerifyOptions{})
		require.NoError(t, err)
		require.Empty(t, report.Findings)
		_, err = s.Audit.Verify(t.Context(), ledger.VerifyOptions{Keys: []string{x}})
		refusedText(t, err)
		_, err = s.Audit.Verify(t.Context(), ledger.VerifyOptions{Anchor: x})
		notThere(t, err)
	}},
	{"Reports.Drift", func(t *T, s *tier2.Store, x string) {
		for _, agent := range []string{x, x + "'"} {
			list, _, err := s.Reports.Drift(t.Context(), repository.DriftFilter{AgentID: agent})
			require.NoError(t, err)
			require.Empty(t, list)
		}
	}},
}

func operationsOf(rows []models.AuditEntry) (list []string) {
	for _, e := range rows {
		list = append(list, e.Operation)
	}
	return list
}

var reportSteps = []textStep{
	{"Reports.RecentExecutions", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.RecentExecutions(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(r models.RecentExecution) bool { return r.ExecutionID == x && r.AgentID == x }))
	}},
	{"Reports.RecentFailures", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.RecentFailures(t.Context(), repository.MaxLimit)
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(r models.RecentExecution) bool { return r.ExecutionID == x }))
	}},
	{"Reports.AgentPerformance", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.AgentPerformance(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(r models.AgentPerformance) bool { return r.AgentID == x }))
	}},
	{"Reports.StagePerformance", func(t *T, s *tier2.Store, _ string) {
		rows, err := s.Reports.StagePerformance(t.Context())
		require.NoError(t, err)
		require.Len(t, rows, 2)
	}},
	{"Reports.Bottlenecks", func(t *T, s *tier2.Store, _ string) {
		rows, err := s.Reports.Bottlenecks(t.Context())
		require.NoError(t, err)
		require.Len(t, rows, 2)
	}},
	{"Reports.ViolationsLastWeek", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.ViolationsLastWeek(t.Context())
		require.NoError(t, err)
		require.True(t, slices.ContainsFunc(rows, func(r repository.ViolationSummary) bool { return r.Metric == x }))
	}},
	{"Reports.CollisionsLastDay", func(t *T, s *tier2.Store, _ string) {
		rows, err := s.Reports.CollisionsLastDay(t.Context())
		require.NoError(t, err)
		require.Len(t, rows, 1)
	}},
}
