package repository

// Reports answers the questions of the views.
type Reports struct{ h Handle }

// NewReports is Reports over h.
func NewReports(h Handle) *Reports { return &Reports{h} }
