package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/job"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/signin"
	"github.com/plumbline-dev/plumbline/pkg/store"
	"github.com/plumbline-dev/plumbline/pkg/web"
	"github.com/plumbline-dev/plumbline/pkg/web/pages"
)

// handler answers the service's requests at address. While nobody is an administrator, it prints the link that makes the first one.
func (a *app) handler(ctx context.Context, db *store.Store, jobs *job.Service, current *atomic.Pointer[inForce], address string, log *slog.Logger) (http.Handler, error) {
	settings := current.Load().settings
	door, err := signin.New(signin.Options{
		URL: cmp.Or(settings.Server.URL, "http://"+address), OIDC: settings.SignIn.OIDC, Lifetime: settings.SignIn.SessionTTL,
		Store: db, Sessions: db.Sessions(), Log: log, Now: db.Clock,
	})
	if err != nil {
		return nil, err
	}
	link, err := door.FirstAdminLink(ctx)
	if err != nil {
		return nil, err
	}
	if link != "" {
		fmt.Fprintf(a.err, "There is no administrator yet. This link makes the first one; it works once:\n  %s\n", link)
	}
	set := func() *rule.Set { return current.Load().set }
	site, err := pages.New(pages.Options{Store: db, Set: set, Signin: door, Log: log, Alerts: func() *alert.Dispatcher { return current.Load().alerts }})
	if err != nil {
		return nil, err
	}
	return web.New(web.Options{
		Store: db, Signin: door, Pages: site.Routes, Log: log, Version: version, Trigger: jobs.Trigger, Cancel: jobs.Cancel,
		Set:      set,
		Settings: func() *config.Config { return current.Load().settings },
		Alerts:   func() *alert.Dispatcher { return current.Load().alerts },
	}), nil
}

// newHTTPServer bounds how long a stranger may keep a connection.
func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 2 * time.Minute, WriteTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}
