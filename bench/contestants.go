package main

import (
	"context"
	"fmt"
	"time"

	"gorm.io/driver/postgres"
	"gorm.io/driver/sqlite"
	"gorm.io/gorm"
	"gorm.io/gorm/logger"

	"github.com/seanchatmangpt/ggen/tier2"
	"github.com/seanchatmangpt/ggen/tier2/models"
	"github.com/seanchatmangpt/ggen/tier2/repository"
)

// contestant is an implementation of the work. All contestants write equal rows, except for
// the digests in the entries, which only tier2 writes.
type contestant interface {
	// save writes a receipt, its audit entry and the memory of its agent.
	save(ctx context.Context, r *models.Receipt) error
	// batch saves many receipts in one transaction.
	batch(ctx context.Context, receipts []*models.Receipt) error
	// execution saves a receipt with its Metrics.
	execution(ctx context.Context, r *models.Receipt) error
	// updateOne changes the environment of one receipt.
	updateOne(ctx context.Context, executionID, environment string) error
	// updateMany changes the environment of an agent's generations.
	updateMany(ctx context.Context, agent, environment string) error
	// get reads one receipt.
	get(ctx context.Context, executionID string) (*models.Receipt, error)
	// page reads the 50 receipts after (before, id), of an agent or, for "", of all agents.
	page(ctx context.Context, agent string, before models.Timestamp, id int64) ([]*models.Receipt, error)
	// stream reads every receipt, newest first.
	stream(ctx context.Context, yield func(*models.Receipt)) error
	close() error
}

// clock returns the time of the rows.
var clock = time.Now

// newContestant returns the contestant of that name, opened on dsn.
func newContestant(ctx context.Context, name, dsn string, opts ...tier2.Option) (contestant, error) {
	opts = append(opts, tier2.WithClock(func() time.Time { return clock() }))
	store, err := tier2.Open(ctx, dsn, opts...)
	if err != nil {
		return nil, err
	}
	c, err := over(ctx, name, dsn, store)
	if err != nil {
		store.Close()
		return nil, err
	}
	return closing{c, store}, nil
}

func over(ctx context.Context, name, dsn string, store *tier2.Store) (contestant, error) {
	onPostgres := store.DB().Name() == "postgres"
	if name == "tier2" {
		return viaRepositories{store}, nil
	}
	if name == "tier2 DB()" {
		return viaHandle{viaRepositories{store}}, nil
	}
	if name == "hand-written" && onPostgres {
		return newHandPostgres(ctx, dsn)
	}
	pool, err := store.DB().DB()
	if err != nil {
		return nil, err
	}
	switch name {
	case withoutTotals:
		return viaRepositories{store}, dropTotals(ctx, pool)
	case handOnSeed:
		if err := loadSeed(ctx, pool); err != nil {
			return nil, err
		}
		return newHand(pool)
	case "hand-written":
		return newHand(pool)
	case asDocumented:
		db, err := gorm.Open(documented(dsn), &gorm.Config{Logger: logger.Discard})
		return opened{plainGORM{db}}, err
	case "plain GORM":
		dialector := sqlite.New(sqlite.Config{Conn: pool})
		if onPostgres {
			dialector = postgres.New(postgres.Config{Conn: pool})
		}
		db, err := gorm.Open(dialector, &gorm.Config{Logger: logger.Discard, NowFunc: func() time.Time { return clock() }})
		return plainGORM{db}, err
	}
	return nil, fmt.Errorf("no contestant is called %q", name)
}

// closing also closes the store of a contestant.
type closing struct {
	contestant
	store *tier2.Store
}

func (c closing) close() error {
	err := c.contestant.close()
	if closed := c.store.Close(); err == nil {
		err = closed
	}
	return err
}

// viaRepositories is tier2 as its documentation shows it.
type viaRepositories struct{ store *tier2.Store }

func (v viaRepositories) save(ctx context.Context, r *models.Receipt) error {
	return v.store.Receipts.Create(ctx, r)
}

func (v viaRepositories) batch(ctx context.Context, receipts []*models.Receipt) error {
	return v.store.Receipts.CreateBatch(ctx, receipts)
}

func (v viaRepositories) execution(ctx context.Context, r *models.Receipt) error {
	return v.store.Receipts.Create(ctx, r)
}

func (v viaRepositories) updateOne(ctx context.Context, executionID, environment string) error {
	return v.store.DB().WithContext(ctx).Model(&models.Receipt{}).Where("execution_id = ?", executionID).
		Update("environment", environment).Error
}

func (v viaRepositories) updateMany(ctx context.Context, agent, environment string) error {
	return v.store.DB().WithContext(ctx).Model(&models.Receipt{}).
		Where("agent_id = ? AND operation = ?", agent, models.OperationGeneration).Update("environment", environment).Error
}

func (v viaRepositories) get(ctx context.Context, executionID string) (*models.Receipt, error) {
	return v.store.Receipts.Get(ctx, executionID)
}

func (v viaRepositories) page(ctx context.Context, agent string, before models.Timestamp, id int64) ([]*models.Receipt, error) {
	list, _, err := v.store.Receipts.List(ctx, repository.ReceiptFilter{AgentID: agent, Until: before.Time})
	page := make([]*models.Receipt, len(list))
	for i := range list {
		page[i] = &list[i]
	}
	return page, err
}

func (v viaRepositories) stream(ctx context.Context, yield func(*models.Receipt)) error {
	for r, err := range v.store.Receipts.All(ctx, repository.ReceiptFilter{}) {
		if err != nil {
			return err
		}
		yield(&r)
	}
	return nil
}

func (viaRepositories) close() error { return nil }

// viaHandle is tier2 through GORM calls on store.DB(), which the hooks audit.
type viaHandle struct{ viaRepositories }

func (v viaHandle) db(ctx context.Context) *gorm.DB { return v.store.DB().WithContext(ctx) }

func (v viaHandle) save(ctx context.Context, r *models.Receipt) error {
	return v.db(ctx).Create(r).Error
}

func (v viaHandle) batch(ctx context.Context, receipts []*models.Receipt) error {
	return v.db(ctx).CreateInBatches(receipts, 100).Error
}

func (v viaHandle) execution(ctx context.Context, r *models.Receipt) error {
	return v.db(ctx).Create(r).Error
}

func (v viaHandle) get(ctx context.Context, executionID string) (*models.Receipt, error) {
	var r models.Receipt
	err := v.db(ctx).Where("execution_id = ?", executionID).Take(&r).Error
	return &r, err
}

func (v viaHandle) page(ctx context.Context, agent string, before models.Timestamp, id int64) ([]*models.Receipt, error) {
	return gormPage(v.db(ctx), agent, before, id)
}

func (v viaHandle) stream(ctx context.Context, yield func(*models.Receipt)) error {
	return gormStream(v.db(ctx), yield)
}
