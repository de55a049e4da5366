package gcp

import (
	"context"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/api/bigquery/v2"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
)

// warehouse is a project with one dataset, in which lie a table, a clone and a view.
func warehouse(change scripted) scripted {
	out := scripted{
		"cloudresourcemanager.projects.testIamPermissions": `{"permissions": ["bigquery.datasets.get"]}`,
		"bigquery.datasets.list":                           `{"datasets": [{"id": "acme:sales", "datasetReference": {"datasetId": "sales"}, "location": "EU"}]}`,
		"bigquery.datasets.get":                            `{"access": [{"role": "OWNER", "userByEmail": "ada@acme.example"}]}`,
		"bigquery.tables.list": `{"tables": [{"tableReference": {"tableId": "orders"}, "type": "TABLE"},
			{"tableReference": {"tableId": "totals"}, "type": "VIEW"}, {"tableReference": {"tableId": "rows"}, "type": "MATERIALIZED_VIEW"}]}`,
		"bigquery.tables.get": `{"type": "TABLE", "encryptionConfiguration": {"kmsKeyName": "key"}}`,
	}
	maps.Copy(out, change)
	return out
}

const sales = "projects/acme/datasets/sales"

func TestWhatIsNotReadOfBigQuery(t *testing.T) {
	type unread = map[string][]string
	settings := []string{"created_at", "kms_key_name", "access", "public", "default_table_expiration_ms", "max_time_travel_hours"}
	for name, test := range map[string]struct {
		answers scripted
		tables  int // of which the key may be asked for
		open    []string
		unread  unread
	}{
		"nothing": {scripted{}, 9, nil, unread{}},
		"a caller who may not get every dataset sees a part of them": {
			scripted{"cloudresourcemanager.projects.testIamPermissions": `{}`}, 9, []string{"all"}, unread{}},
		"a location that was skipped": {
			scripted{"bigquery.datasets.list": `{"unreachable": ["US"]}`}, 9,
			[]string{"gcp.bigquery.dataset in US", "gcp.bigquery.table in US"}, nil},
		"the settings of a dataset": {scripted{"bigquery.datasets.get": ""}, 9, nil, unread{sales: settings}},
		"an access list that was left out": {
			scripted{"bigquery.datasets.get": `{"maxTimeTravelHours": "48"}`}, 9, nil, unread{sales: {"access", "public"}}},
		"the tables of a dataset": {scripted{"bigquery.tables.list": ""}, 9, []string{"gcp.bigquery.table in EU"}, unread{}},
		"the key of a table": {
			scripted{"bigquery.tables.get": ""}, 9, nil,
			unread{sales + "/tables/orders": {"kms_key_name", "kind"}, sales + "/tables/rows": {"kms_key_name"}}},
		"keys of more tables than may be asked for": {scripted{}, 1, nil, unread{sales + "/tables/rows": {"kms_key_name"}}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readScripted(func(ctx context.Context, c *client, emit collectors.Emit) error {
				return collectDatasets(ctx, c, emit, test.tables)
			}, warehouse(test.answers))
			if diff := cmp.Diff(test.open, incomplete(err)); diff != "" {
				t.Errorf("incomplete cells differ (-want +got):\n%s", diff)
			}
			var got unread
			for id, e := range found {
				if got == nil {
					got = unread{}
				}
				if e.unread != nil {
					got[id] = e.unread
				}
			}
			if diff := cmp.Diff(test.unread, got); diff != "" {
				t.Errorf("unread attributes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindsOfTables(t *testing.T) {
	for name, test := range map[string]struct{ answer, kind, key string }{
		"a table names its key":           {`{"encryptionConfiguration": {"kmsKeyName": "key"}}`, "TABLE", "key"},
		"a table without has Google's":    {`{"type": "TABLE"}`, "TABLE", ""},
		"a clone says so only when asked": {`{"type": "TABLE", "cloneDefinition": {"cloneTime": "2026-01-02T03:04:05Z"}}`, "CLONE", ""},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := readScripted(datasets.Collect, warehouse(scripted{"bigquery.tables.get": test.answer}))
			if err != nil {
				t.Fatal(err)
			}
			got := found[sales+"/tables/orders"].attributes.(*schema.Table)
			if got.Kind != test.kind || got.KMSKeyName != test.key {
				t.Errorf("got %s with key %q, want %s with key %q", got.Kind, got.KMSKeyName, test.kind, test.key)
			}
		})
	}
}

func TestDatasetAccess(t *testing.T) {
	for name, test := range map[string]struct {
		entry bigquery.DatasetAccess
		want  schema.DatasetAccess
	}{
		"a person": {bigquery.DatasetAccess{Role: "OWNER", UserByEmail: "ada@acme.example"},
			schema.DatasetAccess{Role: "OWNER", Kind: "user", Value: "ada@acme.example"}},
		"a group for some time": {
			bigquery.DatasetAccess{Role: "READER", GroupByEmail: "staff@acme.example", Condition: &bigquery.Expr{Expression: "request.time < t"}},
			schema.DatasetAccess{Role: "READER", Kind: "group", Value: "staff@acme.example", Condition: "request.time < t"}},
		"a domain": {bigquery.DatasetAccess{Role: "READER", Domain: "acme.example"},
			schema.DatasetAccess{Role: "READER", Kind: "domain", Value: "acme.example"}},
		"a special group": {bigquery.DatasetAccess{Role: "WRITER", SpecialGroup: "projectWriters"},
			schema.DatasetAccess{Role: "WRITER", Kind: "special_group", Value: "projectWriters"}},
		"a member of another kind": {bigquery.DatasetAccess{Role: "READER", IamMember: "principalSet://pool"},
			schema.DatasetAccess{Role: "READER", Kind: "iam_member", Value: "principalSet://pool"}},
		"a view needs no role": {bigquery.DatasetAccess{View: &bigquery.TableReference{ProjectId: "acme", DatasetId: "sales", TableId: "totals"}},
			schema.DatasetAccess{Kind: "view", Value: sales + "/tables/totals"}},
		"nor does a routine": {bigquery.DatasetAccess{Routine: &bigquery.RoutineReference{ProjectId: "acme", DatasetId: "sales", RoutineId: "sum"}},
			schema.DatasetAccess{Kind: "routine", Value: sales + "/routines/sum"}},
		"nor do all views of a dataset": {
			bigquery.DatasetAccess{Dataset: &bigquery.DatasetAccessEntry{Dataset: &bigquery.DatasetReference{ProjectId: "acme", DatasetId: "sales"}}},
			schema.DatasetAccess{Kind: "dataset", Value: sales}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, datasetAccess(&test.entry)); diff != "" {
				t.Errorf("entry differs (-want +got):\n%s", diff)
			}
		})
	}
}
