package aws

import (
	"context"
	"errors"
	"fmt"
	"slices"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/opensearch/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func opensearchReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{searchDomains}
}

var searchDomains = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SearchDomainType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "OpenSearch.ListDomainNames", Permission: "es:ListDomainNames", Body: collectors.Store},
		{Name: "OpenSearch.DescribeDomains", Permission: "es:DescribeDomains", Body: collectors.Store},
	},
	Collect: collectSearchDomains,
}

// collectSearchDomains asks for five domains at a time, which is what one call takes.
func collectSearchDomains(ctx context.Context, c *client, emit collectors.Emit) error {
	api := opensearch.NewFromConfig(c.config)
	listed, err := api.ListDomainNames(ctx, &opensearch.ListDomainNamesInput{})
	if err != nil {
		return fmt.Errorf("list search domains: %w", err)
	}
	var names []string
	for _, d := range listed.DomainNames {
		names = append(names, sdk.ToString(d.DomainName))
	}
	var unread error
	for some := range slices.Chunk(names, 5) {
		described, err := api.DescribeDomains(ctx, &opensearch.DescribeDomainsInput{DomainNames: some})
		if err != nil {
			unread = errors.Join(unread, fmt.Errorf("describe search domains: %w", err))
			continue
		}
		for _, d := range described.DomainStatusList {
			if !sdk.ToBool(d.Deleted) {
				emitSearchDomain(d, emit)
			}
			some = slices.DeleteFunc(slices.Clone(some), func(name string) bool { return name == sdk.ToString(d.DomainName) })
		}
		if len(some) > 0 { // a domain that is being deleted is still described
			a := &answer{service: opensearch.ServiceID, operation: "DescribeDomains"}
			unread = errors.Join(unread, a.lacks("domain "+some[0]))
		}
	}
	return unread
}

func emitSearchDomain(d types.DomainStatus, emit collectors.Emit) {
	a := &answer{service: opensearch.ServiceID, operation: "DescribeDomains", gaps: []collectors.Gap{collectors.NotCollected("tags", "created_at")}}
	domain := &schema.SearchDomain{
		Meta:          posture.Meta{Name: sdk.ToString(d.DomainName)},
		EngineVersion: told(a, "engine_version", sdk.ToString(d.EngineVersion)),
		AccessPolicy:  sdk.ToString(d.AccessPolicies),
	}
	if o := d.EncryptionAtRestOptions; o != nil {
		domain.EncryptionAtRest = sdk.ToBool(o.Enabled)
	}
	if o := d.NodeToNodeEncryptionOptions; o != nil {
		domain.NodeToNodeEncryption = sdk.ToBool(o.Enabled)
	}
	if o := d.VPCOptions; o != nil {
		domain.VPCID = sdk.ToString(o.VPCId)
	}
	if o := d.DomainEndpointOptions; o != nil {
		domain.EnforceHTTPS, domain.TLSPolicy = sdk.ToBool(o.EnforceHTTPS), string(o.TLSSecurityPolicy)
	}
	for kind, log := range d.LogPublishingOptions {
		if sdk.ToBool(log.Enabled) && sdk.ToString(log.CloudWatchLogsLogGroupArn) != "" {
			domain.LogTypesEnabled = append(domain.LogTypesEnabled, kind)
		}
	}
	slices.Sort(domain.LogTypesEnabled)
	if o := d.AdvancedSecurityOptions; o != nil {
		domain.FineGrainedAccess, domain.InternalUserDatabase = sdk.ToBool(o.Enabled), sdk.ToBool(o.InternalUserDatabaseEnabled)
	}
	if o := d.ClusterConfig; o != nil {
		domain.ZoneAwareness = sdk.ToBool(o.ZoneAwarenessEnabled)
		domain.DataNodeCount = int64(sdk.ToInt32(o.InstanceCount))
		if sdk.ToBool(o.DedicatedMasterEnabled) {
			domain.DedicatedMasterCount = int64(sdk.ToInt32(o.DedicatedMasterCount))
		}
	} else {
		a.gaps = append(a.gaps, collectors.Unread(a.lacks("ClusterConfig"), "zone_awareness", "data_node_count", "dedicated_master_count"))
	}
	if o := d.ServiceSoftwareOptions; o != nil {
		domain.SoftwareUpdateAvailable = sdk.ToBool(o.UpdateAvailable)
		if at := o.AutomatedUpdateDate; at != nil && at.Unix() > 0 { // 1970 stands for no date
			domain.SoftwareUpdateDeadline = posture.Some(*at)
		}
	}
	emit(sdk.ToString(d.ARN), domain, a.gaps...)
}
