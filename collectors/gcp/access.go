// Package gcp reads Google Cloud: projects, and organizations with their folders. One file per service; readers.go lists the
// readers, access.go holds credentials and the client that readers are given.
package gcp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"cloud.google.com/go/auth"
	"golang.org/x/time/rate"
	crmv1 "google.golang.org/api/cloudresourcemanager/v1"
	crm "google.golang.org/api/cloudresourcemanager/v3"
	"google.golang.org/api/option"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

//go:generate go run ./routegen

// Options say what to read and how. Exactly one of Project and Organization is set.
type Options struct {
	Project      string // project id: "acme-production"
	Organization string // number: "123456789012", or "organizations/123456789012"
	Name         string // what people call it
	// QuotaProject pays for and counts the calls of APIs that belong to the caller, such as Cloud Asset; empty means the one of
	// the credentials.
	QuotaProject string
	// AssetInventory takes the policies of a project's resources, and the locations in use, from Cloud Asset Inventory: far fewer
	// calls, whose answers are minutes behind.
	AssetInventory bool
	// Reconcile holds the lists of a project against Cloud Asset Inventory.
	Reconcile bool
	// DiscoveryLocations are where an organization keeps configurations of sensitive data discovery, beside "global".
	DiscoveryLocations []string
	// Impersonate is the e-mail of a service account to act as.
	Impersonate string
	// Credentials replaces Application Default Credentials; Doer replaces the network. Both are for tests and simulated clouds.
	Credentials *auth.Credentials
	Doer        transport.Doer
	Transport   transport.Options
	// QuotaShare is the part of each service's published request rate to use; zero means half.
	QuotaShare float64
}

// client is what readers are given: API options bound to one project or organization.
type client struct {
	options      []option.ClientOption
	node         string // "projects/acme-production" or "organizations/123": the parent of what is read
	project      string // id; "" for an organization
	number       string // the project's number
	organization string // "organizations/123"; "" for a project
	described    *crm.Project
	ancestry     []string // of the project: "folders/7", "organizations/123", nearest first
	ancestryErr  error
	services     enabled
	inventory    *inventory // nil: not used
	redactKey    []byte
	discovery    []string // locations, "global" first
}

// Open proves that the credentials can see the project or organization and returns everything there is to read in it. Its
// errors are posture.ErrSetup.
func Open(ctx context.Context, options Options) (collectors.Account, error) {
	if (options.Project == "") == (options.Organization == "") {
		return collectors.Account{}, fmt.Errorf("%w: name one project or one organization to read", posture.ErrSetup)
	}
	base, principal, err := connect(ctx, options)
	if err != nil {
		return collectors.Account{}, err
	}
	operations := map[string]collectors.Operation{}
	transportOptions := options.Transport
	for _, op := range append(Operations(), ChangeLogOperations()...) {
		operations[op.Name] = op
		transportOptions.Operations = append(transportOptions.Operations, op)
	}
	if transportOptions.Rate == nil {
		share := options.QuotaShare
		if share == 0 {
			share = 0.5
		}
		transportOptions.Rate = func(service string) rate.Limit { return rate.Limit(share * publishedRate(service)) }
	}
	httpClient := &http.Client{Transport: answers{transport.New(base, wire{}, transportOptions)}}
	c := &client{options: []option.ClientOption{option.WithHTTPClient(httpClient)}, redactKey: options.Transport.RedactKey}
	c.discovery = append([]string{"global"}, options.DiscoveryLocations...)
	account := collectors.Account{
		Account:   posture.Account{Provider: "gcp", Name: options.Name},
		Principal: principal,
		Types:     schema.Types(),
		Explain:   explain(operations),
	}
	ctx, _ = transport.WithCell(ctx) // or pages that run in a circle would do so for ever
	list := projectReaders()
	if options.Organization != "" {
		list = organizationReaders()
		c.organization = "organizations/" + strings.TrimPrefix(options.Organization, "organizations/")
		c.node, account.ID = c.organization, c.organization
		if err := c.seeOrganization(ctx); err != nil {
			return collectors.Account{}, err
		}
	} else {
		c.node, c.project, account.ID = "projects/"+options.Project, options.Project, options.Project
		if err := c.seeProject(ctx, &account); err != nil {
			return collectors.Account{}, err
		}
		if options.AssetInventory {
			c.inventory = &inventory{client: c}
		}
		if options.Reconcile {
			account.Second = c.secondSource()
		}
	}
	for _, r := range list {
		account.Tasks = append(account.Tasks, c.task(r, account.Explain))
	}
	account.ChangeEvents = c.changeEvents(account.Explain)
	return account, nil
}

// seeProject reads the project itself, what lies above it, and which services are switched on.
func (c *client) seeProject(ctx context.Context, account *collectors.Account) error {
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return fmt.Errorf("%w: %v", posture.ErrSetup, err)
	}
	if c.described, err = api.Projects.Get(c.node).Context(ctx).Do(); err != nil {
		return fmt.Errorf("%w: cannot see project %s: %s", posture.ErrSetup, c.project, firstLine(err))
	}
	c.number = strings.TrimPrefix(c.described.Name, "projects/")
	if account.Name == "" {
		account.Name = c.described.DisplayName
	}
	older, err := crmv1.NewService(ctx, c.options...)
	if err != nil {
		return fmt.Errorf("%w: %v", posture.ErrSetup, err)
	}
	ancestry, err := older.Projects.GetAncestry(c.project, &crmv1.GetAncestryRequest{}).Context(ctx).Do()
	if err != nil {
		c.ancestryErr = fmt.Errorf("read ancestry: %w", err)
		cause := account.Explain(err)
		account.AncestorsUnread = &cause
	} else {
		for _, a := range ancestry.Ancestor {
			if a.ResourceId == nil || a.ResourceId.Type == "project" {
				continue
			}
			name := a.ResourceId.Type + "s/" + a.ResourceId.Id
			c.ancestry = append(c.ancestry, name)
			if a.ResourceId.Type == "organization" {
				account.Ancestors = append(account.Ancestors, posture.Account{Provider: "gcp", ID: name})
			}
		}
	}
	c.services = readEnabled(ctx, c)
	return nil
}

func (c *client) seeOrganization(ctx context.Context) error {
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return fmt.Errorf("%w: %v", posture.ErrSetup, err)
	}
	if _, err := api.Organizations.Get(c.organization).Context(ctx).Do(); err != nil {
		return fmt.Errorf("%w: cannot see %s: %s", posture.ErrSetup, c.organization, firstLine(err))
	}
	return nil
}

// task binds a reader to the project or organization. A service that is switched off has nothing to read; where the list of
// services could not be read, the service itself is asked.
func (c *client) task(r reader, explain func(error) posture.Cause) collectors.Task {
	region := posture.Global
	if r.Scope == collectors.Located {
		region = posture.Everywhere
	}
	task := collectors.Task{
		Region: region, Fills: r.Fills, Operations: r.Operations,
		Collect: func(ctx context.Context, emit collectors.Emit) error { return r.Collect(ctx, c, emit) },
	}
	if r.api != "" && c.project != "" && c.services.err == nil && !c.services.on[r.api] {
		task.Skip = &collectors.Skip{State: posture.NotApplicable, Cause: posture.Cause{Code: "api-not-enabled " + r.api, Operation: "serviceusage.services.list"}}
	}
	return task
}

// connect returns what sends requests with credentials, and who they speak for.
func connect(ctx context.Context, options Options) (transport.Doer, string, error) {
	base := options.Doer
	if base == nil {
		base = &http.Client{}
	}
	endpoint := os.Getenv("PLUMBLINE_GCP_ENDPOINT")
	if endpoint != "" {
		override, err := url.Parse(endpoint)
		if err != nil || override.Host == "" {
			return nil, "", fmt.Errorf("%w: PLUMBLINE_GCP_ENDPOINT=%q: want an address such as http://127.0.0.1:8080", posture.ErrSetup, endpoint)
		}
		base = redirect{base, override}
	}
	if options.Credentials == nil && (endpoint != "" || options.Doer != nil) {
		return base, "nobody (" + endpoint + ")", nil // a simulated cloud asks for no credentials
	}
	return authorize(ctx, base, options)
}

// redirect sends every request to one address, with the host it was meant for in the Host header.
type redirect struct {
	base transport.Doer
	to   *url.URL
}

func (r redirect) Do(req *http.Request) (*http.Response, error) {
	sent := req.Clone(req.Context())
	sent.Host = req.URL.Host
	sent.URL.Scheme, sent.URL.Host = r.to.Scheme, r.to.Host
	resp, err := r.base.Do(sent)
	if resp != nil {
		resp.Request = req
	}
	return resp, err
}

// publishedRate is the number of requests a second that Google documents as the default quota of a service in one project.
// Services not listed allow at least 600 a minute.
func publishedRate(service string) float64 {
	switch service {
	case "compute":
		return 25 // 1,500 read requests a minute
	case "storage", "bigquery":
		return 50
	case "logging", "monitoring":
		return 2 // logging allows 120 configuration reads a minute
	case "cloudasset":
		return 1.5 // 100 requests a minute in a project
	}
	return 10
}

func firstLine(err error) string {
	var sent *url.Error
	if errors.As(err, &sent) { // the address adds nothing
		err = sent.Err
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
