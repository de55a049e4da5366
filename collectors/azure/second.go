package azure

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// second are the types that Resource Graph is asked for as well. It has servers of SQL that belong to Synapse and are not listed as such.
var second = map[string]*posture.Type{
	"microsoft.cache/redis":                      schema.CacheType,
	"microsoft.compute/disks":                    schema.DiskType,
	"microsoft.compute/snapshots":                schema.DiskSnapshotType,
	"microsoft.compute/virtualmachines":          schema.VirtualMachineType,
	"microsoft.containerregistry/registries":     schema.ContainerRegistryType,
	"microsoft.containerservice/managedclusters": schema.KubernetesClusterType,
	"microsoft.databricks/workspaces":            schema.DatabricksWorkspaceType,
	"microsoft.dbformysql/flexibleservers":       schema.MySQLServerType,
	"microsoft.dbforpostgresql/flexibleservers":  schema.PostgreSQLServerType,
	"microsoft.documentdb/databaseaccounts":      schema.CosmosAccountType,
	"microsoft.eventhub/namespaces":              schema.EventHubNamespaceType,
	"microsoft.keyvault/vaults":                  schema.KeyVaultType,
	"microsoft.network/networkinterfaces":        schema.NetworkInterfaceType,
	"microsoft.network/networksecuritygroups":    schema.NetworkSecurityGroupType,
	"microsoft.network/publicipaddresses":        schema.PublicIPType,
	"microsoft.network/routetables":              schema.RouteTableType,
	"microsoft.network/virtualnetworks":          schema.VirtualNetworkType,
	"microsoft.operationalinsights/workspaces":   schema.LogWorkspaceType,
	"microsoft.search/searchservices":            schema.SearchServiceType,
	"microsoft.servicebus/namespaces":            schema.ServiceBusNamespaceType,
	"microsoft.storage/storageaccounts":          schema.StorageAccountType,
	"microsoft.web/sites":                        schema.SiteType,
}

// secondSource is Resource Graph as a list of what a subscription holds.
func (c *client) secondSource() *collectors.SecondSource {
	out := &collectors.SecondSource{Name: "Azure Resource Graph", Read: c.readSecond, Form: strings.ToLower}
	for _, kind := range slices.Sorted(maps.Keys(second)) {
		out.Types = append(out.Types, second[kind])
	}
	return out
}

func (c *client) readSecond(ctx context.Context) (map[string]map[string]string, error) {
	rows, err := c.query(ctx, slices.Sorted(maps.Keys(second)), "id, type")
	if err != nil {
		return nil, err
	}
	out := map[string]map[string]string{}
	for _, r := range rows {
		t := second[r.text("type")]
		if t == nil || r.text("id") == "" {
			return nil, fmt.Errorf("query Resource Graph: %w: %q of type %q", posture.ErrInvalid, r.text("id"), r.text("type"))
		}
		if out[t.Name] == nil {
			out[t.Name] = map[string]string{}
		}
		out[t.Name][r.text("id")] = posture.Global
	}
	return out, nil
}
