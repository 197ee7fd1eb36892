package tier2

import (
	"database/sql"

	"gorm.io/gorm"
)

// Pools are the connections of a store, for tests that look whether one is still in use.
func Pools(s *Store) (pools []*sql.DB) {
	for _, handle := range []*gorm.DB{s.handles.Write, s.handles.Read} {
		if pool, err := handle.DB(); err == nil {
			pools = append(pools, pool)
		}
	}
	return pools
}
