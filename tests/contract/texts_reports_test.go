package contract

import (
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// figureSteps request the figures of an agent, and of an unknown agent.
var figureSteps = []textStep{
	{"Reports.StagePercentiles", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.StagePercentiles(t.Context(), repository.ReportFilter{AgentID: x})
		require.NoError(t, err)
		require.Len(t, rows, 2)
		rows, err = s.Reports.StagePercentiles(t.Context(), repository.ReportFilter{AgentID: x + "'"})
		require.NoError(t, err)
		require.Empty(t, rows)
	}},
	{"Reports.AgentPercentiles", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.AgentPercentiles(t.Context(), repository.ReportFilter{AgentID: x}, 0)
		require.NoError(t, err)
		require.Len(t, rows, 1)
		require.Equal(t, x, rows[0].AgentID)
		rows, err = s.Reports.AgentPercentiles(t.Context(), repository.ReportFilter{AgentID: x + "'"}, 0)
		require.NoError(t, err)
		require.Empty(t, rows)
	}},
	{"Reports.Timeline", func(t *T, s *tier2.Store, x string) {
		buckets, err := s.Reports.Timeline(t.Context(), repository.ReportFilter{AgentID: x}, 0)
		require.NoError(t, err)
		require.NotEmpty(t, buckets)
		buckets, err = s.Reports.Timeline(t.Context(), repository.ReportFilter{AgentID: x + "'"}, 0)
		require.NoError(t, err)
		require.Empty(t, buckets)
	}},
	{"Reports.SLOs", func(t *T, s *tier2.Store, x string) {
		rows, err := s.Reports.SLOs(t.Context(), repository.ReportFilter{AgentID: x})
		require.NoError(t, err)
		require.Equal(t, x, rows[0].Metric)
		rows, err = s.Reports.SLOs(t.Context(), repository.ReportFilter{AgentID: x + "'"})
		require.NoError(t, err)
		require.Len(t, rows, len(repository.DefaultTargets()))
	}},
	{"Reports.CollisionMatrix", func(t *T, s *tier2.Store, x string) {
		m, err := s.Reports.CollisionMatrix(t.Context(), repository.ReportFilter{AgentID: x}, 0)
		require.NoError(t, err)
		require.Equal(t, []string{x, second(x)}, m.Agents)
		m, err = s.Reports.CollisionMatrix(t.Context(), repository.ReportFilter{AgentID: x + "'"}, 0)
		require.NoError(t, err)
		require.Empty(t, m.Agents)
	}},
}
