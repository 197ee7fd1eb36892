package repository

// Memory reads and writes the table agent_memory.
type Memory struct{ h Handle }

// NewMemory is Memory over h.
func NewMemory(h Handle) *Memory { return &Memory{h} }
