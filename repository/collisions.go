package repository

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const collisionsTable = "collision_detection"

// Collisions reads and writes the table collision_detection.
type Collisions struct{ h handle }

// CollisionFilter selects collisions. The zero value selects all.
type CollisionFilter struct {
	SessionID     string
	AgentID       string // matches either of the two agents
	CollisionType models.CollisionType
	Severity      models.Severity
	Since, Until  time.Time // Since <= timestamp < Until, UTC; a zero time is no bound
	Page
}

// CollisionSummary counts the collisions of one type and severity.
type CollisionSummary struct {
	CollisionType models.CollisionType
	Severity      models.Severity
	Count         int64
}

// Report writes one collision and sets its id and empty defaults. Errors:
// models.ErrInvalid, also if both agents are the same; models.ErrForeignKey for an unknown
// session.
func (c *Collisions) Report(ctx context.Context, collision *models.Collision) error {
	if collision == nil {
		return refuse.Invalid(collisionsTable, "", nil, "must not be nil")
	}
	err := insert(ctx, c.h, collision)
	return blame(err, models.ErrForeignKey, collisionsTable, "session_id", collision.SessionID, "no session has that id")
}

// Resolve sets the resolution of an unresolved collision. Errors: models.ErrInvalid for a
// blank resolution; models.ErrNotFound; models.ErrConflict if the collision is resolved
// already, with the stored resolution in Error.Value.
func (c *Collisions) Resolve(ctx context.Context, id int64, resolution string) error {
	if err := refuse.Blank(collisionsTable, "resolution", resolution); err != nil {
		return err
	}
	n, err := c.h.affected(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Model(&models.Collision{}).Where("id = ?", id).Where(unresolved).Update("resolution", resolution)
	})
	if err != nil || n > 0 {
		return err
	}
	row, err := take[models.Collision](c.h.read(ctx), collisionsTable, "id", id)
	if err != nil {
		return err
	}
	return failure(models.ErrConflict, collisionsTable, "resolution", row.Resolution, "the collision is resolved already")
}

// unresolved is the SQL condition of a collision without a resolution.
const unresolved = "(resolution IS NULL OR resolution = '')"

// BySession returns every collision of a session, newest first. Errors: models.ErrInvalid
// for a blank id.
func (c *Collisions) BySession(ctx context.Context, sessionID string) ([]models.Collision, error) {
	return children[models.Collision](c.h.read(ctx), collisionsTable, "session_id", sessionID, "timestamp DESC, id DESC")
}

// BetweenAgents returns every collision of two agents, in either order, newest first.
// Errors: models.ErrInvalid for a blank agent, or if both agents are the same.
func (c *Collisions) BetweenAgents(ctx context.Context, a, b string) ([]models.Collision, error) {
	if err := errors.Join(refuse.Blank(collisionsTable, "agent_id_1", a), refuse.Blank(collisionsTable, "agent_id_2", b)); err != nil {
		return nil, err
	}
	if a == b {
		return nil, refuse.Invalid(collisionsTable, "agent_id_2", b, "must be another agent than agent_id_1")
	}
	q := c.h.read(ctx).Where("(agent_id_1 = ? AND agent_id_2 = ?) OR (agent_id_1 = ? AND agent_id_2 = ?)", a, b, b, a)
	return find[models.Collision](q.Order("timestamp DESC, id DESC"))
}

// List returns one page of the selected collisions, newest first, and the cursor of the
// next page. Errors: models.ErrInvalid for an invalid filter or page.
func (c *Collisions) List(ctx context.Context, f CollisionFilter) ([]models.Collision, string, error) {
	return fetch[models.Collision](c.filter(ctx, f), f.Page)
}

// Unresolved returns List of the collisions without a resolution. Errors: as List.
func (c *Collisions) Unresolved(ctx context.Context, f CollisionFilter) ([]models.Collision, string, error) {
	l := c.filter(ctx, f)
	l.db = l.db.Where(unresolved)
	return fetch[models.Collision](l, f.Page)
}

// Summary counts the collisions with since <= timestamp < until by type and severity, the
// largest count first. A zero time is no bound. Errors: models.ErrInvalid if until lies
// before since.
func (c *Collisions) Summary(ctx context.Context, since, until time.Time) ([]CollisionSummary, error) {
	l := c.filter(ctx, CollisionFilter{Since: since, Until: until})
	if l.err != nil {
		return nil, l.err
	}
	return find[CollisionSummary](l.db.Select("collision_type, severity, COUNT(*) AS count").Group("collision_type, severity").
		Order("count DESC, collision_type, severity"))
}

func (c *Collisions) filter(ctx context.Context, f CollisionFilter) list {
	l := c.h.list(ctx, &models.Collision{}, "timestamp")
	l.equal("session_id", f.SessionID)
	oneOf(&l, "collision_type", f.CollisionType, models.CollisionTypes())
	oneOf(&l, "severity", f.Severity, models.Severities())
	l.where("agent_id", f.AgentID, "(agent_id_1 = ? OR agent_id_2 = ?)", f.AgentID, f.AgentID)
	l.between(f.Since, f.Until)
	return l
}
