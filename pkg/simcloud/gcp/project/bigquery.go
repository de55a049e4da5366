package project

import (
	"encoding/json"
	"strings"

	"google.golang.org/api/bigquery/v2"
	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var bigQueryService = service{
	api: "bigquery.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.bigquery.dataset", Sort: inProject, Count: 3,
			Defects: []world.Defect{{Name: "public", Share: 0.1, Drift: 0.3}, {Name: "google-key", Share: 0.4, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return in(it.Region, "gcp.bigquery.dataset", "projects/"+it.Account.ID+"/datasets/"+datasetID(it)), map[string]posture.Result{
					"gcp-bigquery-dataset-not-public": failIf(it.Has("public")),
					"gcp-bigquery-dataset-cmek":       failIf(it.Has("google-key")),
				}
			},
		},
		{
			Name: "gcp.bigquery.table", Sort: inProject, Count: 6,
			Defects: []world.Defect{{Name: "view", Share: 0.15}, {Name: "external", Share: 0.1}, {Name: "google-key", Share: 0.4, Drift: 0.1}},
			Expect: func(state *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				d := datasetOf(state, it)
				if d == nil {
					return posture.Key{}, nil
				}
				key := in(it.Region, "gcp.bigquery.table", "projects/"+it.Account.ID+"/datasets/"+datasetID(d)+"/tables/"+it.Name())
				return key, map[string]posture.Result{
					"gcp-bigquery-table-cmek": unless(it.Has("view") || it.Has("external"), failIf(it.Has("google-key"))),
				}
			},
		},
	},
	handle: handleBigQuery,
}

// datasetID is unique in the project and has no dashes.
func datasetID(it *world.Item) string { return strings.ReplaceAll(it.Name()+"_"+it.Region, "-", "_") }

// datasetOf is the dataset that a table lies in, one of the region's first two; nil when it is gone, and the table with it.
func datasetOf(state *world.State, table *world.Item) *world.Item {
	return state.Find("gcp.bigquery.dataset", table.Region, table.Index%2)
}

func handleBigQuery(s *gcp.Server, w *states) {
	// The caller may do whatever it asks about.
	gcp.Handle(s, "cloudresourcemanager.projects.testIamPermissions", func(c gcp.Call) (*crm.TestIamPermissionsResponse, error) {
		var asked crm.TestIamPermissionsRequest
		if err := json.Unmarshal(c.Body, &asked); err != nil {
			return nil, err
		}
		_, err := w.at(c)
		return &crm.TestIamPermissionsResponse{Permissions: asked.Permissions}, err
	})
	gcp.List(s, "bigquery.datasets.list", "datasets", func(c gcp.Call) (*bigquery.DatasetList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &bigquery.DatasetList{Kind: "bigquery#datasetList", Etag: "Zm9v"}
		for _, it := range state.Items("gcp.bigquery.dataset") {
			out.Datasets = append(out.Datasets, &bigquery.DatasetListDatasets{
				Kind: "bigquery#dataset", Id: c.Account + ":" + datasetID(it), Location: it.Region, Type: "DEFAULT",
				Labels:           map[string]string{"team": "data"},
				DatasetReference: &bigquery.DatasetReference{ProjectId: c.Account, DatasetId: datasetID(it)},
			})
		}
		return out, nil
	})
	gcp.Handle(s, "bigquery.datasets.get", func(c gcp.Call) (*bigquery.Dataset, error) {
		state, it, err := w.dataset(c)
		if err != nil {
			return nil, err
		}
		return describedDataset(state, it), nil
	})
	gcp.List(s, "bigquery.tables.list", "tables", func(c gcp.Call) (*bigquery.TableList, error) {
		state, d, err := w.dataset(c)
		if err != nil {
			return nil, err
		}
		out := &bigquery.TableList{Kind: "bigquery#tableList", Etag: "YmFy"}
		for _, it := range state.In("gcp.bigquery.table", d.Region) {
			if datasetOf(state, it) != d {
				continue
			}
			t := describedTable(state, it)
			out.Tables = append(out.Tables, &bigquery.TableListTables{
				Kind: "bigquery#table", Id: t.Id, TableReference: t.TableReference, Type: t.Type, Labels: t.Labels,
				CreationTime: t.CreationTime, ExpirationTime: t.ExpirationTime,
			})
		}
		out.TotalItems = int64(len(out.Tables))
		return out, nil
	})
	gcp.Handle(s, "bigquery.tables.get", func(c gcp.Call) (*bigquery.Table, error) {
		state, d, err := w.dataset(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.In("gcp.bigquery.table", d.Region) {
			if datasetOf(state, it) == d && it.Name() == c.Params["tablesId"] {
				return describedTable(state, it), nil
			}
		}
		return nil, gcp.NotFound("The table")
	})
}

// dataset is the one that a call names.
func (w *states) dataset(c gcp.Call) (*world.State, *world.Item, error) {
	state, err := w.at(c)
	if err != nil {
		return nil, nil, err
	}
	for _, it := range state.Items("gcp.bigquery.dataset") {
		if datasetID(it) == c.Params["datasetsId"] {
			return state, it, nil
		}
	}
	return nil, nil, gcp.NotFound("The dataset")
}

func describedDataset(state *world.State, it *world.Item) *bigquery.Dataset {
	id, project := datasetID(it), it.Account.ID
	d := &bigquery.Dataset{
		Kind: "bigquery#dataset", Id: project + ":" + id, Etag: "Zm9v", Location: it.Region, Type: "DEFAULT",
		Labels:           map[string]string{"team": "data"},
		SelfLink:         "https://bigquery.googleapis.com/bigquery/v2/projects/" + project + "/datasets/" + id,
		DatasetReference: &bigquery.DatasetReference{ProjectId: project, DatasetId: id},
		CreationTime:     state.Long(it, 80).UnixMilli(), LastModifiedTime: state.Long(it, 20).UnixMilli(),
		Access: []*bigquery.DatasetAccess{
			{Role: "WRITER", SpecialGroup: "projectWriters"}, {Role: "OWNER", SpecialGroup: "projectOwners"},
			{Role: "READER", GroupByEmail: "analysts@" + domain},
			{View: &bigquery.TableReference{ProjectId: project, DatasetId: "shared", TableId: "totals"}},
		},
		MaxTimeTravelHours: []int64{0, 48, 168}[it.Pick(3, "travel")],
	}
	if it.Pick(2, "expiration") == 0 {
		d.DefaultTableExpirationMs = 90 * 86_400_000
	}
	if it.Has("public") {
		d.Access = append(d.Access, &bigquery.DatasetAccess{Role: "READER", SpecialGroup: "allAuthenticatedUsers"})
		if it.Pick(2, "public") == 0 {
			d.Access[len(d.Access)-1] = &bigquery.DatasetAccess{Role: "roles/bigquery.metadataViewer", IamMember: "allUsers"}
		}
	}
	if !it.Has("google-key") {
		d.DefaultEncryptionConfiguration = bigQueryKey(it)
	}
	return d
}

func bigQueryKey(it *world.Item) *bigquery.EncryptionConfiguration {
	return &bigquery.EncryptionConfiguration{
		KmsKeyName: "projects/" + it.Account.ID + "/locations/" + it.Region + "/keyRings/data/cryptoKeys/warehouse"}
}

func describedTable(state *world.State, it *world.Item) *bigquery.Table {
	dataset, project := datasetID(datasetOf(state, it)), it.Account.ID
	t := &bigquery.Table{
		Kind: "bigquery#table", Id: project + ":" + dataset + "." + it.Name(), Type: "TABLE", Location: it.Region,
		TableReference: &bigquery.TableReference{ProjectId: project, DatasetId: dataset, TableId: it.Name()},
		Labels:         map[string]string{"team": "data"}, CreationTime: state.Long(it, 40).UnixMilli(),
	}
	switch { // neither holds data that a key could protect
	case it.Has("view"):
		t.Type, t.View = "VIEW", &bigquery.ViewDefinition{Query: "SELECT 1"}
		return t
	case it.Has("external"):
		t.Type = "EXTERNAL"
		t.ExternalDataConfiguration = &bigquery.ExternalDataConfiguration{SourceFormat: "PARQUET", SourceUris: []string{"gs://lake/*"}}
		return t
	}
	if it.Pick(2, "expiration") == 0 {
		t.ExpirationTime = state.World.Start.AddDate(2, 0, 0).UnixMilli()
	}
	base := &bigquery.TableReference{ProjectId: project, DatasetId: dataset, TableId: "base"}
	switch it.Pick(4, "kind") {
	case 1:
		t.Type, t.MaterializedView = "MATERIALIZED_VIEW", &bigquery.MaterializedViewDefinition{Query: "SELECT COUNT(*) FROM base"}
	case 2:
		t.Type, t.SnapshotDefinition = "SNAPSHOT", &bigquery.SnapshotDefinition{BaseTableReference: base, SnapshotTime: stamp(state.Long(it, 40))}
	case 3:
		t.CloneDefinition = &bigquery.CloneDefinition{BaseTableReference: base, CloneTime: stamp(state.Long(it, 40))}
	}
	if !it.Has("google-key") {
		t.EncryptionConfiguration = bigQueryKey(it)
	}
	return t
}
