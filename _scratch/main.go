package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"
	"runtime"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

func check(err error) { if err != nil { panic(err) } }

func rss() string {
	b, _ := os.ReadFile("/proc/self/status")
	for _, l := range strings.Split(string(b), "\n") { if strings.HasPrefix(l, "VmHWM") { return l } }
	return ""
}

func main() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, os.Args[2]); check(err)
	defer store.Close()
	db, err := store.DB().DB(); check(err)
	switch os.Args[1] {
	case "fill":
		for i := 0; i < 1000000; i += 100000 {
			_, err := db.Exec(`WITH RECURSIVE n(i) AS (SELECT ? UNION ALL SELECT i+1 FROM n WHERE i < ?),
			e AS (SELECT i, (i * 2654435761 >> 5) % 250000 AS g FROM n)
			INSERT INTO receipts (execution_id, agent_id, operation, status, timestamp, manifest_hash, ontology_hash, duration_ms, receipt_json)
			SELECT printf('%036d', i), 'agent-' || (i%50), 'generation', 'passed', strftime('%Y-%m-%dT%H:%M:%f', 1767225600 + i, 'unixepoch') || '000Z',
			 printf('%064x', g * 7919), printf('%064x', g % 100), 5,
			 '{"execution_id":"' || printf('%036d', i) || '","files_generated":[' ||
			 (SELECT group_concat('{"path":"generated/file' || column1 || '.rs","lines":142,"hash":"' || printf('%064x', g*10 + column1 + CASE WHEN g % 100 = 1 THEN i ELSE 0 END) || '","template":"templates/types.rs.tera","status":"created"}')
			  FROM (VALUES (1),(2),(3),(4),(5))) || ']}' FROM e`, i+1, i+100000)
			check(err)
		}
	case "index":
		t := time.Now()
		_, err := db.Exec("CREATE INDEX idx_x ON receipts(manifest_hash, ontology_hash, operation) WHERE manifest_hash <> '' AND ontology_hash <> ''")
		check(err)
		check(store.Maintain(ctx))
		fmt.Println("index", time.Since(t))
	case "drift":
		for _, f := range []repository.DriftFilter{{}, {AgentID: "agent-7"}, {Since: time.Unix(1767225600+990000, 0)}} {
			t := time.Now()
			var m0, m1 runtime.MemStats
			runtime.ReadMemStats(&m0)
			d, s, err := store.Reports.Drift(ctx, f); check(err)
			runtime.ReadMemStats(&m1)
			fmt.Println(len(d), s.Inputs, s.Compared, s.Next != "", time.Since(t).Round(time.Millisecond), rss(), "heapsys MB", m1.HeapSys>>20)
		}
	case "all":
		t := time.Now()
		f := repository.DriftFilter{Page: repository.Page{Limit: 1000}}
		n := 0
		for { d, s, err := store.Reports.Drift(ctx, f); check(err); n += len(d); if s.Next == "" { break }; f.Cursor = s.Next }
		fmt.Println("all", n, time.Since(t), rss())
	}
}

func init() {
	if len(os.Args) > 3 {
		go func() { time.Sleep(8 * time.Second); buf := make([]byte, 1<<16); n := runtime.Stack(buf, true); fmt.Println(string(buf[:n])) }()
	}
}
