package repository

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const collisionsTable = "collision_detection"

// Collisions reads and writes the table collision_detection.
type Collisions struct{ h Handle }

// CollisionFilter chooses collisions; the zero value is all of them.
type CollisionFilter struct {
	SessionID     string
	AgentID       string // either of the two
	CollisionType models.CollisionType
	Severity      models.Severity
	Since, Until  time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// CollisionSummary is how many collisions there were of a type and severity.
type CollisionSummary struct {
	CollisionType models.CollisionType
	Severity      models.Severity
	Count         int64
}

// Report writes one collision and fills its id and what was empty. Errors:
// models.ErrInvalid, also for the same agent twice; models.ErrForeignKey for an unknown session.
func (c *Collisions) Report(ctx context.Context, collision *models.Collision) error {
	if collision == nil {
		return invalid(collisionsTable, "", nil, "must not be nil")
	}
	schema.Prepare(collision, c.h.now())
	err := insert(ctx, c.h, collision)
	return blame(err, models.ErrForeignKey, collisionsTable, "session_id", collision.SessionID, "no session has that id")
}

// Resolve says how an unresolved collision was settled. Errors: models.ErrInvalid for a
// blank resolution, models.ErrNotFound, models.ErrConflict if it is resolved already, with the
// resolution it has in Error.Value.
func (c *Collisions) Resolve(ctx context.Context, id int64, resolution string) error {
	if err := required(collisionsTable, "resolution", resolution); err != nil {
		return err
	}
	n, err := c.h.affected(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Model(&models.Collision{}).Where("id = ?", id).Where(unresolved).Update("resolution", resolution)
	})
	if err != nil || n > 0 {
		return err
	}
	var row models.Collision
	if err := c.h.read(ctx).Where("id = ?", id).Take(&row).Error; err != nil {
		return found(err, collisionsTable, "id", id)
	}
	return &models.Error{Table: collisionsTable, Column: "resolution", Value: row.Resolution, Kind: models.ErrConflict, Reason: "the collision is resolved already"}
}

// unresolved is the condition of a collision that nobody settled.
const unresolved = "(resolution IS NULL OR resolution = '')"

// BySession is every collision of a session, newest first; none is no error.
// Errors: models.ErrInvalid for a blank id.
func (c *Collisions) BySession(ctx context.Context, sessionID string) ([]models.Collision, error) {
	if err := required(collisionsTable, "session_id", sessionID); err != nil {
		return nil, err
	}
	return c.find(c.h.read(ctx).Where("session_id = ?", sessionID))
}

// BetweenAgents is every collision of two agents, in either order, newest first.
// Errors: models.ErrInvalid for a blank agent, or the same twice.
func (c *Collisions) BetweenAgents(ctx context.Context, a, b string) ([]models.Collision, error) {
	if err := errors.Join(required(collisionsTable, "agent_id_1", a), required(collisionsTable, "agent_id_2", b)); err != nil {
		return nil, err
	}
	if a == b {
		return nil, invalid(collisionsTable, "agent_id_2", b, "must be another agent than agent_id_1")
	}
	return c.find(c.h.read(ctx).Where("(agent_id_1 = ? AND agent_id_2 = ?) OR (agent_id_1 = ? AND agent_id_2 = ?)", a, b, b, a))
}

func (c *Collisions) find(q *gorm.DB) ([]models.Collision, error) {
	collisions := []models.Collision{}
	err := q.Order("timestamp DESC, id DESC").Find(&collisions).Error
	return collisions, err
}

// List is one page of the collisions that f chooses, newest first, and the cursor of
// the next page. Errors: models.ErrInvalid for a filter or page that cannot be.
func (c *Collisions) List(ctx context.Context, f CollisionFilter) ([]models.Collision, string, error) {
	q, err := c.filter(ctx, f)
	if err != nil {
		return nil, "", err
	}
	return fetch[models.Collision](list{db: q, table: collisionsTable, column: "timestamp"}, f.Page)
}

// Unresolved is List of the collisions without a resolution.
func (c *Collisions) Unresolved(ctx context.Context, f CollisionFilter) ([]models.Collision, string, error) {
	q, err := c.filter(ctx, f)
	if err != nil {
		return nil, "", err
	}
	return fetch[models.Collision](list{db: q.Where(unresolved), table: collisionsTable, column: "timestamp"}, f.Page)
}

// Summary counts the collisions of a window by type and severity, the most frequent
// first: since <= timestamp < until, a zero time is no bound. Errors: models.ErrInvalid.
func (c *Collisions) Summary(ctx context.Context, since, until time.Time) ([]CollisionSummary, error) {
	q, err := c.filter(ctx, CollisionFilter{Since: since, Until: until})
	if err != nil {
		return nil, err
	}
	summary := []CollisionSummary{}
	err = q.Select("collision_type, severity, COUNT(*) AS count").Group("collision_type, severity").
		Order("count DESC, collision_type, severity").Find(&summary).Error
	return summary, err
}

func (c *Collisions) filter(ctx context.Context, f CollisionFilter) (*gorm.DB, error) {
	if err := errors.Join(
		known(collisionsTable, "collision_type", f.CollisionType, models.CollisionTypes()),
		known(collisionsTable, "severity", f.Severity, models.Severities()),
		text(collisionsTable, "session_id", f.SessionID), text(collisionsTable, "agent_id", f.AgentID),
	); err != nil {
		return nil, err
	}
	q := c.h.read(ctx).Model(&models.Collision{})
	q = equal(q, "session_id", f.SessionID)
	q = equal(q, "collision_type", string(f.CollisionType))
	q = equal(q, "severity", string(f.Severity))
	if f.AgentID != "" {
		q = q.Where("(agent_id_1 = ? OR agent_id_2 = ?)", f.AgentID, f.AgentID)
	}
	return between(q, collisionsTable, "timestamp", f.Since, f.Until)
}
