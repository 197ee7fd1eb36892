package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// save puts in a receipt of an agent for each status: build-1, build-2 and so on.
func save(store *tier2.Store, agent string, statuses ...models.ReceiptStatus) {
	var receipts []*models.Receipt
	for i, status := range statuses {
		receipts = append(receipts, &models.Receipt{
			ExecutionID: fmt.Sprint("build-", i+1), AgentID: agent, Operation: models.OperationGeneration, Status: status, DurationMS: 120,
		})
	}
	if err := store.Receipts.CreateBatch(context.Background(), receipts); err != nil {
		log.Fatal(err)
	}
}

func ExampleReceipts_Create() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	receipt := &models.Receipt{ // without an ExecutionID it gets a new one
		ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration,
		Status: models.ReceiptPassed, FilesGenerated: 5, DurationMS: 120,
		Metrics: []models.PipelineMetric{{Stage: models.StageEmit, DurationMS: 80, Status: models.StagePassed}},
	}
	if err := store.Receipts.Create(ctx, receipt); err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.ID, receipt.Timestamp)

	again := &models.Receipt{ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed}
	fmt.Println(errors.Is(store.Receipts.Create(ctx, again), models.ErrDuplicate))
	// Output:
	// 1 2026-01-01T12:00:00.000000Z
	// true
}

func ExampleReceipts_CreateBatch() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	batch := []*models.Receipt{
		{ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed},
		{ExecutionID: "build-2", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptFailed},
	}
	if err := store.Receipts.CreateBatch(ctx, batch); err != nil { // all of them, or none
		log.Fatal(err)
	}
	fmt.Println(batch[0].ID, batch[1].ID)
	// Output: 1 2
}

// A receipt that may be there already is replaced.
func ExampleReceipts_Upsert() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	receipt := models.Receipt{ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPartial}
	for _, status := range []models.ReceiptStatus{models.ReceiptPartial, models.ReceiptPassed} {
		receipt.Status = status
		if err := store.Receipts.Upsert(ctx, &receipt); err != nil {
			log.Fatal(err)
		}
	}
	stored, err := store.Receipts.Get(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(stored.ID, stored.Status)
	// Output: 1 passed
}

func ExampleReceipts_Get() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed) // build-1

	receipt, err := store.Receipts.Get(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.AgentID, receipt.Status, receipt.DurationMS)

	_, err = store.Receipts.Get(ctx, "build-9")
	fmt.Println(errors.Is(err, models.ErrNotFound))
	// Output:
	// coder passed 120
	// true
}

// The newest come first.
func ExampleReceipts_List() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptFailed, models.ReceiptPassed) // build-1 to build-3

	receipts, next, err := store.Receipts.List(ctx, repository.ReceiptFilter{Status: models.ReceiptPassed})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range receipts {
		fmt.Println(r.ExecutionID, r.Status)
	}
	fmt.Printf("more: %t\n", next != "")
	// Output:
	// build-3 passed
	// build-1 passed
	// more: false
}

// However many there are, they take the same memory.
func ExampleReceipts_All() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptFailed) // build-1 and build-2

	for r, err := range store.Receipts.All(ctx, repository.ReceiptFilter{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(r.ExecutionID, r.Status)
	}
	// Output:
	// build-2 failed
	// build-1 passed
}

func ExampleReceipts_Failures() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptFailed, models.ReceiptPassed) // build-1 to build-3

	failures, _, err := store.Receipts.Failures(ctx, repository.ReceiptFilter{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(failures[0].ExecutionID)
	// Output: build-2
}

func ExampleReceipts_LatestByAgent() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptFailed, models.ReceiptPassed) // build-1 and build-2

	latest, err := store.Receipts.LatestByAgent(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(latest.ExecutionID, latest.Status)
	// Output: build-2 passed
}

// A receipt that metrics or violations belong to stays.
func ExampleReceipts_Delete() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	save(store, "coder", models.ReceiptPassed, models.ReceiptPassed) // build-1 and build-2
	if err := store.Metrics.Record(ctx, &models.PipelineMetric{ExecutionID: "build-2", Stage: models.StageEmit, Status: models.StagePassed}); err != nil {
		log.Fatal(err)
	}

	fmt.Println(store.Receipts.Delete(ctx, "build-1"))
	fmt.Println(errors.Is(store.Receipts.Delete(ctx, "build-2"), models.ErrForeignKey))
	// Output:
	// <nil>
	// true
}
