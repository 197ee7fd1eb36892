package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
	"github.com/seanchatmangpt/ggen/tier2/tier2test"
)

// open is an empty store in memory, whose clock stands still.
func open(opts ...tier2.Option) *tier2.Store {
	opts = append([]tier2.Option{tier2.WithClock(new(tier2test.Clock).Now)}, opts...)
	store, err := tier2.Open(context.Background(), ":memory:", opts...)
	if err != nil {
		log.Fatal(err)
	}
	return store
}

// Repositories are the fields of a store.
func Example() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:") // or a path, or postgres://...
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()

	err = store.Receipts.Create(ctx, &models.Receipt{
		ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
	})
	if err != nil {
		log.Fatal(err)
	}
	receipts, _, err := store.Receipts.List(ctx, repository.ReceiptFilter{AgentID: "coder"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(receipts), receipts[0].ExecutionID)
	// Output: 1 build-1
}

// An error tells which value was refused, where, and what is allowed.
func ExampleError() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	err := store.Receipts.Create(ctx, &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: "done"})
	fmt.Println(err)
	fmt.Println(errors.Is(err, models.ErrInvalid))

	var refused *models.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Table, refused.Column, refused.Value, refused.Allowed)
	}
	// Output:
	// receipts.status "done": is not an allowed value (allowed: passed, failed, partial, cancelled)
	// true
	// receipts status done [passed failed partial cancelled]
}

// The next page begins where the one before ended, whatever is saved in between.
func ExamplePage() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()
	for i := range 5 {
		err := store.Receipts.Create(ctx, &models.Receipt{
			ExecutionID: fmt.Sprint("build-", i), AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
		})
		if err != nil {
			log.Fatal(err)
		}
	}

	filter := repository.ReceiptFilter{Page: repository.Page{Limit: 2}}
	for {
		receipts, next, err := store.Receipts.List(ctx, filter)
		if err != nil {
			log.Fatal(err)
		}
		for _, r := range receipts {
			fmt.Println(r.ExecutionID)
		}
		fmt.Println("--")
		if next == "" {
			break
		}
		filter.Cursor = next
	}
	// Output:
	// build-4
	// build-3
	// --
	// build-2
	// build-1
	// --
	// build-0
	// --
}

// The repositories over a transaction of your own *gorm.DB: receipt and rows of other tables
// commit together.
func ExampleNew() {
	ctx := context.Background()
	store := open() // or your own *gorm.DB, after db.Use(hooks.New())
	defer store.Close()

	err := store.DB().WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		repositories, err := repository.New(tx)
		if err != nil {
			return err
		}
		return repositories.Receipts.Create(ctx, &models.Receipt{
			ExecutionID: "build-1", AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed,
		})
	})
	fmt.Println(err)

	receipt, err := store.Receipts.Get(ctx, "build-1")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(receipt.Status)
	// Output:
	// <nil>
	// passed
}
