package repository

import (
	"context"
	"math"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const sessionsTable = "workflow_sessions"

// Sessions reads and writes the table workflow_sessions.
type Sessions struct{ h handle }

// SessionFilter selects sessions. The zero value selects all.
type SessionFilter struct {
	Status       models.SessionStatus
	Since, Until time.Time // Since <= start_time < Until, UTC; a zero time is no bound
	Page
}

// Start writes a running session and sets its id and, if empty, session_id and start_time.
// Errors: models.ErrInvalid, also for a session that has ended; models.ErrDuplicate for a
// known session_id.
func (s *Sessions) Start(ctx context.Context, session *models.WorkflowSession) error {
	switch {
	case session == nil:
		return refuse.Invalid(sessionsTable, "", nil, "must not be nil")
	case session.Status != "" && session.Status != models.SessionRunning:
		err := refuse.Invalid(sessionsTable, "status", string(session.Status), "a session starts running")
		err.Allowed = []string{string(models.SessionRunning)}
		return err
	case session.EndTime != nil:
		return refuse.Invalid(sessionsTable, "end_time", *session.EndTime, "a session starts without an end")
	case session.TotalDurationMS != nil:
		return refuse.Invalid(sessionsTable, "total_duration_ms", *session.TotalDurationMS, "a session starts without a duration")
	}
	err := insert(ctx, s.h, session)
	return blame(err, models.ErrDuplicate, sessionsTable, "session_id", session.SessionID, "")
}

// Finish ends a running session with the status completed, sets end_time and
// total_duration_ms, and returns it. Errors: models.ErrInvalid for a blank id;
// models.ErrNotFound; models.ErrNotRunning if it has ended.
func (s *Sessions) Finish(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionCompleted)
}

// Fail ends a running session with the status failed. Errors: as Finish.
func (s *Sessions) Fail(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionFailed)
}

// Cancel ends a running session with the status cancelled. Errors: as Finish.
func (s *Sessions) Cancel(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionCancelled)
}

func (s *Sessions) end(ctx context.Context, sessionID string, status models.SessionStatus) (*models.WorkflowSession, error) {
	if err := refuse.Blank(sessionsTable, "session_id", sessionID); err != nil {
		return nil, err
	}
	var session *models.WorkflowSession
	err := s.h.transaction(ctx, func(tx *gorm.DB) (err error) {
		locked := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate})
		if session, err = take[models.WorkflowSession](locked, sessionsTable, "session_id", sessionID); err != nil {
			return err
		}
		if session.Status != models.SessionRunning {
			return failure(models.ErrNotRunning, sessionsTable, "session_id", sessionID,
				"the session is "+string(session.Status)+", only a running one can end")
		}
		end := s.h.now()
		if end.Before(session.StartTime) { // the start is in the future, or the clock was set back
			end = session.StartTime
		}
		duration := end.Sub(session.StartTime).Milliseconds()
		session.Status, session.EndTime, session.TotalDurationMS = status, &end, &duration
		return tx.Model(&models.WorkflowSession{}).Where("id = ?", session.ID).Updates(map[string]any{
			"status": status, "end_time": end, "total_duration_ms": duration,
		}).Error
	})
	if err != nil {
		return nil, err
	}
	return session, nil
}

// AddOutcome adds to the counters of successful and failed operations of a session. The
// session may have ended, since an execution can outlive it. Errors: models.ErrInvalid for
// a blank id, a negative number or a sum above the largest int64; models.ErrNotFound.
func (s *Sessions) AddOutcome(ctx context.Context, sessionID string, succeeded, failed int64) error {
	if err := refuse.Blank(sessionsTable, "session_id", sessionID); err != nil {
		return err
	}
	if succeeded < 0 {
		return refuse.Invalid(sessionsTable, "successful_operations", succeeded, "must not be negative")
	}
	if failed < 0 {
		return refuse.Invalid(sessionsTable, "failed_operations", failed, "must not be negative")
	}
	n, err := s.h.affected(ctx, func(db *gorm.DB) *gorm.DB {
		return db.Model(&models.WorkflowSession{}).
			Where("session_id = ? AND COALESCE(successful_operations, 0) <= ? AND COALESCE(failed_operations, 0) <= ?",
				sessionID, math.MaxInt64-succeeded, math.MaxInt64-failed).
			Updates(map[string]any{
				"successful_operations": gorm.Expr("COALESCE(successful_operations, 0) + ?", succeeded),
				"failed_operations":     gorm.Expr("COALESCE(failed_operations, 0) + ?", failed),
			})
	})
	if err != nil || n > 0 {
		return err
	}
	if _, err := s.Get(ctx, sessionID); err != nil {
		return err
	}
	return refuse.Invalid(sessionsTable, "successful_operations, failed_operations", nil, "the sum would be beyond int64")
}

// Get returns a session. Errors: models.ErrInvalid for a blank id; models.ErrNotFound.
func (s *Sessions) Get(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return take[models.WorkflowSession](s.h.read(ctx), sessionsTable, "session_id", sessionID)
}

// Active returns every running session, the last started first.
func (s *Sessions) Active(ctx context.Context) ([]models.WorkflowSession, error) {
	return find[models.WorkflowSession](s.h.read(ctx).Where("status = ?", models.SessionRunning).Order("start_time DESC, id DESC"))
}

// List returns one page of the selected sessions, the last started first, and the cursor of
// the next page. Errors: models.ErrInvalid for an invalid filter or page.
func (s *Sessions) List(ctx context.Context, f SessionFilter) ([]models.WorkflowSession, string, error) {
	l := s.h.list(ctx, &models.WorkflowSession{}, "start_time")
	oneOf(&l, "status", f.Status, models.SessionStatuses())
	l.between(f.Since, f.Until)
	return fetch[models.WorkflowSession](l, f.Page)
}
