package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func collectFlowLogs(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeFlowLogsPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeFlowLogsInput{MaxResults: sdk.Int32(1000)})
	return listed("flow logs", pages(ctx, list, func(page *ec2.DescribeFlowLogsOutput) error {
		for _, l := range page.FlowLogs {
			a := ec2Answer("DescribeFlowLogs")
			flowLog := &schema.FlowLog{
				Meta:            ec2Meta(l.FlowLogId, l.Tags),
				ResourceID:      sdk.ToString(l.ResourceId),
				Status:          required(a, "status", l.FlowLogStatus),
				TrafficType:     string(l.TrafficType),
				DestinationType: string(l.LogDestinationType),
				Destination:     sdk.ToString(l.LogDestination),
				DeliveryStatus:  sdk.ToString(l.DeliverLogsStatus),
			}
			if flowLog.Destination == "" {
				flowLog.Destination = sdk.ToString(l.LogGroupName)
			}
			flowLog.CreatedAt = posture.FromPtr(l.CreationTime)
			emit(sdk.ToString(l.FlowLogId), flowLog, a.gaps...)
		}
		return nil
	}))
}

func collectInternetGateways(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeInternetGatewaysPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeInternetGatewaysInput{MaxResults: sdk.Int32(1000)})
	return listed("internet gateways", pages(ctx, list, func(page *ec2.DescribeInternetGatewaysOutput) error {
		for _, g := range page.InternetGateways {
			gateway := &schema.InternetGateway{Meta: ec2Meta(g.InternetGatewayId, g.Tags)}
			for _, attachment := range g.Attachments {
				if attachment.State != types.AttachmentStatusDetached {
					gateway.AttachedVPCIDs = append(gateway.AttachedVPCIDs, sdk.ToString(attachment.VpcId))
				}
			}
			gateway.AttachedVPCIDs = sortedUnique(gateway.AttachedVPCIDs)
			emit(sdk.ToString(g.InternetGatewayId), gateway)
		}
		return nil
	}))
}

// collectElasticIPs reads the one list that EC2 does not page.
func collectElasticIPs(ctx context.Context, c *client, emit collectors.Emit) error {
	out, err := ec2.NewFromConfig(c.config).DescribeAddresses(ctx, &ec2.DescribeAddressesInput{})
	if err != nil {
		return listed("addresses", err)
	}
	for _, address := range out.Addresses {
		id := address.AllocationId
		if id == nil {
			id = address.PublicIp
		}
		emit(sdk.ToString(id), &schema.ElasticIP{
			Meta:               ec2Meta(id, address.Tags),
			PublicIP:           sdk.ToString(address.PublicIp),
			AssociationID:      sdk.ToString(address.AssociationId),
			InstanceID:         sdk.ToString(address.InstanceId),
			NetworkInterfaceID: sdk.ToString(address.NetworkInterfaceId),
		})
	}
	return nil
}

func collectTransitGateways(ctx context.Context, c *client, emit collectors.Emit) error {
	list := ec2.NewDescribeTransitGatewaysPaginator(ec2.NewFromConfig(c.config), &ec2.DescribeTransitGatewaysInput{MaxResults: sdk.Int32(1000)})
	return listed("transit gateways", pages(ctx, list, func(page *ec2.DescribeTransitGatewaysOutput) error {
		for _, g := range page.TransitGateways {
			if g.State == types.TransitGatewayStateDeleted {
				continue
			}
			a := ec2Answer("DescribeTransitGateways")
			gateway := &schema.TransitGateway{
				Meta:    ec2Meta(g.TransitGatewayId, g.Tags),
				OwnerID: required(a, "owner_id", g.OwnerId),
				State:   stated(a, "state", g.State),
				AutoAcceptSharedAttachments: stated(a, "auto_accept_shared_attachments", orZero(g.Options).AutoAcceptSharedAttachments) ==
					string(types.AutoAcceptSharedAttachmentsValueEnable),
			}
			gateway.CreatedAt = posture.FromPtr(g.CreationTime)
			emit(sdk.ToString(g.TransitGatewayId), gateway, a.gaps...)
		}
		return nil
	}))
}

// collectClientVPNEndpoints asks for the authorization rules of each endpoint, eight at once.
func collectClientVPNEndpoints(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ec2.NewFromConfig(c.config)
	var details errgroup.Group
	details.SetLimit(8)
	list := ec2.NewDescribeClientVpnEndpointsPaginator(api, &ec2.DescribeClientVpnEndpointsInput{MaxResults: sdk.Int32(1000)})
	err := pages(ctx, list, func(page *ec2.DescribeClientVpnEndpointsOutput) error {
		for _, e := range page.ClientVpnEndpoints {
			if orZero(e.Status).Code != types.ClientVpnEndpointStatusCodeDeleted {
				details.Go(func() error {
					emitClientVPNEndpoint(ctx, api, e, emit)
					return nil
				})
			}
		}
		return nil
	})
	_ = details.Wait() // what a detail call lacks is in its gaps
	return listed("client VPN endpoints", err)
}

func emitClientVPNEndpoint(ctx context.Context, api *ec2.Client, e types.ClientVpnEndpoint, emit collectors.Emit) {
	a := ec2Answer("DescribeClientVpnEndpoints")
	endpoint := &schema.ClientVPNEndpoint{
		Meta:                     ec2Meta(e.ClientVpnEndpointId, e.Tags),
		Status:                   stated(a, "status", orZero(e.Status).Code),
		ConnectionLoggingEnabled: required(a, "connection_logging_enabled", orZero(e.ConnectionLogOptions).Enabled),
	}
	for _, o := range e.AuthenticationOptions {
		endpoint.AuthenticationTypes = append(endpoint.AuthenticationTypes, string(o.Type))
	}
	endpoint.AuthenticationTypes = sortedUnique(endpoint.AuthenticationTypes)
	endpoint.CreatedAt = date(a, "created_at", e.CreationTime)

	rules := ec2.NewDescribeClientVpnAuthorizationRulesPaginator(api, &ec2.DescribeClientVpnAuthorizationRulesInput{
		ClientVpnEndpointId: e.ClientVpnEndpointId, MaxResults: sdk.Int32(1000),
	})
	err := pages(ctx, rules, func(page *ec2.DescribeClientVpnAuthorizationRulesOutput) error {
		for _, r := range page.AuthorizationRules {
			everywhere := sdk.ToString(r.DestinationCidr) == "0.0.0.0/0" || sdk.ToString(r.DestinationCidr) == "::/0"
			endpoint.AuthorizeAllGroups = endpoint.AuthorizeAllGroups || everywhere && sdk.ToBool(r.AccessAll)
		}
		return nil
	})
	if err != nil && !endpoint.AuthorizeAllGroups {
		a.gaps = append(a.gaps, collectors.Unread(err, "authorize_all_groups"))
	}
	emit(sdk.ToString(e.ClientVpnEndpointId), endpoint, a.gaps...)
}

// vpnConnections keeps pre-shared keys out of the journal.
var vpnConnections = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.VPNConnectionType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		ec2Operation("DescribeVpnConnections", collectors.Redact("customerGatewayConfiguration", "preSharedKey")),
	},
	Collect: collectVPNConnections,
}

func collectVPNConnections(ctx context.Context, c *client, emit collectors.Emit) error {
	out, err := ec2.NewFromConfig(c.config).DescribeVpnConnections(ctx, &ec2.DescribeVpnConnectionsInput{})
	if err != nil {
		return listed("VPN connections", err)
	}
	for _, v := range out.VpnConnections {
		if v.State == types.VpnStateDeleted {
			continue
		}
		a := ec2Answer("DescribeVpnConnections")
		connection := &schema.VPNConnection{
			Meta:        ec2Meta(v.VpnConnectionId, v.Tags),
			State:       stated(a, "state", v.State),
			TunnelCount: int64(len(v.VgwTelemetry)),
		}
		for _, tunnel := range v.VgwTelemetry {
			if tunnel.Status == types.TelemetryStatusUp {
				connection.TunnelsUp++
			}
		}
		emit(sdk.ToString(v.VpnConnectionId), connection, a.gaps...)
	}
	return nil
}
