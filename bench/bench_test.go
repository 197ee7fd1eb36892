package main

import (
	"flag"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/internal/pgtest"
)

// BenchmarkSQLite and BenchmarkPostgres run each case alone, contestant by contestant:
// for profiles. To compare, `go run ./bench` lets them take turns. With -short the largest
// batches are left out.
func BenchmarkSQLite(b *testing.B) { benchmark(b, "", cases) }

var inMillions = flag.Bool("large", false, "BenchmarkLarge has a million receipts, and not 20,000")

func BenchmarkLarge(b *testing.B) {
	receipts := 20_000
	if *inMillions {
		receipts = million
	}
	benchmark(b, "", func(d *databases) []bout {
		s := newShelf(d, receipts)
		b.Cleanup(func() { require.NoError(b, s.close()) })
		return largeCases(s)
	})
}

func BenchmarkPostgres(b *testing.B) {
	if server := pgtest.Server(); server != "" {
		benchmark(b, server, cases)
	}
}

func benchmark(b *testing.B, server string, cases func(*databases) []bout) {
	d, err := newDatabases(server)
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, d.close()) })
	for _, c := range cases(d) {
		if c.setup == nil { // nothing that could be done more than once
			continue
		}
		if testing.Short() && strings.HasPrefix(c.name, "a batch of 10000") {
			continue
		}
		for _, contestant := range c.contestants {
			b.Run(c.name+"/"+contestant, func(b *testing.B) {
				work, closing, err := c.setup(b.Context(), contestant)
				require.NoError(b, err)
				defer closing()
				require.NoError(b, work(b.Context(), 0)) // fills the database where the case wants one filled
				b.ReportAllocs()
				b.ResetTimer()
				require.NoError(b, work(b.Context(), b.N))
			})
		}
	}
}
