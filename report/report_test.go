package report

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func open(t *testing.T, dsn string) *tier2.Store {
	t.Helper()
	store, err := tier2.Open(t.Context(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { store.Close() })
	return store
}

func TestGather(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{
		"SQLite":   func(testing.TB) string { return ":memory:" },
		"Postgres": pgtest.DSN,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, ctx := open(t, dsn(t)), t.Context()
			fill(t, store)
			got, err := Gather(ctx, store, Options{})
			require.NoError(t, err)
			assert.Equal(t, Totals{Executions: 13, Passed: 4, Failed: 7, Partial: 1, Cancelled: 1, Agents: 7, Violations: 6, Collisions: 21}, got.Totals)
			assert.Equal(t, "tier2 report", got.Title)
			assert.Equal(t, store.Location(), got.Database)
			assert.Equal(t, More{}, got.More)

			stages, err := store.Reports.StagePercentiles(ctx, repository.ReportFilter{})
			require.NoError(t, err)
			assert.Equal(t, stages, got.Stages)
			timeline, err := store.Reports.Timeline(ctx, repository.ReportFilter{}, 0)
			require.NoError(t, err)
			assert.Equal(t, timeline, got.Timeline)
			assert.Len(t, got.Agents, 7)
			assert.Equal(t, "coder", got.Agents[0].AgentID)
			assert.Equal(t, int64(7000), got.Agents[0].P99MS)
			assert.Len(t, got.SLOs, 6+len(repository.DefaultTargets()))
			assert.Len(t, got.Failures, 7)
			assert.Equal(t, Failure{"run-1", "coder", models.OperationGeneration, models.At(fixtureDay.Add(42 * time.Hour)), 2000, "", ""}, got.Failures[0])
			assert.Equal(t, "broke: "+hostile[0], got.Failures[6].ErrorMessage)
			require.Len(t, got.Drifts, 1)
			assert.Len(t, got.Drifts[0].Files, 5, "a.rs, and the one that each wrote alone")
			assert.Len(t, got.Collisions.Pairs, 6)
			for _, p := range got.Collisions.Pairs {
				assert.Contains(t, []string{p.AgentID1, p.AgentID2}, "coder")
				assert.Subset(t, got.Collisions.Agents, []string{p.AgentID1, p.AgentID2}, "named as in the pairs, for the matrix")
			}

			got, err = Gather(ctx, store, Options{Title: "one", AgentID: "coder", Since: fixtureDay.Add(42 * time.Hour), Until: fixtureDay.Add(48 * time.Hour)})
			require.NoError(t, err)
			assert.Equal(t, Totals{Executions: 1, Failed: 1, Agents: 1}, got.Totals)
			assert.Equal(t, "one", got.Title)
			assert.Equal(t, models.At(fixtureDay.Add(42*time.Hour)), got.Since)
		})
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	store := open(t, ":memory:")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	closed := open(t, ":memory:")
	require.NoError(t, closed.Close())
	for name, tt := range map[string]struct {
		ctx   context.Context
		store *tier2.Store
		opts  Options
		want  error
		text  string
	}{
		"NoStore":   {t.Context(), nil, Options{}, models.ErrInvalid, "must not be nil"},
		"Title":     {t.Context(), store, Options{Title: "\xff"}, models.ErrInvalid, "title"},
		"Agent":     {t.Context(), store, Options{AgentID: "\xff"}, models.ErrInvalid, "agent_id"},
		"Window":    {t.Context(), store, Options{Since: fixtureDay, Until: fixtureDay.Add(-1)}, models.ErrInvalid, "until must not lie before since"},
		"Cancelled": {ended, store, Options{}, context.Canceled, ""},
		"Closed":    {t.Context(), closed, Options{}, models.ErrClosed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			err := Write(tt.ctx, &b, tt.store, tt.opts)
			require.ErrorIs(t, err, tt.want)
			assert.ErrorContains(t, err, tt.text)
			assert.Zero(t, b.Len())
		})
	}
}

// full is a writer that always fails.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space") }

func TestWriterFails(t *testing.T) {
	t.Parallel()
	assert.EqualError(t, Write(t.Context(), full{}, open(t, ":memory:"), Options{}), "no space")
}

// TestBelow2MB fills every list with the longest texts, of characters that are escaped.
func TestBelow2MB(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]string{"Markup": "<", "Quotes": `"`, "Apostrophes": "'", "Controls": "\x01", "Text": "x"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			long := strings.Repeat(c, 5000)
			d := &Data{Title: long, Database: long, AgentID: long, Totals: Totals{Failed: 1000}}
			for range 100 {
				d.Timeline = append(d.Timeline, repository.TimelineBucket{Start: models.At(fixtureDay), End: models.At(fixtureDay.Add(time.Hour)), Passed: 1 << 50})
				d.SLOs = append(d.SLOs, repository.SLOReport{Metric: long, Unit: long, LastExecutionID: long, Violations: 1, Target: 1, Worst: 1e300})
				d.Collisions.Agents = append(d.Collisions.Agents, long)
				d.Failures = append(d.Failures, Failure{ExecutionID: long, AgentID: long, Environment: long, ErrorMessage: long})
			}
			for range 1000 {
				d.Agents = append(d.Agents, repository.AgentPercentiles{AgentID: long})
				d.Collisions.Pairs = append(d.Collisions.Pairs, repository.CollisionPair{AgentID1: long, AgentID2: long})
			}
			d.Collisions.Agents = d.Collisions.Agents[:MaxAgents]
			var files []repository.FileDrift
			for range repository.MaxDriftFiles {
				files = append(files, repository.FileDrift{Path: long, Hashes: []repository.FileHash{{Hash: long, Executions: []string{long, long, long, long}}, {}}})
			}
			for range MaxDrifts {
				d.Drifts = append(d.Drifts, repository.Drift{ManifestHash: strings.Repeat("0", 64), Files: files})
			}
			d.cut()
			var b bytes.Buffer
			require.NoError(t, d.WriteHTML(&b))
			assert.Less(t, b.Len(), 2_000_000)
			assert.Equal(t, int64(1000-len(d.Failures)), d.More.Failures)
			assert.NotEmpty(t, d.Drifts)
		})
	}
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "", "short": "short", "0123456789": "0123456789", "0123456789a": "012345…a", "ññññññ": "ñññ…", "aaaaaaaaaañ": "aaaaaa…",
	} {
		got := text
		shorten(10, &got)
		assert.Equal(t, want, got)
		assert.LessOrEqual(t, len(got), 10)
	}
}

// TestDataOfThePage checks that the JSON in the page is the data that Gather returns.
func TestDataOfThePage(t *testing.T) {
	t.Parallel()
	d, err := filled()
	require.NoError(t, err)
	var b bytes.Buffer
	require.NoError(t, d.WriteHTML(&b))
	_, rest, _ := strings.Cut(b.String(), `<script type="application/json" id="data">`)
	text, _, found := strings.Cut(rest, "</script>")
	require.True(t, found)
	want, err := json.Marshal(d)
	require.NoError(t, err)
	assert.JSONEq(t, string(want), text)
}

func TestEChartsIsAsPublished(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("echarts/README.md")
	require.NoError(t, err)
	sum := sha256.Sum256([]byte(echartsJS))
	assert.Contains(t, string(readme), "sha256 "+hex.EncodeToString(sum[:])+"  echarts.min.js")
	assert.NotContains(t, echartsJS, "</script", "would end its element")
	assert.Contains(t, echartsJS, "Licensed to the Apache Software Foundation")
}
