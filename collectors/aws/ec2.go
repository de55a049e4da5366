package aws

import (
	"context"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/smithy-go"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func ec2Readers() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{
		ec2Settings,
		ec2Reader(schema.EC2InstanceType, collectInstances, "DescribeInstances"),
		ec2Reader(schema.EBSVolumeType, collectVolumes, "DescribeVolumes"),
		ec2Reader(schema.EBSSnapshotType, collectSnapshots, "DescribeSnapshots"),
		ec2Reader(schema.ImageType, collectImages, "DescribeImages"),
		launchTemplates,
		ec2Reader(schema.SecurityGroupType, collectSecurityGroups, "DescribeSecurityGroups"),
		ec2Reader(schema.NetworkInterfaceType, collectInterfaces, "DescribeNetworkInterfaces"),
		ec2Reader(schema.NetworkACLType, collectNetworkACLs, "DescribeNetworkAcls"),
		ec2Reader(schema.SubnetType, collectSubnets, "DescribeSubnets"),
		ec2Reader(schema.RouteTableType, collectRouteTables, "DescribeRouteTables"),
		ec2Reader(schema.VPCType, collectVPCs, "DescribeVpcs"),
		ec2Reader(schema.FlowLogType, collectFlowLogs, "DescribeFlowLogs"),
		ec2Reader(schema.InternetGatewayType, collectInternetGateways, "DescribeInternetGateways"),
		ec2Reader(schema.ElasticIPType, collectElasticIPs, "DescribeAddresses"),
		ec2Reader(schema.TransitGatewayType, collectTransitGateways, "DescribeTransitGateways"),
		ec2Reader(schema.ClientVPNEndpointType, collectClientVPNEndpoints,
			"DescribeClientVpnEndpoints", "DescribeClientVpnAuthorizationRules"),
		vpnConnections,
	}
}

// ec2Reader is a regional reader of one type through operations whose answers hold no secrets.
func ec2Reader(fills *posture.Type, collect func(context.Context, *client, collectors.Emit) error, operations ...string) collectors.Reader[*client] {
	r := collectors.Reader[*client]{Fills: []*posture.Type{fills}, Scope: collectors.Regional, Collect: collect}
	for _, name := range operations {
		r.Operations = append(r.Operations, ec2Operation(name, collectors.Store))
	}
	return r
}

func ec2Operation(name string, body collectors.Body) collectors.Operation {
	return collectors.Operation{Name: "EC2." + name, Permission: "ec2:" + name, Body: body}
}

var ec2Settings = ec2Reader(schema.EC2SettingsType, collectEC2Settings, "GetEbsEncryptionByDefault", "GetEbsDefaultKmsKeyId",
	"GetSnapshotBlockPublicAccessState", "GetImageBlockPublicAccessState", "GetInstanceMetadataDefaults",
	"DescribeVpcBlockPublicAccessOptions")

// collectEC2Settings always emits: each of the six calls fills its own attributes, or leaves them unread.
func collectEC2Settings(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ec2.NewFromConfig(c.config)
	settings := &schema.EC2Settings{Meta: posture.Meta{Name: c.region}}
	a := ec2Answer("")
	unread := func(err error, paths ...string) { a.gaps = append(a.gaps, collectors.Unread(err, paths...)) }

	if out, err := api.GetEbsEncryptionByDefault(ctx, &ec2.GetEbsEncryptionByDefaultInput{}); err != nil {
		unread(err, "ebs_encryption_by_default")
	} else {
		a.operation = "GetEbsEncryptionByDefault"
		settings.EBSEncryptionByDefault = required(a, "ebs_encryption_by_default", out.EbsEncryptionByDefault)
	}
	if out, err := api.GetEbsDefaultKmsKeyId(ctx, &ec2.GetEbsDefaultKmsKeyIdInput{}); err != nil {
		unread(err, "ebs_default_kms_key_id")
	} else {
		a.operation = "GetEbsDefaultKmsKeyId"
		settings.EBSDefaultKMSKeyID = required(a, "ebs_default_kms_key_id", out.KmsKeyId)
	}
	if out, err := api.GetSnapshotBlockPublicAccessState(ctx, &ec2.GetSnapshotBlockPublicAccessStateInput{}); err != nil {
		unread(err, "snapshot_block_public_access")
	} else {
		a.operation = "GetSnapshotBlockPublicAccessState"
		settings.SnapshotBlockPublicAccess = stated(a, "snapshot_block_public_access", out.State)
	}
	if out, err := api.GetImageBlockPublicAccessState(ctx, &ec2.GetImageBlockPublicAccessStateInput{}); err != nil {
		unread(err, "image_block_public_access")
	} else {
		a.operation = "GetImageBlockPublicAccessState"
		settings.ImageBlockPublicAccess = required(a, "image_block_public_access", out.ImageBlockPublicAccessState)
	}
	if out, err := api.GetInstanceMetadataDefaults(ctx, &ec2.GetInstanceMetadataDefaultsInput{}); err != nil {
		unread(err, "imds_default_http_tokens", "imds_http_tokens_enforced")
	} else {
		a.operation = "GetInstanceMetadataDefaults" // sent always; empty where the account has no preference
		level := required(a, "imds_default_http_tokens", out.AccountLevel)
		required(a, "imds_http_tokens_enforced", out.AccountLevel)
		settings.IMDSDefaultHTTPTokens, settings.IMDSHTTPTokensEnforced = string(level.HttpTokens), string(level.HttpTokensEnforced)
	}
	if out, err := api.DescribeVpcBlockPublicAccessOptions(ctx, &ec2.DescribeVpcBlockPublicAccessOptionsInput{}); err != nil {
		unread(err, "vpc_block_public_access_mode")
	} else {
		a.operation = "DescribeVpcBlockPublicAccessOptions"
		options := orZero(out.VpcBlockPublicAccessOptions)
		settings.VPCBlockPublicAccessMode = stated(a, "vpc_block_public_access_mode", options.InternetGatewayBlockMode)
	}
	emit(c.region, settings, append(a.gaps, collectors.NotCollected("tags"))...)
	return nil
}

func ec2Answer(operation string) *answer {
	return &answer{service: ec2.ServiceID, operation: operation}
}

// stated is a word that EC2 always sends.
func stated[S ~string](a *answer, path string, s S) string {
	if s == "" {
		return required[string](a, path, nil)
	}
	return string(s)
}

// date reads a time that EC2 sends as text, absent when it sends none; one that is no time is unread.
func date(a *answer, path string, text *string) posture.Opt[time.Time] {
	if sdk.ToString(text) == "" {
		return posture.Opt[time.Time]{}
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} { // VPN endpoints leave the zone out: UTC
		if t, err := time.Parse(layout, *text); err == nil {
			return posture.Some(t)
		}
	}
	err := &smithy.DeserializationError{Err: fmt.Errorf("%s: %q is not a time", path, *text)}
	a.gaps = append(a.gaps, collectors.Unread(&smithy.OperationError{ServiceID: a.service, OperationName: a.operation, Err: err}, path))
	return posture.Opt[time.Time]{}
}

// orZero is the value p points to, or the zero value, whose fields are then missing too.
func orZero[V any](p *V) V {
	if p == nil {
		return *new(V)
	}
	return *p
}

// listed says of which list an error is.
func listed(what string, err error) error {
	if err != nil {
		return fmt.Errorf("list %s: %w", what, err)
	}
	return nil
}

// ec2Meta is named by the tag Name, else by id.
func ec2Meta(id *string, tags []types.Tag) posture.Meta {
	meta := posture.Meta{Name: sdk.ToString(id), Tags: map[string]string{}}
	for _, t := range tags {
		meta.Tags[sdk.ToString(t.Key)] = sdk.ToString(t.Value)
	}
	if name := meta.Tags["Name"]; name != "" {
		meta.Name = name
	}
	return meta
}
