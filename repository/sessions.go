package repository

import (
	"context"
	"errors"
	"math"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

const sessionsTable = "workflow_sessions"

// Sessions reads and writes the table workflow_sessions.
type Sessions struct{ h Handle }

// SessionFilter chooses sessions; the zero value is all of them.
type SessionFilter struct {
	Status       models.SessionStatus
	Since, Until time.Time // Since <= start_time < Until, UTC; a zero time is no bound
	Page
}

// Start writes a running session and fills its id, session_id and start_time.
// Errors: models.ErrInvalid, also for a session that says it ended; models.ErrDuplicate.
func (s *Sessions) Start(ctx context.Context, session *models.WorkflowSession) error {
	switch {
	case session == nil:
		return invalid(sessionsTable, "", nil, "must not be nil")
	case session.Status != "" && session.Status != models.SessionRunning:
		return &models.Error{
			Table: sessionsTable, Column: "status", Value: string(session.Status), Kind: models.ErrInvalid,
			Reason: "a session starts running", Allowed: []string{string(models.SessionRunning)},
		}
	case session.EndTime != nil:
		return invalid(sessionsTable, "end_time", *session.EndTime, "a session starts without an end")
	case session.TotalDurationMS != nil:
		return invalid(sessionsTable, "total_duration_ms", *session.TotalDurationMS, "a session starts without a duration")
	}
	schema.Prepare(session, s.h.now())
	err := insert(ctx, s.h, session)
	return blame(err, models.ErrDuplicate, sessionsTable, "session_id", session.SessionID, "")
}

// Finish ends a running session as completed, with end_time and total_duration_ms,
// and returns it. Errors: models.ErrInvalid for a blank id, models.ErrNotFound, models.ErrNotRunning.
func (s *Sessions) Finish(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionCompleted)
}

// Fail is Finish with the status failed.
func (s *Sessions) Fail(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionFailed)
}

// Cancel is Finish with the status cancelled.
func (s *Sessions) Cancel(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	return s.end(ctx, sessionID, models.SessionCancelled)
}

func (s *Sessions) end(ctx context.Context, sessionID string, status models.SessionStatus) (*models.WorkflowSession, error) {
	if err := required(sessionsTable, "session_id", sessionID); err != nil {
		return nil, err
	}
	var session models.WorkflowSession
	err := s.h.transaction(ctx, func(tx *gorm.DB) error {
		session = models.WorkflowSession{}
		err := tx.Clauses(clause.Locking{Strength: clause.LockingStrengthUpdate}).Where("session_id = ?", sessionID).Take(&session).Error
		if err != nil {
			return found(err, sessionsTable, "session_id", sessionID)
		}
		if session.Status != models.SessionRunning {
			return &models.Error{
				Table: sessionsTable, Column: "session_id", Value: sessionID, Kind: models.ErrNotRunning,
				Reason: "the session is " + string(session.Status) + ", only a running one can end",
			}
		}
		end := s.h.now()
		if end.Before(session.StartTime) { // a start in the future, or a clock that was set back
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
	return &session, nil
}

// AddOutcome adds to the counters of a session, also of one that has ended, for an
// execution that outlived it. Errors: models.ErrInvalid for a blank id, a negative number
// or a sum beyond int64, models.ErrNotFound.
func (s *Sessions) AddOutcome(ctx context.Context, sessionID string, succeeded, failed int64) error {
	if err := required(sessionsTable, "session_id", sessionID); err != nil {
		return err
	}
	if succeeded < 0 {
		return invalid(sessionsTable, "successful_operations", succeeded, "must not be negative")
	}
	if failed < 0 {
		return invalid(sessionsTable, "failed_operations", failed, "must not be negative")
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
	return invalid(sessionsTable, "successful_operations, failed_operations", nil, "the sum would be beyond int64")
}

// Get is a session. Errors: models.ErrInvalid for a blank id, models.ErrNotFound.
func (s *Sessions) Get(ctx context.Context, sessionID string) (*models.WorkflowSession, error) {
	if err := required(sessionsTable, "session_id", sessionID); err != nil {
		return nil, err
	}
	var session models.WorkflowSession
	if err := s.h.read(ctx).Where("session_id = ?", sessionID).Take(&session).Error; err != nil {
		return nil, found(err, sessionsTable, "session_id", sessionID)
	}
	return &session, nil
}

// Active is every running session, the last started first.
func (s *Sessions) Active(ctx context.Context) ([]models.WorkflowSession, error) {
	sessions := []models.WorkflowSession{}
	err := s.h.read(ctx).Where("status = ?", models.SessionRunning).Order("start_time DESC, id DESC").Find(&sessions).Error
	return sessions, err
}

// List is one page of the sessions that f chooses, the last started first, and the
// cursor of the next page. Errors: models.ErrInvalid for a filter or page that cannot be.
func (s *Sessions) List(ctx context.Context, f SessionFilter) ([]models.WorkflowSession, string, error) {
	q := equal(s.h.read(ctx).Model(&models.WorkflowSession{}), "status", string(f.Status))
	q, window := between(q, sessionsTable, "start_time", f.Since, f.Until)
	if err := errors.Join(known(sessionsTable, "status", f.Status, models.SessionStatuses()), window); err != nil {
		return nil, "", err
	}
	return fetch[models.WorkflowSession](list{db: q, table: sessionsTable, column: "start_time"}, f.Page)
}
