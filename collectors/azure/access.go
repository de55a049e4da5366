// Package azure reads Azure: subscriptions, and tenants with their Entra directory and management groups. One file per service;
// readers.go lists the readers, access.go holds credentials and the client that readers are given.
package azure

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions"
	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

//go:generate go run ./routegen

// Options say what to read and how. Exactly one of Subscription and Tenant is set.
type Options struct {
	Subscription string // id, a GUID
	Tenant       string // id, a GUID: the Entra directory and the management groups
	Name         string // what people call it
	Cloud        string // "public", "government" or "china"; empty means public
	// Credential replaces the ambient ones; Doer replaces the network. Both are for tests and simulated clouds.
	Credential azcore.TokenCredential
	Doer       transport.Doer
	Transport  transport.Options
	// QuotaShare is the part of each provider's known request rate to use; zero means half.
	QuotaShare float64
	// ResourceGraph takes the resources of many types from Azure Resource Graph: fewer calls, and what it has not heard of yet is
	// missing from their attributes. Subscriptions only.
	ResourceGraph bool
	// Reconcile holds the lists of a subscription against Azure Resource Graph.
	Reconcile bool
}

// endpoints are one cloud: Azure's own configuration, and where its Microsoft Graph is.
type endpoints struct {
	arm   cloud.Configuration
	graph string
}

// clouds are the clouds that can be read, by the name in Options.Cloud.
var clouds = map[string]endpoints{
	"public":     {cloud.AzurePublic, "https://graph.microsoft.com"},
	"government": {cloud.AzureGovernment, "https://graph.microsoft.us"},
	"china":      {cloud.AzureChina, "https://microsoftgraph.chinacloudapi.cn"},
}

// client is what readers are given: settings of the SDK bound to one subscription or tenant.
type client struct {
	credential   azcore.TokenCredential
	options      *arm.ClientOptions
	graph        *graphClient
	subscription string // id; "" for a tenant
	tenant       string // id
	described    armsubscriptions.Subscription
	providers    registered
	redactKey    []byte
	// resourceGraph is nil where it is not used.
	resourceGraph *resourceGraph
}

// Open proves that the credentials can see the subscription or tenant and returns everything there is to read in it. Its
// errors are posture.ErrSetup.
func Open(ctx context.Context, options Options) (collectors.Account, error) {
	if (options.Subscription == "") == (options.Tenant == "") {
		return collectors.Account{}, fmt.Errorf("%w: name one subscription or one tenant to read", posture.ErrSetup)
	}
	where, ok := clouds[cmp.Or(options.Cloud, "public")]
	if !ok {
		return collectors.Account{}, fmt.Errorf("%w: cloud %q: want public, government or china", posture.ErrSetup, options.Cloud)
	}
	base, credential, err := connect(options, where)
	if err != nil {
		return collectors.Account{}, err
	}
	principal, err := principalOf(ctx, credential, where)
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
		transportOptions.Rate = func(service string) rate.Limit { return rate.Limit(share * knownRate(service)) }
	}
	settings := policy.ClientOptions{
		Cloud:     where.arm,
		Transport: transport.New(base, wire{}, transportOptions),
		Retry:     policy.RetryOptions{MaxRetries: -1}, // the transport retries
	}
	c := &client{
		credential:   credential,
		options:      &arm.ClientOptions{ClientOptions: settings, DisableRPRegistration: true}, // registering a provider is a write
		subscription: strings.ToLower(options.Subscription), tenant: strings.ToLower(options.Tenant),
		redactKey: options.Transport.RedactKey,
	}
	if c.graph, err = newGraph(credential, where.graph, settings); err != nil {
		return collectors.Account{}, fmt.Errorf("%w: %v", posture.ErrSetup, err)
	}
	account := collectors.Account{
		Account:   posture.Account{Provider: "azure", Name: options.Name},
		Principal: principal,
		Types:     schema.Types(),
		Explain:   explain(operations),
	}
	ctx, _ = transport.WithCell(ctx) // or pages that run in a circle would do so for ever
	list := subscriptionReaders()
	if c.tenant != "" {
		list = tenantReaders()
		account.ID = "tenants/" + c.tenant
		if err := c.seeTenant(ctx); err != nil {
			return collectors.Account{}, err
		}
	} else {
		account.ID = c.subscription
		if err := c.seeSubscription(ctx, &account); err != nil {
			return collectors.Account{}, err
		}
		if options.ResourceGraph {
			c.resourceGraph = &resourceGraph{client: c}
		}
		if options.Reconcile {
			account.Second = c.secondSource()
		}
		account.ChangeEvents = c.changeEvents(account.Explain)
	}
	for _, r := range list {
		account.Tasks = append(account.Tasks, c.task(r))
	}
	return account, nil
}

// seeSubscription reads the subscription itself, which names its tenant, and which resource providers are registered.
func (c *client) seeSubscription(ctx context.Context, account *collectors.Account) error {
	api, err := armsubscriptions.NewClient(c.credential, c.options)
	if err != nil {
		return fmt.Errorf("%w: %v", posture.ErrSetup, err)
	}
	answer, err := api.Get(ctx, c.subscription, nil)
	if err != nil {
		return fmt.Errorf("%w: cannot see subscription %s: %s", posture.ErrSetup, c.subscription, firstLine(err))
	}
	c.described = answer.Subscription
	c.tenant = strings.ToLower(text(c.described.TenantID))
	if account.Name == "" {
		account.Name = text(c.described.DisplayName)
	}
	account.Ancestors = []posture.Account{{Provider: "azure", ID: "tenants/" + c.tenant}}
	c.providers = readRegistered(ctx, c)
	return nil
}

func (c *client) seeTenant(ctx context.Context) error {
	var answer struct {
		Value []struct {
			ID string `json:"id"`
		} `json:"value"`
	}
	if err := c.graph.get(ctx, "/v1.0/organization", organizationFields, &answer); err != nil {
		return fmt.Errorf("%w: cannot see tenant %s: %s", posture.ErrSetup, c.tenant, firstLine(err))
	}
	if len(answer.Value) != 1 || !strings.EqualFold(answer.Value[0].ID, c.tenant) {
		return fmt.Errorf("%w: the credentials belong to another tenant than %s", posture.ErrSetup, c.tenant)
	}
	return nil
}

// task binds a reader to the subscription or tenant. A provider that is not registered has no resources; where that could not
// be read, the provider itself is asked.
func (c *client) task(r reader) collectors.Task {
	task := collectors.Task{
		Region: posture.Global, Fills: r.Fills, Operations: r.Operations,
		Collect: func(ctx context.Context, emit collectors.Emit) error { return r.Collect(ctx, c, emit) },
	}
	if r.provider != "" && c.subscription != "" && c.providers.err == nil && !c.providers.on[strings.ToLower(r.provider)] {
		task.Skip = &collectors.Skip{State: posture.NotApplicable, Cause: posture.Cause{Code: "not registered: " + r.provider, Operation: "armresources.ProvidersClient.NewListPager"}}
	}
	return task
}

// connect returns what sends requests, and the credential that the SDK adds to them.
func connect(options Options, where endpoints) (transport.Doer, azcore.TokenCredential, error) {
	base := options.Doer
	if base == nil {
		base = &http.Client{}
	}
	credential := options.Credential
	if endpoint := os.Getenv("PLUMBLINE_AZURE_ENDPOINT"); endpoint != "" {
		override, err := url.Parse(endpoint)
		if err != nil || override.Host == "" {
			return nil, nil, fmt.Errorf("%w: PLUMBLINE_AZURE_ENDPOINT=%q: want an address such as http://127.0.0.1:8080", posture.ErrSetup, endpoint)
		}
		base = redirect{base, override}
		credential = nobody{}
	}
	switch {
	case credential != nil:
	case options.Doer != nil:
		credential = nobody{}
	default:
		found, err := azidentity.NewDefaultAzureCredential(&azidentity.DefaultAzureCredentialOptions{
			ClientOptions: policy.ClientOptions{Cloud: where.arm}, TenantID: options.Tenant,
		})
		if err != nil {
			return nil, nil, fmt.Errorf("%w: no usable Azure credentials: %s", posture.ErrSetup, firstLine(err))
		}
		credential = found
	}
	return base, credential, nil
}

// nobody is the credential for simulated clouds, which ask for none.
type nobody struct{}

func (nobody) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	return azcore.AccessToken{Token: "simulated"}, nil
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

// principalOf fetches a token, which proves that the credentials work, and reads in it who they speak for.
func principalOf(ctx context.Context, credential azcore.TokenCredential, where endpoints) (string, error) {
	token, err := credential.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{where.arm.Services[cloud.ResourceManager].Audience + "/.default"}})
	if err != nil {
		return "", fmt.Errorf("%w: no usable Azure credentials: %s", posture.ErrSetup, firstLine(err))
	}
	parts := strings.Split(token.Token, ".")
	if len(parts) != 3 {
		return "nobody", nil
	}
	var claims struct {
		UPN string `json:"upn"`
		App string `json:"appid"`
		OID string `json:"oid"`
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return "unnamed", nil
	}
	return cmp.Or(claims.UPN, "application "+claims.App+" ("+claims.OID+")"), nil
}

// knownRate is the number of read requests a second that a resource provider is known to take from one principal in one
// subscription. Resource Manager itself refills 25 a second.
func knownRate(service string) float64 {
	switch service {
	case "armresourcegraph":
		return 3 // 15 queries in 5 seconds
	case "armstorage", "armnetwork", "armcompute":
		return 12
	case "graph":
		return 20
	}
	return 20
}

// text is the string a pointer leads to, "" for none.
func text[S ~string](p *S) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

func firstLine(err error) string {
	var answered *azcore.ResponseError
	if errors.As(err, &answered) {
		return fmt.Sprintf("%d %s", answered.StatusCode, answered.ErrorCode)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
