package repository

// Metrics reads and writes the table pipeline_metrics.
type Metrics struct{ h Handle }

// NewMetrics is Metrics over h.
func NewMetrics(h Handle) *Metrics { return &Metrics{h} }
