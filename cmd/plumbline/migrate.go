package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newMigrate(a *app) *cobra.Command {
	return &cobra.Command{
		Use:     "migrate",
		Short:   "Bring a database to this program's schema",
		Long:    "Applies the migrations that the database at --database-url lacks. The private database is migrated by itself.",
		Example: "  plumbline migrate --database-url postgres://owner@db.internal/plumbline",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if a.databaseURL == "" {
				return fmt.Errorf("%w: migrate needs --database-url or PLUMBLINE_DATABASE_URL", posture.ErrSetup)
			}
			applied, err := store.Migrate(c.Context(), a.databaseURL)
			if err != nil {
				return err
			}
			if len(applied) > 0 {
				if err := auditMigration(c.Context(), a.databaseURL, applied); err != nil {
					return err
				}
			}
			rows := [][]any{}
			for _, name := range applied {
				rows = append(rows, []any{name})
			}
			return a.show(append([]string{}, applied...), []string{"applied"}, rows)
		},
	}
}

// auditMigration tells of migrations in the log that they may just have made.
func auditMigration(ctx context.Context, url string, applied []string) error {
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer db.Close()
	return db.Audit(ctx, access.Entry{Actor: operator(), Action: access.SchemaMigrate, Object: "schema/" + applied[len(applied)-1], Reason: version})
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.show(map[string]string{"version": version}, []string{"version"}, [][]any{{version}})
		},
	}
}
