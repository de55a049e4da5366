package gcp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/api/bigquery/v2"
	crm "google.golang.org/api/cloudresourcemanager/v3"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var datasets = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DatasetType, schema.TableType},
	Scope: collectors.Located,
	Operations: []collectors.Operation{
		{Name: "cloudresourcemanager.projects.testIamPermissions", Body: collectors.Store},
		{Name: "bigquery.datasets.list", Permission: "bigquery.datasets.get", Body: collectors.Store},
		// Whom a dataset is listed to may also get it, except in projects that guard access lists by a permission of their own.
		{Name: "bigquery.datasets.get", Permission: "bigquery.datasets.getIamPolicy", Body: collectors.Store},
		{Name: "bigquery.tables.list", Permission: "bigquery.tables.list", Body: collectors.Store},
		{Name: "bigquery.tables.get", Permission: "bigquery.tables.get", Body: collectors.Store},
	},
	Collect: func(ctx context.Context, c *client, emit collectors.Emit) error {
		return collectDatasets(ctx, c, emit, mostTables)
	},
}

// mostTables is how many tables of a project are asked for their key. At half of BigQuery's rate that takes a quarter of an hour;
// of those beyond it the key stays unread.
const mostTables = 20_000

// collectDatasets makes two calls for each dataset, for its settings and its tables, and one for each table that holds data:
// only there is the table's key. Everything else about a table is in the list, so views and external tables cost nothing.
func collectDatasets(ctx context.Context, c *client, emit collectors.Emit, tables int) error {
	api, err := bigquery.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	missing := []error{maySeeDatasets(ctx, c)}
	var found []*bigquery.DatasetListDatasets
	seen := map[string]bool{}
	err = api.Datasets.List(c.project).MaxResults(1000).Pages(ctx, func(page *bigquery.DatasetList) error {
		for _, place := range page.Unreachable {
			for _, t := range []*posture.Type{schema.DatasetType, schema.TableType} {
				missing = append(missing, collectors.IncompleteIn(place, t, unreachable("bigquery.datasets.list", place)))
			}
		}
		for _, d := range page.Datasets {
			if !seen[d.Id] { // a page offered twice; the transport ends such a list
				seen[d.Id] = true
				found = append(found, d)
			}
		}
		return nil
	})
	if err != nil {
		missing = append(missing, fmt.Errorf("list datasets: %w", err))
	}
	for _, d := range found {
		emitDataset(ctx, c, api, d, emit)
		left, err := emitTables(ctx, c, api, d, emit, tables)
		if err != nil {
			missing = append(missing, collectors.IncompleteIn(d.Location, schema.TableType, err))
		}
		tables = left
	}
	return errors.Join(missing...)
}

// maySeeDatasets fails when the list would be short: BigQuery leaves out of it, and refuses nobody, what the caller may not get.
func maySeeDatasets(ctx context.Context, c *client) error {
	api, err := crm.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	const needed = "bigquery.datasets.get"
	answer, err := api.Projects.TestIamPermissions(c.node, &crm.TestIamPermissionsRequest{Permissions: []string{needed}}).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("ask whether all datasets are listed: %w", err)
	}
	if !slices.Contains(answer.Permissions, needed) {
		return leftOut("bigquery.datasets.list", "datasets")
	}
	return nil
}

func emitDataset(ctx context.Context, c *client, api *bigquery.Service, listed *bigquery.DatasetListDatasets, emit collectors.Emit) {
	name := listed.DatasetReference.DatasetId
	out := &schema.Dataset{
		Meta: posture.Meta{Name: name, Tags: listed.Labels}, DatasetID: name, Location: listed.Location,
		Access: []schema.DatasetAccess{}, Hidden: strings.HasPrefix(name, "_"),
	}
	id := datasetPath(c.project, name)
	d, err := api.Datasets.Get(c.project, name).AccessPolicyVersion(policyVersion).Context(ctx).Do()
	if err != nil {
		emit(id, collectors.In(listed.Location, out), collectors.Unread(fmt.Errorf("read dataset: %w", err),
			"created_at", "kms_key_name", "access", "public", "default_table_expiration_ms", "max_time_travel_hours"))
		return
	}
	out.CreatedAt = milliseconds(d.CreationTime)
	out.DefaultTableExpirationMs, out.MaxTimeTravelHours = d.DefaultTableExpirationMs, cmp.Or(d.MaxTimeTravelHours, 168)
	if d.DefaultEncryptionConfiguration != nil {
		out.KMSKeyName = d.DefaultEncryptionConfiguration.KmsKeyName
	}
	for _, entry := range d.Access {
		out.Access = append(out.Access, datasetAccess(entry))
		out.Public = out.Public || everybody(entry.SpecialGroup) || everybody(entry.IamMember)
	}
	slices.SortFunc(out.Access, func(a, b schema.DatasetAccess) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Condition, b.Condition))
	})
	var gaps []collectors.Gap
	if len(d.Access) == 0 { // a dataset always has an owner: the caller may not see the list
		gaps = append(gaps, collectors.Unread(leftOut("bigquery.datasets.get", "access"), "access", "public"))
	}
	emit(id, collectors.In(listed.Location, out), gaps...)
}

func datasetPath(project, dataset string) string {
	return "projects/" + project + "/datasets/" + dataset
}

func datasetAccess(entry *bigquery.DatasetAccess) schema.DatasetAccess {
	out := schema.DatasetAccess{Role: entry.Role}
	for _, named := range []struct{ kind, value string }{
		{"user", entry.UserByEmail}, {"group", entry.GroupByEmail}, {"domain", entry.Domain},
		{"special_group", entry.SpecialGroup}, {"iam_member", entry.IamMember},
	} {
		if named.value != "" {
			out.Kind, out.Value = named.kind, named.value
		}
	}
	switch view, routine, dataset := entry.View, entry.Routine, entry.Dataset; {
	case view != nil:
		out.Kind, out.Value = "view", datasetPath(view.ProjectId, view.DatasetId)+"/tables/"+view.TableId
	case routine != nil:
		out.Kind, out.Value = "routine", datasetPath(routine.ProjectId, routine.DatasetId)+"/routines/"+routine.RoutineId
	case dataset != nil && dataset.Dataset != nil:
		out.Kind, out.Value = "dataset", datasetPath(dataset.Dataset.ProjectId, dataset.Dataset.DatasetId)
	}
	if entry.Condition != nil {
		out.Condition = entry.Condition.Expression
	}
	return out
}

// emitTables emits the tables of a dataset and asks for the keys of no more than most of them. It returns how many more may be
// asked for.
func emitTables(
	ctx context.Context, c *client, api *bigquery.Service, d *bigquery.DatasetListDatasets, emit collectors.Emit, most int,
) (left int, err error) {
	var group errgroup.Group
	group.SetLimit(8)
	dataset := d.DatasetReference.DatasetId
	err = api.Tables.List(c.project, dataset).MaxResults(1000).Pages(ctx, func(page *bigquery.TableList) error {
		for _, t := range page.Tables {
			name := t.TableReference.TableId
			id := datasetPath(c.project, dataset) + "/tables/" + name
			out := &schema.Table{
				Meta:    posture.Meta{Name: name, Tags: t.Labels, CreatedAt: milliseconds(t.CreationTime)},
				TableID: name, DatasetID: dataset, Kind: t.Type, ExpirationTime: milliseconds(t.ExpirationTime),
			}
			open := []string{"kms_key_name"}
			if t.Type == "TABLE" { // or a clone
				open = append(open, "kind")
			}
			switch {
			case t.Type == "VIEW" || t.Type == "EXTERNAL":
				emit(id, collectors.In(d.Location, out))
			case most <= 0:
				emit(id, collectors.In(d.Location, out), collectors.NotCollected(open...))
			default:
				most--
				group.Go(func() error {
					if err := readTable(ctx, c, api, out); err != nil {
						emit(id, collectors.In(d.Location, out), collectors.Unread(err, open...))
						return nil
					}
					emit(id, collectors.In(d.Location, out))
					return nil
				})
			}
		}
		return nil
	})
	_ = group.Wait() // errors are handed over as gaps
	if err != nil {
		return most, fmt.Errorf("list tables of %s: %w", dataset, err)
	}
	return most, nil
}

// readTable adds what the list does not say: the key, and whether a table is a clone. It asks for neither columns nor statistics.
func readTable(ctx context.Context, c *client, api *bigquery.Service, out *schema.Table) error {
	t, err := api.Tables.Get(c.project, out.DatasetID, out.TableID).View("BASIC").
		Fields("type", "cloneDefinition/cloneTime", "encryptionConfiguration/kmsKeyName").Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("read table: %w", err)
	}
	if t.EncryptionConfiguration != nil {
		out.KMSKeyName = t.EncryptionConfiguration.KmsKeyName
	}
	if t.CloneDefinition != nil {
		out.Kind = "CLONE"
	}
	return nil
}

// milliseconds reads BigQuery's times; 0 is absent.
func milliseconds(since int64) posture.Opt[time.Time] {
	if since == 0 {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(time.UnixMilli(since).UTC())
}
