package repository_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// remember is Put of an agent that is there.
func remember(store *tier2.Store, agent, doc string) {
	if err := store.Memory.Put(context.Background(), agent, models.JSON(doc)); err != nil {
		log.Fatal(err)
	}
}

// Once the agent has saved something, what the store counts is there under _activity.
func ExampleMemory_Put() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	if err := store.Memory.Put(ctx, "coder", models.JSON(`{"task":"parser","step":1}`)); err != nil {
		log.Fatal(err)
	}
	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(memory.AgentID, memory.MemoryJSON)
	// Output: coder {"step":1,"task":"parser"}
}

func ExampleMemory_Get() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)

	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	var doc struct{ Step int }
	if err := memory.MemoryJSON.Decode(&doc); err != nil {
		log.Fatal(err)
	}
	fmt.Println(doc.Step, memory.RetryCount)

	_, err = store.Memory.Get(ctx, "nobody")
	fmt.Println(errors.Is(err, models.ErrNotFound))
	// Output:
	// 1 0
	// true
}

// A merge patch (RFC 7396) changes what it names: null removes.
func ExampleMemory_Merge() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"task":"parser","step":1}`)

	if err := store.Memory.Merge(ctx, "coder", models.JSON(`{"step":2,"task":null}`)); err != nil {
		log.Fatal(err)
	}
	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(memory.MemoryJSON)
	// Output: {"step":2}
}

// Others that update the same memory wait, so nothing is lost between read and write.
func ExampleMemory_Update() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"seen":["a.rs"]}`)

	err := store.Memory.Update(ctx, "coder", func(doc map[string]any) error {
		seen, _ := doc["seen"].([]any)
		doc["seen"] = append(seen, "b.rs")
		return nil // an error leaves the memory as it was
	})
	if err != nil {
		log.Fatal(err)
	}
	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(memory.MemoryJSON)
	// Output: {"seen":["a.rs","b.rs"]}
}

// Who has read a memory long ago writes only if nobody did since.
func ExampleMemory_CompareAndSwap() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)

	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	tag := store.Memory.ETag(memory)

	fmt.Println(store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"step":2}`)))
	err = store.Memory.CompareAndSwap(ctx, "coder", tag, models.JSON(`{"step":3}`)) // step 2 is there by now
	fmt.Println(errors.Is(err, models.ErrConflict))
	// Output:
	// <nil>
	// true
}

func ExampleMemory_RecordError() {
	ctx := context.Background()
	store := open() // empty, in memory
	defer store.Close()

	for range 2 {
		if err := store.Memory.RecordError(ctx, "coder", "no template for widget"); err != nil {
			log.Fatal(err)
		}
	}
	memory, err := store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(memory.RetryCount, memory.LastError)

	if err := store.Memory.ResetRetries(ctx, "coder"); err != nil { // a receipt that passed does so, too
		log.Fatal(err)
	}
	memory, err = store.Memory.Get(ctx, "coder")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(memory.RetryCount, memory.LastError)
	// Output:
	// 2 no template for widget
	// 0 no template for widget
}

func ExampleMemory_List() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{}`)
	remember(store, "reviewer", `{}`)

	agents, _, err := store.Memory.List(ctx, repository.MemoryFilter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range agents {
		fmt.Println(a.AgentID)
	}
	// Output:
	// reviewer
	// coder
}

// The history is in the audit log, so it is there after Forget as well.
func ExampleMemory_History() {
	ctx := hooks.WithActor(context.Background(), "supervisor") // who is acting
	store := open()                                            // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)
	if err := store.Memory.Forget(ctx, "coder"); err != nil {
		log.Fatal(err)
	}

	versions, next, err := store.Memory.History(ctx, "coder", repository.HistoryFilter{})
	if err != nil {
		log.Fatal(err)
	}
	for _, v := range versions { // newest first
		fmt.Printf("%s by %s: %q\n", v.Action, v.ChangedBy, v.Document)
	}
	fmt.Printf("more: %t\n", next != "")
	// Output:
	// delete by supervisor: ""
	// create by coder: "{\"step\":1}"
	// more: false
}

func ExampleMemory_HistoryAll() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)
	remember(store, "coder", `{"step":2}`)

	for version, err := range store.Memory.HistoryAll(ctx, "coder", repository.HistoryFilter{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(version.Action, version.Document)
	}
	// Output:
	// update {"step":2}
	// create {"step":1}
}

// What did the agent know when it did that?
func ExampleMemory_At() {
	ctx := context.Background()
	now := time.Date(2026, 1, 29, 9, 0, 0, 0, time.UTC)
	store := open(tier2.WithClock(func() time.Time { return now })) // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)
	now = now.Add(time.Hour)
	remember(store, "coder", `{"step":2}`)

	version, err := store.Memory.At(ctx, "coder", time.Date(2026, 1, 29, 9, 30, 0, 0, time.UTC))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(version.Timestamp, version.Document)
	// Output: 2026-01-29T09:00:00.000000Z {"step":1}
}

func ExampleMemory_Forget() {
	ctx := context.Background()
	store := open() // in memory
	defer store.Close()
	remember(store, "coder", `{"step":1}`)

	fmt.Println(store.Memory.Forget(ctx, "coder"))
	fmt.Println(errors.Is(store.Memory.Forget(ctx, "coder"), models.ErrNotFound))
	// Output:
	// <nil>
	// true
}
