package hooks

import (
	"fmt"

	"gorm.io/gorm"
)

// guardCallbacks makes a panic in what GORM runs around a write, such as a model's own
// BeforeCreate, an error of that write. GORM does not recover: a caller who does would
// go on with the default transaction open, and on one connection wait for ever.
func guardCallbacks(db *gorm.DB) error {
	cb := db.Callback()
	for _, step := range []struct {
		get     func(string) func(*gorm.DB)
		replace func(string, func(*gorm.DB)) error
		names   []string
	}{
		{cb.Create().Get, cb.Create().Replace, []string{
			"before_create", "save_before_associations", "save_after_associations", "after_create"}},
		{cb.Update().Get, cb.Update().Replace, []string{
			"before_update", "save_before_associations", "save_after_associations", "after_update"}},
		{cb.Delete().Get, cb.Delete().Replace, []string{
			"before_delete", "delete_before_associations", "after_delete"}},
	} {
		for _, name := range step.names {
			next := step.get("gorm:" + name)
			if next == nil {
				continue
			}
			if err := step.replace("gorm:"+name, guarded(name, next)); err != nil {
				return err
			}
		}
	}
	return nil
}

func guarded(name string, next func(*gorm.DB)) func(*gorm.DB) {
	return func(db *gorm.DB) {
		if !isOurs(tableOf(db.Statement)) {
			next(db)
			return
		}
		defer func() {
			if r := recover(); r != nil {
				_ = db.AddError(fmt.Errorf("tier2 hooks: panic in %s of %s: %v", name, tableOf(db.Statement), r))
			}
		}()
		next(db)
	}
}
