package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newHealth(a *app) *cobra.Command {
	var address, file string
	var database bool
	var patience time.Duration
	c := &cobra.Command{
		Use: "health", Short: "Ask whether the service answers, for images without a shell",
		Long: `Exits with 0 when the service at --url answers that it is ready, and with 1 when it does not. A worker answers no requests:
with --database this connects to the database as a worker would, and looks whether its schema is this program's.`,
		Example: "  plumbline health\n  plumbline health --url http://127.0.0.1:9000/healthz\n  plumbline health --database --database-url postgres://plumbline@db/plumbline",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, cancel := context.WithTimeout(c.Context(), patience)
			defer cancel()
			var err error
			if database {
				err = a.databaseAnswers(ctx, file)
			} else {
				err = answers(ctx, address)
			}
			if err != nil {
				fmt.Fprintln(a.err, "plumbline: not healthy:", err)
				return exit(exitFound)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&address, "url", "http://127.0.0.1:8080/readyz", "`address` to ask")
	f.BoolVar(&database, "database", false, "ask the database instead")
	f.StringVar(&file, "config", os.Getenv("PLUMBLINE_CONFIG"), "settings `file` that names the database, also PLUMBLINE_CONFIG")
	f.DurationVar(&patience, "timeout", 5*time.Second, "how long to wait for an answer")
	return c
}

// answers asks an address; anything but a 2xx is an error.
func answers(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", address, response.Status)
	}
	return nil
}

// databaseAnswers opens the database that --database-url or the settings name.
func (a *app) databaseAnswers(ctx context.Context, file string) error {
	url := a.databaseURL
	if url == "" {
		settings, err := config.Load(file, os.Environ())
		if err != nil {
			return err
		}
		if url = string(settings.Database.URL); url == "" {
			return errors.New("neither --database-url nor the settings name a database")
		}
	}
	db, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	db.Close()
	return nil
}
