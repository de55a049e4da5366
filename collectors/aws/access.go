// Package aws reads AWS accounts: one file per service, readers.go lists the readers, access.go holds credentials, regions
// and the client that readers are given.
package aws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Options say which account to read and how.
type Options struct {
	// Config is used as it is when its Credentials are set; otherwise the ambient settings are loaded: environment, shared
	// files, web identity, instance role, and AWS_ENDPOINT_URL.
	Config sdk.Config
	// Doer replaces the network, and credentials with it.
	Doer       transport.Doer
	Region     string   // where the account is asked who it is; empty: that of the settings
	Name       string   // what people call the account
	RoleARN    string   // role to assume, if any
	ExternalID string   // for RoleARN
	Regions    []string // read only these; none means every enabled region
	Transport  transport.Options
	// QuotaShare is the part of each service's published request rate to use; zero means half.
	QuotaShare float64
}

// client is what readers are given: SDK settings bound to one region of the account.
type client struct {
	config    sdk.Config
	account   string
	partition string
	region    string
	regions   []string // every region that is read, sorted
	redactKey []byte
	identity  *sts.GetCallerIdentityOutput
	opened    *openedRegions
	sleep     func(context.Context, time.Duration) error // waits on the transport's clock
}

// in returns the same client for another region.
func (c *client) in(region string) *client {
	other := *c
	other.region = region
	other.config.Region = region
	return &other
}

// arn builds the ARN of a resource of this account and region.
func (c *client) arn(service, resource string) string {
	return arn.ARN{Partition: c.partition, Service: service, Region: c.region, AccountID: c.account, Resource: resource}.String()
}

// Open proves which account the credentials read, finds its regions and returns everything there is to read. Its errors
// are posture.ErrSetup: without credentials, region or identity nothing can be read.
func Open(ctx context.Context, options Options) (collectors.Account, error) {
	base := options.Config
	if base.Credentials == nil {
		var how []func(*config.LoadOptions) error
		if options.Doer != nil {
			how = append(how, config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider("nobody", "nobody", "")))
		}
		if options.Region != "" {
			how = append(how, config.WithRegion(options.Region))
		}
		loaded, err := config.LoadDefaultConfig(ctx, how...)
		if err != nil {
			return collectors.Account{}, fmt.Errorf("%w: AWS settings: %v", posture.ErrSetup, err)
		}
		if base = loaded; options.Doer != nil {
			base.HTTPClient = options.Doer
		}
	}
	if base.Region == "" && len(options.Regions) > 0 {
		base.Region = options.Regions[0]
	}
	if base.Region == "" {
		return collectors.Account{}, fmt.Errorf("%w: no AWS region: set AWS_REGION or pass --regions", posture.ErrSetup)
	}
	base.HTTPClient = dialOverride(base.HTTPClient)
	if options.RoleARN != "" {
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(base), options.RoleARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "plumbline"
			if options.ExternalID != "" {
				o.ExternalID = &options.ExternalID
			}
		})
		base.Credentials = sdk.NewCredentialsCache(provider)
	}
	if _, err := base.Credentials.Retrieve(ctx); err != nil {
		return collectors.Account{}, fmt.Errorf("%w: no usable AWS credentials: %s", posture.ErrSetup, firstLine(err))
	}

	readers := readers()
	operations := map[string]collectors.Operation{}
	transportOptions := options.Transport
	for _, r := range readers {
		for _, op := range r.Operations {
			operations[op.Name] = op
		}
		transportOptions.Operations = append(transportOptions.Operations, r.Operations...)
	}
	for _, op := range ChangeLogOperations() {
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
	base.HTTPClient = transport.New(base.HTTPClient, wire{}, transportOptions)
	base.Retryer = func() sdk.Retryer { return &refresh{credentials: base.Credentials} }

	c := &client{config: base, region: base.Region, redactKey: options.Transport.RedactKey, sleep: transport.SystemClock{}.Sleep}
	if options.Transport.Clock != nil {
		c.sleep = options.Transport.Clock.Sleep
	}
	identity, err := sts.NewFromConfig(base).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return collectors.Account{}, fmt.Errorf("%w: AWS does not accept the credentials: %s", posture.ErrSetup, firstLine(err))
	}
	c.identity, c.account = identity, sdk.ToString(identity.Account)
	if a, err := arn.Parse(sdk.ToString(identity.Arn)); err == nil {
		c.partition = a.Partition
	}
	if c.account == "" || c.partition == "" {
		return collectors.Account{}, fmt.Errorf("%w: AWS names no account for these credentials (%s)", posture.ErrSetup, sdk.ToString(identity.Arn))
	}
	c.opened = openRegions(ctx, c)
	c.regions = c.opened.scanned(base.Region, options.Regions)

	account := collectors.Account{
		Account:   posture.Account{Provider: "aws", ID: c.account, Name: options.Name},
		Principal: sdk.ToString(identity.Arn),
		Types:     schema.Types(),
		Explain:   explain(operations),
	}
	account.ChangeEvents = c.changeEvents(account.Explain)
	for _, r := range readers {
		account.Tasks = append(account.Tasks, tasks(c, r, account.Explain)...)
	}
	return account, nil
}

// tasks binds a reader to the account or to each of its regions. Regions that the account has not opted in to are not
// applicable; when the list of regions could not be read, the regions nobody knows of are one unread cell, "*".
func tasks(c *client, r collectors.Reader[*client], explain func(error) posture.Cause) []collectors.Task {
	bind := func(region string, c *client) collectors.Task {
		return collectors.Task{
			Region: region, Fills: r.Fills, Operations: r.Operations,
			Collect: func(ctx context.Context, emit collectors.Emit) error { return r.Collect(ctx, c, emit) },
		}
	}
	if r.Scope == collectors.Global {
		return []collectors.Task{bind(posture.Global, c)}
	}
	var out []collectors.Task
	for _, region := range c.regions {
		out = append(out, bind(region, c.in(region)))
	}
	for _, region := range c.opened.closed() {
		task := bind(region, c)
		task.Skip = &collectors.Skip{State: posture.NotApplicable, Cause: posture.Cause{Code: "not-opted-in", Operation: c.opened.told}}
		out = append(out, task)
	}
	if err := c.opened.err; err != nil {
		task, cause := bind("*", c), explain(err)
		state := posture.Failed
		if cause.Reason == posture.ReasonDenied {
			state = posture.Denied
		}
		task.Skip = &collectors.Skip{State: state, Cause: cause}
		out = append(out, task)
	}
	return out
}

// pages reads a list to its end; a page that fails ends it with an error. Pages that run in a circle are the transport's
// to notice, since the SDK's paginators would go round for ever or stop in silence.
func pages[O, R any](ctx context.Context, list interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*O)) (R, error)
}, each func(R) error) error {
	for list.HasMorePages() {
		page, err := list.NextPage(ctx)
		if err != nil {
			return err
		}
		if err := each(page); err != nil {
			return err
		}
	}
	return nil
}

// refresh is the SDK's retryer: the transport does the retrying; here only expired credentials are fetched anew, once.
type refresh struct{ credentials sdk.CredentialsProvider }

func (r *refresh) IsErrorRetryable(err error) bool {
	if !hasCode(err, "ExpiredToken", "ExpiredTokenException", "RequestExpired") {
		return false
	}
	if cache, ok := r.credentials.(*sdk.CredentialsCache); ok {
		cache.Invalidate()
	}
	return true
}
func (*refresh) MaxAttempts() int                             { return 2 }
func (*refresh) RetryDelay(int, error) (time.Duration, error) { return 0, nil }
func (*refresh) GetInitialToken() func(error) error           { return func(error) error { return nil } }
func (*refresh) GetRetryToken(context.Context, error) (func(error) error, error) {
	return func(error) error { return nil }, nil
}

// dialOverride keeps host prefixes working when AWS_ENDPOINT_URL names an address: S3 Control asks for
// ACCOUNT.127.0.0.1, which no resolver knows.
func dialOverride(base sdk.HTTPClient) sdk.HTTPClient {
	override, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	buildable, ok := base.(*awshttp.BuildableClient)
	if err != nil || override.Host == "" || !ok {
		if base == nil {
			return awshttp.NewBuildableClient()
		}
		return base
	}
	return buildable.WithTransportOptions(func(t *http.Transport) {
		dial := t.DialContext
		t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && strings.HasSuffix(host, "."+override.Hostname()) {
				address = net.JoinHostPort(override.Hostname(), port)
			}
			return dial(ctx, network, address)
		}
	})
}

// publishedRate is the number of requests a second that AWS documents, or is known to accept, for a service in one region
// of one account. Services not listed accept at least 20.
func publishedRate(service string) float64 {
	switch service {
	case "S3":
		return 100
	case "EC2":
		return 40 // DescribeX operations share a bucket of 100 that refills at 20 to 50
	case "CloudWatchLogs", "GuardDuty", "SecurityHub", "ConfigService":
		return 10
	case "KMS":
		return 100
	case "Lambda":
		return 15
	case "Route53":
		return 5 // for the whole account
	}
	return 20
}

func firstLine(err error) string {
	var unusable interface{ CanceledError() bool }
	if errors.As(err, &unusable) {
		err = errors.Unwrap(err)
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

func sortedUnique(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}
