package backend

import (
	"strings"

	"github.com/seanchatmangpt/ggen/tier2/internal/refuse"
	"github.com/seanchatmangpt/ggen/tier2/internal/schema"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// CheckFailed returns the error for a row that the named CHECK constraint rejected.
func CheckFailed(constraint string) *models.Error {
	e := &models.Error{Constraint: constraint, Kind: models.ErrInvalid}
	for _, t := range schema.Tables() {
		if column, ok := strings.CutPrefix(constraint, "chk_"+t.Name+"_"); ok {
			e.Table, e.Column = t.Name, column
		}
	}
	e.Allowed = allowed[e.Table+"."+e.Column]
	switch {
	case e.Allowed != nil:
		e.Reason = "is not an allowed value"
	case strings.HasSuffix(e.Column, "_json"), e.Column == "collision_history":
		e.Reason = "is not valid JSON"
	case e.Column != "":
		e.Reason = "must not be negative"
	default:
		e.Reason = "a CHECK constraint refused the row"
	}
	return e
}

// allowed holds the values of the enum columns.
var allowed = map[string][]string{
	"receipts.operation":                 refuse.Strings(models.Operations()),
	"receipts.status":                    refuse.Strings(models.ReceiptStatuses()),
	"audit_log.status":                   refuse.Strings(models.AuditStatuses()),
	"workflow_sessions.status":           refuse.Strings(models.SessionStatuses()),
	"collision_detection.collision_type": refuse.Strings(models.CollisionTypes()),
	"collision_detection.severity":       refuse.Strings(models.Severities()),
	"pipeline_metrics.stage":             refuse.Strings(models.Stages()),
	"pipeline_metrics.status":            refuse.Strings(models.StageStatuses()),
	"slo_violations.severity":            refuse.Strings(models.ViolationSeverities()),
}
