// Own-db adds tier2's tables and hooks to a database that the program opened itself. The
// program's own rows and the records of tier2 are committed together.
//
//	go run ./examples/own-db          in a temporary folder
//	go run ./examples/own-db my.db    in a file that you can open with sqlite3
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// Release is a table of the program. It names the execution that built the release.
type Release struct {
	ID          uint
	Version     string          `gorm:"not null;uniqueIndex"`
	ExecutionID string          `gorm:"not null"`
	Execution   *models.Receipt `gorm:"foreignKey:ExecutionID;references:ExecutionID"`
}

func main() {
	path := ""
	if len(os.Args) > 1 {
		path = os.Args[1]
	}
	if err := run(context.Background(), os.Stdout, path); err != nil {
		fmt.Fprintln(os.Stderr, "own-db:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, path string) (err error) {
	if path == "" {
		folder, err := os.MkdirTemp("", "tier2-own-db-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(folder)
		path = filepath.Join(folder, "releases.db")
	}
	db, err := open(ctx, path)
	if err != nil {
		return err
	}
	pool, err := db.DB()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, pool.Close()) }()
	ctx = hooks.WithActor(ctx, "release-bot") // takes precedence over the agents in the rows

	// Both rows in one transaction of the program.
	if err := release(ctx, db, "1.0.0", "build-1"); err != nil {
		return err
	}
	// The same version again: the table of releases rejects it, and the receipt is rolled back.
	if err := release(ctx, db, "1.0.0", "build-2"); err == nil {
		return errors.New("1.0.0 was released twice")
	}
	// The opposite case: tier2 rejects the receipt, and the release is rolled back.
	if err := release(ctx, db, "1.1.0", "build-1"); err == nil {
		return errors.New("build-1 was recorded twice")
	}
	return show(ctx, out, db)
}

// open opens the database as any GORM program does, then adds tier2: the schema, which can
// be loaded again without a change, and the hooks.
func open(ctx context.Context, path string) (*gorm.DB, error) {
	noon := time.Date(2026, 1, 29, 12, 0, 0, 0, time.UTC)
	db, err := gorm.Open(dialector(path), &gorm.Config{
		Logger:  logger.Discard,
		NowFunc: func() time.Time { return noon }, // optional; the default is time.Now
	})
	if err != nil {
		return nil, err
	}
	if err := db.WithContext(ctx).Exec(tier2.Schema()).Error; err != nil {
		return nil, err
	}
	if err := db.WithContext(ctx).AutoMigrate(&Release{}); err != nil {
		return nil, err
	}
	return db, db.Use(hooks.New())
}

// release saves the release together with the receipt of its execution, or neither.
func release(ctx context.Context, db *gorm.DB, version, executionID string) error {
	return db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		receipt := &models.Receipt{
			ExecutionID: executionID, AgentID: "builder", Operation: models.OperationGeneration,
			Status: models.ReceiptPassed, FilesGenerated: 3, DurationMS: 1200,
		}
		if err := tx.Create(receipt).Error; err != nil {
			return err
		}
		return tx.Create(&Release{Version: version, ExecutionID: executionID}).Error
	})
}

func show(ctx context.Context, out io.Writer, db *gorm.DB) error {
	var releases []Release
	if err := db.WithContext(ctx).Preload("Execution").Order("id").Find(&releases).Error; err != nil {
		return err
	}
	for _, r := range releases {
		fmt.Fprintf(out, "release %s by %s: %s, %d files\n", r.Version, r.ExecutionID, r.Execution.Status, r.Execution.FilesGenerated)
	}

	// The repositories of tier2 work on the program's database too.
	repositories, err := repository.New(db)
	if err != nil {
		return err
	}
	receipts, _, err := repositories.Receipts.List(ctx, repository.ReceiptFilter{})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%d receipt\n", len(receipts))
	for entry, err := range repositories.Audit.All(ctx, repository.AuditFilter{}) {
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "audit   %s %s by %s\n", entry.Operation, entry.Status, entry.AgentID)
	}
	memory, err := repositories.Memory.Get(ctx, "release-bot")
	if err != nil {
		return err
	}
	var doc struct {
		Activity struct {
			Saves int `json:"saves"`
		} `json:"_activity"`
	}
	if err := memory.MemoryJSON.Decode(&doc); err != nil {
		return err
	}
	fmt.Fprintf(out, "memory  of %s: %d save\n", memory.AgentID, doc.Activity.Saves)
	return nil
}
