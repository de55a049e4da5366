package main

import (
	"context"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	deriveaws "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	deriveazure "github.com/plumbline-dev/plumbline/pkg/derive/azure"
	derivegcp "github.com/plumbline-dev/plumbline/pkg/derive/gcp"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// open proves which account there is to read, through a transport with these settings.
type open func(ctx context.Context, options transport.Options) (collectors.Account, error)

func openAWS(options aws.Options) open {
	return func(ctx context.Context, t transport.Options) (collectors.Account, error) {
		options := options
		options.Transport = t
		return aws.Open(ctx, options)
	}
}

func openGCP(options gcp.Options) open {
	return func(ctx context.Context, t transport.Options) (collectors.Account, error) {
		options := options
		options.Transport = t
		return gcp.Open(ctx, options)
	}
}

func openAzure(options azure.Options) open {
	return func(ctx context.Context, t transport.Options) (collectors.Account, error) {
		options := options
		options.Transport = t
		return azure.Open(ctx, options)
	}
}

// derivations compute each provider's derived attributes.
var derivations = map[string]func(*derive.Inventory){
	"aws": deriveaws.Derive, "azure": deriveazure.Derive, "gcp": derivegcp.Derive,
}

// newScanner scans the account of a provider that open leads to.
func newScanner(set *rule.Set, db scan.Store, provider string, open open, settings transport.Options, trusted []string) *scan.Scanner {
	attributions, _ := db.(scan.Attributions)
	return &scan.Scanner{
		Attributions: attributions,
		Open: func(ctx context.Context, journal *transport.Journal) (collectors.Account, error) {
			settings := settings
			settings.Journal = journal
			return open(ctx, settings)
		},
		Judge:   scan.Judge{Types: set.Compiler.Types(), Programs: set.Of(provider), Derive: derivations[provider], Trusted: trusted},
		Store:   db,
		Clock:   transport.SystemClock{},
		Tool:    version,
		Trigger: "manual",
	}
}
