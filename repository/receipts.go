package repository

// Receipts reads and writes the table receipts.
type Receipts struct{ h Handle }

// NewReceipts is Receipts over h.
func NewReceipts(h Handle) *Receipts { return &Receipts{h} }
