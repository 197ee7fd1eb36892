// Postgres simulates two machines that share one store on PostgreSQL. Both open it, save
// and change the memory of the same agent at the same time, and no change is lost.
//
//	go run ./examples/postgres postgres://user@host:5432/database
//
// Without an argument it uses the URL in TIER2_TEST_POSTGRES. It creates a schema and drops
// it at the end. Put a password in PGPASSWORD or ~/.pgpass rather than in the URL.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// saves is the number of executions that each machine records.
const saves = 10

func main() {
	server := os.Getenv("TIER2_TEST_POSTGRES")
	if len(os.Args) > 1 {
		server = os.Args[1]
	}
	if server == "" {
		fmt.Fprintln(os.Stderr, "postgres: give the URL of a database, such as postgres://user@host:5432/database")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Stdout, server); err != nil {
		fmt.Fprintln(os.Stderr, "postgres:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, server string) (err error) {
	dsn, drop, err := newSchema(ctx, server)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, drop()) }()

	// Each machine opens the store. The first one creates the tables while the other waits.
	errs := make([]error, 2)
	var wg sync.WaitGroup
	for i, name := range []string{"east", "west"} {
		wg.Go(func() { errs[i] = machine(ctx, dsn, name) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return show(ctx, out, dsn)
}

// newSchema creates an empty schema. The store uses the first schema of search_path.
func newSchema(ctx context.Context, server string) (dsn string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, errors.New("the database's URL cannot be read") // omits the URL, which may contain a password
	}
	name := fmt.Sprintf("tier2_example_%d", time.Now().UnixNano())
	do := func(ctx context.Context, statement string) error {
		conn, err := pgx.Connect(ctx, server)
		if err != nil {
			return err
		}
		defer conn.Close(ctx)
		_, err = conn.Exec(ctx, statement)
		return err
	}
	query := u.Query()
	query.Set("search_path", name)
	u.RawQuery = query.Encode()
	drop = func() error { return do(context.WithoutCancel(ctx), "DROP SCHEMA "+name+" CASCADE") }
	return u.String(), drop, do(ctx, "CREATE SCHEMA "+name)
}

// machine runs the goroutines of one machine, which save through one store.
func machine(ctx context.Context, dsn, name string) (err error) {
	store, err := tier2.Open(ctx, dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	ctx = hooks.WithActor(ctx, name)
	errs := make([]error, saves)
	var wg sync.WaitGroup
	for i := range saves {
		wg.Go(func() { errs[i] = save(ctx, store, fmt.Sprintf("%s-%d", name, i)) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// save records an execution and counts it in a memory that all goroutines share. Update
// reads, changes and writes under a lock, and repeats a transaction that lost against another.
func save(ctx context.Context, store *tier2.Store, id string) error {
	execution, err := store.Executions.Begin(ctx, "builder", models.OperationGeneration, repository.ExecutionOptions{ExecutionID: id})
	if err != nil {
		return err
	}
	if _, err := execution.Finish(ctx, repository.Outcome{FilesGenerated: 2}); err != nil {
		return err
	}
	return store.Memory.Update(ctx, "shared", func(doc map[string]any) error {
		n, counted := doc["builds"].(json.Number) // keeps large numbers exact
		if !counted {
			n = "0"
		}
		builds, err := n.Int64()
		doc["builds"] = builds + 1
		return err
	})
}

func show(ctx context.Context, out io.Writer, dsn string) (err error) {
	store, err := tier2.Open(ctx, dsn, tier2.WithExisting())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	memory, err := store.Memory.Get(ctx, "shared")
	if err != nil {
		return err
	}
	var doc struct {
		Builds int `json:"builds"`
	}
	if err := memory.MemoryJSON.Decode(&doc); err != nil {
		return err
	}
	fmt.Fprintf(out, "memory    %d builds counted by both\n", doc.Builds)

	// The tables are ordinary ones, so SQL works on them.
	var rows []struct {
		Agent string
		N     int
	}
	err = store.DB().WithContext(ctx).Raw(`SELECT agent_id AS agent, COUNT(*) AS n FROM audit_log
		WHERE operation = 'receipts.create' AND status = 'completed' AND context_json::jsonb ->> 'execution_id' LIKE agent_id || '-%'
		GROUP BY agent_id ORDER BY agent_id`).Scan(&rows).Error
	for _, r := range rows {
		fmt.Fprintf(out, "audit     %d receipts created by %s\n", r.N, r.Agent)
	}
	if err != nil {
		return err
	}
	agents, err := store.Reports.AgentPerformance(ctx)
	for _, a := range agents {
		fmt.Fprintf(out, "report    %s: %d of %d passed\n", a.AgentID, a.SuccessfulExecutions, a.TotalExecutions)
	}
	return err
}
