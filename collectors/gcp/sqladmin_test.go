package gcp

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/sqladmin/v1"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

func TestUnreachableRegionsOfCloudSQL(t *testing.T) {
	for name, test := range map[string]struct {
		warnings string
		want     []string
	}{
		"none":                                   {"[]", nil},
		"a region leaves only its own list open": {`[{"code": "REGION_UNREACHABLE", "region": "us-central1"}]`, []string{"gcp.sql.instance in us-central1"}},
		"a region without a name leaves all open": {`[{"code": "REGION_UNREACHABLE"}]`, []string{"gcp.sql.instance"}},
		"other warnings are not about the list":   {`[{"code": "INTERNAL_STATE_FAILURE"}]`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			answer := `{"items": [{"name": "orders", "region": "europe-west1", "settings": {}}], "warnings": ` + test.warnings + `}`
			found, err := readScripted(collectSQLInstances, scripted{"sql.instances.list": answer})
			if diff := cmp.Diff(test.want, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			if _, ok := found["projects/acme/instances/orders"]; !ok || len(found) != 1 {
				t.Errorf("the reachable instance is not there: %v", found)
			}
		})
	}
}

func TestSQLInstance(t *testing.T) {
	flags := func(list ...*sqladmin.DatabaseFlags) *sqladmin.DatabaseInstance {
		return &sqladmin.DatabaseInstance{Settings: &sqladmin.Settings{DatabaseFlags: list}}
	}
	backup := func(b sqladmin.BackupConfiguration) *sqladmin.DatabaseInstance {
		return &sqladmin.DatabaseInstance{Settings: &sqladmin.Settings{BackupConfiguration: &b}}
	}
	for name, test := range map[string]struct {
		instance *sqladmin.DatabaseInstance
		want     func(*schema.SQLInstance)
	}{
		"nothing is known of a server elsewhere": {
			&sqladmin.DatabaseInstance{InstanceType: "ON_PREMISES_INSTANCE", DatabaseVersion: "MYSQL_8_0"},
			func(want *schema.SQLInstance) {
				want.InstanceType, want.DatabaseVersion, want.Engine = "ON_PREMISES_INSTANCE", "MYSQL_8_0", "mysql"
			},
		},
		"only instances of their own are primary": {
			&sqladmin.DatabaseInstance{InstanceType: "CLOUD_SQL_INSTANCE"},
			func(want *schema.SQLInstance) { want.InstanceType, want.IsPrimary = "CLOUD_SQL_INSTANCE", true },
		},
		"a public address counts without the setting": {
			&sqladmin.DatabaseInstance{IpAddresses: []*sqladmin.IpMapping{{Type: "PRIVATE"}, {Type: "PRIMARY"}}},
			func(want *schema.SQLInstance) { want.PublicIPEnabled = true },
		},
		"outgoing and private addresses are not public": {
			&sqladmin.DatabaseInstance{IpAddresses: []*sqladmin.IpMapping{{Type: "PRIVATE"}, {Type: "OUTGOING"}}}, func(*schema.SQLInstance) {},
		},
		"the binary log of MySQL reaches any point in time": {
			backup(sqladmin.BackupConfiguration{BinaryLogEnabled: true}), func(want *schema.SQLInstance) { want.PITREnabled = true },
		},
		"the log of the other engines does too": {
			backup(sqladmin.BackupConfiguration{PointInTimeRecoveryEnabled: true}), func(want *schema.SQLInstance) { want.PITREnabled = true },
		},
		"PostgreSQL signs in with IAM": {
			flags(&sqladmin.DatabaseFlags{Name: "cloudsql.iam_authentication", Value: "On"}),
			func(want *schema.SQLInstance) {
				want.Flags, want.IAMAuthentication = map[string]string{"cloudsql.iam_authentication": "On"}, true
			},
		},
		"MySQL spells that flag otherwise": {
			flags(&sqladmin.DatabaseFlags{Name: "cloudsql_iam_authentication", Value: "on"}),
			func(want *schema.SQLInstance) {
				want.Flags, want.IAMAuthentication = map[string]string{"cloudsql_iam_authentication": "on"}, true
			},
		},
		"a flag that is off is one that was set": {
			flags(&sqladmin.DatabaseFlags{Name: "cloudsql_iam_authentication", Value: "off"}),
			func(want *schema.SQLInstance) { want.Flags = map[string]string{"cloudsql_iam_authentication": "off"} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			want := &schema.SQLInstance{AuthorizedNetworks: []string{}, Flags: map[string]string{}, PendingMaintenanceVersions: []string{}}
			test.want(want)
			if diff := cmp.Diff(want, newSQLInstance(test.instance)); diff != "" {
				t.Errorf("instance differs (-want +got):\n%s", diff)
			}
		})
	}
}
