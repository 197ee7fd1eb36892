package contract

import (
	"fmt"

	"github.com/stretchr/testify/require"

	"github.com/seanchatmangpt/ggen/tier2/hooks"
	"github.com/seanchatmangpt/ggen/tier2/models"
)

// ledgerRetained: retention may remove its own earlier entries; the newer entry covers what
// they recorded.
func ledgerRetained(t *T) {
	store := open(t)
	for i := range 5 {
		saved(t, store, fmt.Sprint(i))
	}
	for _, old := range []string{"id <= 2", "id = 3", "id <= 7", "id <= 8"} {
		verified(t, store)
		require.NoError(t, store.DB().WithContext(hooks.WithRetention(t.Context())).Where(old).Delete(&models.AuditEntry{}).Error)
		verified(t, store)
	}
}
