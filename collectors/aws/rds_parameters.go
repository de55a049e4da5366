package aws

import (
	"context"
	"fmt"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/rds/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// tlsParameters are the parameters that make an engine refuse connections without TLS.
var tlsParameters = map[string]string{
	"postgres": "rds.force_ssl", "sqlserver": "rds.force_ssl", "mysql": "require_secure_transport",
}

// parameterGroups reads each parameter group of a region once.
type parameterGroups struct {
	api        *rds.Client
	clusters   map[string]types.DBCluster // by identifier
	clusterErr error                      // why clusters may be missing
	read       map[string]parameter       // by kind and name of the group
}

// parameter is what a group says of one parameter; nil when it has no such parameter.
type parameter struct {
	found *types.Parameter
	err   error
}

// tlsForced looks up the parameter for the instance's engine family in the group that governs it: for a member of a cluster
// that is the cluster's. It is absent for families without such a parameter.
func (g parameterGroups) tlsForced(ctx context.Context, family string, i types.DBInstance) (posture.Opt[bool], error) {
	absent := posture.Opt[bool]{}
	name, ok := tlsParameters[family]
	if !ok {
		if family == "" {
			return absent, fmt.Errorf("engine %q is not known", sdk.ToString(i.Engine))
		}
		return absent, nil
	}
	kind, group, applied, err := g.governing(i)
	if err != nil {
		return absent, err
	}
	key := kind + " " + group
	if _, done := g.read[key]; !done {
		g.read[key] = g.lookUp(ctx, kind, group, name)
	}
	p := g.read[key]
	switch {
	case p.err != nil:
		return absent, p.err
	case p.found == nil: // versions of the engine that cannot force TLS
		return posture.Some(false), nil
	case p.found.ParameterValue == nil && name == "rds.force_ssl":
		return absent, (&answer{service: rds.ServiceID, operation: kind}).lacks("a value of " + name)
	case sdk.ToString(p.found.ApplyType) == "static" && applied == "pending-reboot":
		return absent, (&answer{service: rds.ServiceID, operation: kind}).lacks("the value of " + name + " in effect until the reboot")
	}
	value := strings.ToUpper(sdk.ToString(p.found.ParameterValue)) // without a value MySQL's own default holds: OFF
	return posture.Some(value == "1" || value == "ON"), nil
}

// governing returns the operation that reads the instance's parameter group, the group, and whether the instance has applied it.
func (g parameterGroups) governing(i types.DBInstance) (operation, group, applied string, err error) {
	if id := sdk.ToString(i.DBClusterIdentifier); id != "" {
		cluster, ok := g.clusters[id]
		if !ok && g.clusterErr != nil {
			return "", "", "", g.clusterErr
		}
		for _, m := range cluster.DBClusterMembers {
			if sdk.ToString(m.DBInstanceIdentifier) == sdk.ToString(i.DBInstanceIdentifier) {
				applied = sdk.ToString(m.DBClusterParameterGroupStatus)
			}
		}
		if cluster.DBClusterParameterGroup == nil {
			return "", "", "", (&answer{service: rds.ServiceID, operation: "DescribeDBClusters"}).lacks("the parameter group of cluster " + id)
		}
		return "DescribeDBClusterParameters", *cluster.DBClusterParameterGroup, applied, nil
	}
	if len(i.DBParameterGroups) == 0 || i.DBParameterGroups[0].DBParameterGroupName == nil {
		return "", "", "", (&answer{service: rds.ServiceID, operation: "DescribeDBInstances"}).lacks("the parameter group")
	}
	return "DescribeDBParameters", *i.DBParameterGroups[0].DBParameterGroupName, sdk.ToString(i.DBParameterGroups[0].ParameterApplyStatus), nil
}

// lookUp asks for the one parameter, and finds it all the same where the filter is not heeded.
func (g parameterGroups) lookUp(ctx context.Context, operation, group, name string) (out parameter) {
	only := []types.Filter{{Name: sdk.String("parameter-name"), Values: []string{name}}}
	keep := func(list []types.Parameter) error {
		for _, p := range list {
			if sdk.ToString(p.ParameterName) == name {
				out.found = &p
			}
		}
		return nil
	}
	if operation == "DescribeDBClusterParameters" {
		list := rds.NewDescribeDBClusterParametersPaginator(g.api, &rds.DescribeDBClusterParametersInput{DBClusterParameterGroupName: &group, Filters: only})
		out.err = pages(ctx, list, func(page *rds.DescribeDBClusterParametersOutput) error { return keep(page.Parameters) })
	} else {
		list := rds.NewDescribeDBParametersPaginator(g.api, &rds.DescribeDBParametersInput{DBParameterGroupName: &group, Filters: only})
		out.err = pages(ctx, list, func(page *rds.DescribeDBParametersOutput) error { return keep(page.Parameters) })
	}
	if out.err != nil {
		out.err = fmt.Errorf("read parameter %s of group %s: %w", name, group, out.err)
	}
	return out
}
