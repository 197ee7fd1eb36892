package tier2_test

import (
	"github.com/seanchatmangpt/ggen/tier2/internal/contract"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

var entries, counts, activity = contract.Entries, contract.Counts, contract.Activity

func newReceipt(id string) *models.Receipt {
	return &models.Receipt{ExecutionID: id, AgentID: "coder", Operation: models.OperationGeneration, Status: models.ReceiptPassed, DurationMS: 20}
}
