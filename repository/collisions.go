package repository

// Collisions reads and writes the table collision_detection.
type Collisions struct{ h Handle }

// NewCollisions is Collisions over h.
func NewCollisions(h Handle) *Collisions { return &Collisions{h} }
