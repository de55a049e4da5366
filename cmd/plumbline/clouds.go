package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/job"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// clouds reads the accounts that the configuration's connections name.
type clouds struct {
	db        *store.Store
	settings  func() *config.Config
	set       func() *rule.Set
	transport transport.Options
	log       *slog.Logger
}

// Targets lists what a connection names. The AWS account behind ambient credentials is asked for its number.
func (c *clouds) Targets(ctx context.Context, connection config.Connection) ([]job.Target, error) {
	var out []job.Target
	switch {
	case connection.AWS != nil && connection.AWS.Organization != "":
		out = append(out, job.Target{Account: "aws:" + connection.AWS.Organization, Members: len(connection.AWS.Accounts) == 0})
		for _, id := range connection.AWS.Accounts {
			out = append(out, job.Target{Account: "aws:" + id})
		}
	case connection.AWS != nil && len(connection.AWS.Accounts) == 0:
		account, err := c.open(connection, "")(ctx, c.transport)
		if err != nil {
			return nil, err
		}
		out = append(out, job.Target{Account: account.Account.String()})
	case connection.AWS != nil:
		for _, id := range connection.AWS.Accounts {
			out = append(out, job.Target{Account: "aws:" + id})
		}
	case connection.GCP != nil:
		if id := connection.GCP.Organization; id != "" {
			out = append(out, job.Target{Account: "gcp:organizations/" + strings.TrimPrefix(id, "organizations/"), Members: len(connection.GCP.Projects) == 0})
		}
		for _, id := range connection.GCP.Projects {
			out = append(out, job.Target{Account: "gcp:" + id})
		}
	case connection.Azure != nil:
		if id := connection.Azure.Tenant; id != "" {
			out = append(out, job.Target{Account: "azure:tenants/" + id, Members: len(connection.Azure.Subscriptions) == 0})
		}
		for _, id := range connection.Azure.Subscriptions {
			out = append(out, job.Target{Account: "azure:" + id})
		}
	}
	return out, nil
}

// Members lists what the snapshot of an organization or tenant holds below it.
func (c *clouds) Members(ctx context.Context, organization posture.Snapshot) ([]job.Target, error) {
	members, err := membersOf(ctx, c.db, organization)
	if err != nil {
		return nil, err
	}
	var out []job.Target
	for _, m := range members {
		out = append(out, job.Target{Account: organization.Account.Provider + ":" + m.ID, Skip: m.Skipped})
	}
	return out, nil
}

// Scanner reads one account of a connection.
func (c *clouds) Scanner(_ context.Context, connection config.Connection, account string) (*scan.Scanner, error) {
	provider, id, ok := strings.Cut(account, ":")
	if !ok {
		return nil, fmt.Errorf("%w: account %q: want provider:id", posture.ErrInvalid, account)
	}
	scanner := newScanner(c.set(), c.db, provider, c.open(connection, id), c.transport, connection.Trusted)
	off := map[string]bool{}
	for _, o := range c.settings().Rules.Off {
		off[o.Rule] = true
	}
	var programs []*rule.Program
	for _, p := range scanner.Judge.Programs {
		if !off[p.ID] {
			programs = append(programs, p)
		}
	}
	scanner.Judge.Programs, scanner.Log = programs, c.log
	return scanner, nil
}

// open leads to one account of a connection; id "" is the account of the ambient AWS credentials.
func (c *clouds) open(connection config.Connection, id string) open {
	share := cmp.Or(connection.QuotaShare, c.settings().Worker.QuotaShare)
	switch {
	case connection.AWS != nil:
		a := connection.AWS
		options := aws.Options{ExternalID: a.ExternalID, Regions: a.Regions, QuotaShare: share}
		if id != "" && a.Role != "" && id != a.Organization {
			options.RoleARN = roleIn(a.Partition, id, a.Role)
		}
		return openAWS(options)
	case connection.GCP != nil:
		g := connection.GCP
		options := gcp.Options{Impersonate: g.Impersonate, QuotaProject: g.QuotaProject, AssetInventory: g.AssetInventory, Reconcile: connection.Reconcile, QuotaShare: share}
		if strings.HasPrefix(id, "organizations/") {
			options.Organization = id
		} else {
			options.Project = id
		}
		return openGCP(options)
	}
	options := azure.Options{Cloud: connection.Azure.Cloud, ResourceGraph: connection.Azure.ResourceGraph, Reconcile: connection.Reconcile, QuotaShare: share}
	if tenant, ok := strings.CutPrefix(id, "tenants/"); ok {
		options.Tenant = tenant
	} else {
		options.Subscription = id
	}
	return openAzure(options)
}
