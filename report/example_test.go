package report_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/report"
)

func ExampleWrite() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	err = store.Receipts.Create(ctx, &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed})
	if err != nil {
		log.Fatal(err)
	}

	var page bytes.Buffer // or a file
	if err := report.Write(ctx, &page, store, report.Options{Title: "Last week"}); err != nil {
		log.Fatal(err)
	}
	fmt.Println(bytes.Contains(page.Bytes(), []byte("<title>Last week</title>")))
	// Output: true
}

// Gather returns the figures of the page, for other presentations.
func ExampleGather() {
	ctx := context.Background()
	store, err := tier2.Open(ctx, ":memory:")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	err = store.Receipts.Create(ctx, &models.Receipt{AgentID: "coder", Operation: models.OperationWatch, Status: models.ReceiptPassed})
	if err != nil {
		log.Fatal(err)
	}

	data, err := report.Gather(ctx, store, report.Options{})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range data.Agents {
		fmt.Println(a.AgentID, a.Passed)
	}

	var page bytes.Buffer
	fmt.Println(data.WriteHTML(&page))
	// Output:
	// coder 1
	// <nil>
}
