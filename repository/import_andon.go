package repository

import (
	"encoding/json"
	"fmt"

	"github.com/seanchatmangpt/ggen/tier2/models"
)

// andons are the words of a record's andon: a light, or what version 1 calls it.
var andons = map[string]models.ReceiptStatus{
	"Green": models.ReceiptPassed, "Yellow": models.ReceiptPartial, "Red": models.ReceiptFailed,
	"Overridden": models.ReceiptPartial, "Halted": models.ReceiptFailed,
}

// standing is the status that a record's andon stands for and, unless it passed, why.
func (l logRecord) standing() (status models.ReceiptStatus, reason string) {
	status, detail := l.record.andon()
	epoch, ok := l.record.object("v2")
	if !ok {
		return status, detail
	}
	if light, _ := epoch.andon(); light != status {
		epoch.refuse("andon", string(epoch.values["andon"]), fmt.Sprintf("contradicts record.andon, which is %s", short(string(l.record.values["andon"]))))
	}
	switch status {
	case models.ReceiptPartial:
		reason = epoch.admission("Quarantined")
	case models.ReceiptFailed:
		reason = epoch.admission("Refused")
	}
	return status, first(reason, detail)
}

// andon reads "Green", or {"Halted": {...}} with its detail.
func (f document) andon() (status models.ReceiptStatus, detail string) {
	_, raw, ok := f.find([]string{"andon"})
	if !ok {
		f.refuse("andon", nil, "is missing")
		return "", ""
	}
	word, signal := "", document{}
	if raw[0] == '{' {
		signals, _ := f.object("andon")
		for _, word = range signals.names() {
			signal, _ = signals.object(word)
		}
		if len(signals.values) != 1 {
			word = ""
		}
	} else {
		word = f.text("andon")
	}
	if status, ok = andons[word]; !ok {
		f.refuse("andon", string(raw), "is not an allowed value", "Green", "Yellow", "Red", "Overridden", "Halted")
	}
	if _, raw, ok := signal.find([]string{"unmet"}); ok && string(raw) != "[]" {
		detail = "unmet: " + string(raw)
	}
	return status, first(signal.text("reason"), detail)
}

// admission names the first item of the ledger that was decided so, with its reason, and
// counts the others.
func (f document) admission(decision string) (reason string) {
	_, raw, ok := f.find([]string{"admission"})
	if !ok || string(raw) == `"LegacyUnrecorded"` {
		return ""
	}
	ledger, _ := f.object("admission")
	var items []struct {
		ID       string `json:"evidence_id"`
		Decision string `json:"decision"`
		Reason   string `json:"reason"`
	}
	_, raw, ok = ledger.find([]string{"Recorded"})
	if ok && json.Unmarshal(raw, &items) != nil {
		ledger.refuse("Recorded", string(raw), "must be a list of items with evidence_id, decision and reason")
	}
	more := -1
	for _, item := range items {
		if item.Decision != decision {
			continue
		}
		if more++; more == 0 {
			reason = item.ID + ": " + item.Reason
		}
	}
	if more > 0 {
		reason += fmt.Sprintf("; and %d more", more)
	}
	return reason
}
