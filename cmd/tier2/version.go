package main

import (
	"database/sql"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seanchatmangpt/ggen/tier2/internal/engine/sqlite"
)

// built is the result of version.
type built struct {
	Version string `json:"version"` // of the module; "(devel)" for a checkout
	Commit  string `json:"commit"`  // of the checkout; "" if unknown
	Go      string `json:"go"`
	System  string `json:"system"` // GOOS/GOARCH
	Driver  string `json:"sqlite_driver"`
	SQLite  string `json:"sqlite_version"`
	Schema  int    `json:"schema_version"` // of new databases; older ones are upgraded
}

func (a *app) version() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Show the versions of this program, of SQLite and of the schema",
		Long: `Shows the version of the module, Go's, the SQLite that is built in, and the
version of the schema. --db is not used.`,
		Example: "  tier2 version --json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			v := built{Version: "(devel)", Go: runtime.Version(), System: runtime.GOOS + "/" + runtime.GOARCH, Schema: sqlite.SchemaVersion}
			if info, ok := debug.ReadBuildInfo(); ok {
				v.Version = info.Main.Version
				for _, s := range info.Settings {
					if s.Key == "vcs.revision" {
						v.Commit = s.Value
					}
				}
			}
			v.Driver = sqlite.DriverModule
			db, err := sql.Open(sqlite.DriverName, ":memory:")
			if err != nil {
				return err
			}
			defer db.Close()
			if err := db.QueryRowContext(cmd.Context(), "SELECT sqlite_version()").Scan(&v.SQLite); err != nil {
				return err
			}
			return a.Print(v, "tier2 %s\n%s %s\nSQLite %s (%s)\nschema %d\n",
				strings.TrimSpace(v.Version+" "+v.Commit), v.Go, v.System, v.SQLite, v.Driver, v.Schema)
		},
	}
}
