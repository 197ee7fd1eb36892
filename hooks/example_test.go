package hooks_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	"gorm.io/driver/sqlite"
	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// open is an empty store in memory.
func open() *tier2.Store {
	store, err := tier2.Open(context.Background(), ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	return store
}

// On a *gorm.DB of your own, whose database has tier2's tables. A store of tier2 has the
// hooks already.
func ExampleNew() {
	store := open() // empty, in memory
	defer store.Close()
	yours, err := store.DB().DB() // any *sql.DB, here the store's
	if err != nil {
		log.Fatal(err)
	}

	db, err := gorm.Open(sqlite.New(sqlite.Config{Conn: yours}))
	if err != nil {
		log.Fatal(err)
	}
	if err := db.Use(hooks.New()); err != nil {
		log.Fatal(err)
	}
	receipt := &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed}
	if err := db.Create(receipt).Error; err != nil {
		log.Fatal(err)
	}

	entries, _, err := store.Audit.List(context.Background(), repository.AuditFilter{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(entries[0].Operation, "by", entries[0].AgentID)
	// Output: receipts.create by coder
}

// The same options as a store has.
func ExampleWithRedactor() {
	plugin := hooks.New(
		hooks.WithClock(func() time.Time { return time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC) }),
		hooks.WithRedactor(func(key string) bool { return strings.EqualFold(key, "pin") }),
	)
	fmt.Println(plugin.Name())
	// Output: tier2:hooks
}

// Who acts is who the audit log names.
func ExampleWithActor() {
	ctx := hooks.WithActor(context.Background(), "supervisor")
	fmt.Println(hooks.Actor(ctx))

	store := open() // empty, in memory
	defer store.Close()
	if err := store.Memory.Put(ctx, "coder", models.JSON(`{"task":"parser"}`)); err != nil {
		log.Fatal(err)
	}
	entries, _, err := store.Audit.List(ctx, repository.AuditFilter{})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(entries[0].Operation, "by", entries[0].AgentID)
	// Output:
	// supervisor
	// agent_memory.create by supervisor
}

// What is done for an execution is found by its id. The context of a stage
// (repository.Execution.Stage) has it already.
func ExampleWithExecution() {
	ctx := hooks.WithExecution(context.Background(), "build-1")
	fmt.Println(hooks.Execution(ctx))

	store := open() // empty, in memory
	defer store.Close()
	if err := store.Memory.Put(ctx, "coder", models.JSON(`{"task":"parser"}`)); err != nil {
		log.Fatal(err)
	}
	trail, err := store.Audit.Trail(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(trail[0].Operation)
	// Output:
	// build-1
	// agent_memory.create
}

// Entries that are sealed may go, and only with this context. Store.Archive keeps them
// elsewhere.
func ExampleWithRetention() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()
	if err := store.Audit.Record(ctx, &models.AuditEntry{AgentID: "coder", Operation: "lint", Status: models.AuditCompleted}); err != nil {
		log.Fatal(err)
	}
	if _, err := store.Audit.Seal(ctx); err != nil {
		log.Fatal(err)
	}

	old := store.DB().Where("operation = ?", "lint")
	fmt.Println(old.WithContext(ctx).Delete(&models.AuditEntry{}).Error != nil)
	fmt.Println(old.WithContext(hooks.WithRetention(ctx)).Delete(&models.AuditEntry{}).Error)
	// Output:
	// true
	// <nil>
}
