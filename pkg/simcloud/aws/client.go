package aws

import (
	"context"
	"net"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// Config returns the SDK configuration of a program that runs with an account's keys in a region and reaches the
// simulator through client: DialClient for a server on a socket, or an http.Client over fault.InMemory. The clients
// keep their real endpoints, virtual-host buckets and host prefixes included. Options may set Retryer and the rest.
//
// A program can also be pointed at the simulator from outside, by AWS_ENDPOINT_URL=http://127.0.0.1:port and the keys
// of Credentials; S3 Control then needs a resolver for the account id it puts before the host.
func Config(account, region string, client sdk.HTTPClient, options ...func(*sdk.Config)) sdk.Config {
	keys := Credentials(account)
	config := sdk.Config{
		Region:     region,
		HTTPClient: client,
		Credentials: sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
			return keys, nil
		}),
	}
	for _, option := range options {
		option(&config)
	}
	return config
}

// DialClient returns the SDK's own HTTP client, except that every connection goes to the simulator at addr, in plain
// HTTP whatever the URL says.
func DialClient(addr string) *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "tcp", addr)
		}
		t.Proxy = nil
		t.DialContext, t.DialTLSContext = dial, dial
	})
}
