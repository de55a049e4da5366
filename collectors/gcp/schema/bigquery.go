package schema

import (
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Dataset is one BigQuery dataset; its id is "projects/acme/datasets/sales". Its name is the dataset's id, its tags the labels.
// Source: bigquery datasets.list, datasets.get.
//
//posture:type gcp.bigquery.dataset
type Dataset struct {
	posture.Meta
	DatasetID                string          `json:"dataset_id"`
	Location                 string          `json:"location"`     // "EU", "europe-west1"
	KMSKeyName               string          `json:"kms_key_name"` // of tables made from now on; "": a key of Google's
	Access                   []DatasetAccess `json:"access"`
	Public                   bool            `json:"public"`                      // everybody, or every Google account, is let in
	DefaultTableExpirationMs int64           `json:"default_table_expiration_ms"` // 0: tables stay
	MaxTimeTravelHours       int64           `json:"max_time_travel_hours"`       // how far back changed rows can be read
	Hidden                   bool            `json:"hidden"`                      // made by BigQuery for itself: the id begins with "_"
}

// DatasetAccess is one entry of a dataset's access list.
type DatasetAccess struct {
	Role string `json:"role"` // READER, WRITER, OWNER or a role of IAM; "" for views, routines and datasets, which may read
	Kind string `json:"kind"` // user, group, domain, special_group, iam_member, view, routine, dataset
	// Value names who or what: "ada@example.com", "allAuthenticatedUsers", "projects/acme/datasets/sales/tables/totals".
	Value     string `json:"value"`
	Condition string `json:"condition"` // CEL; "": always
}

// Table is one BigQuery table, view, snapshot or clone; its id is "projects/acme/datasets/sales/tables/orders". Its name is the
// table's id, its tags the labels.
// Source: bigquery tables.list, tables.get.
//
//posture:type gcp.bigquery.table
type Table struct {
	posture.Meta
	TableID        string                 `json:"table_id"`
	DatasetID      string                 `json:"dataset_id"`
	Kind           string                 `json:"kind"`            // TABLE, VIEW, MATERIALIZED_VIEW, EXTERNAL, SNAPSHOT, CLONE
	KMSKeyName     string                 `json:"kms_key_name"`    // "": a key of Google's; also of views and external tables
	ExpirationTime posture.Opt[time.Time] `json:"expiration_time"` // absent: never
}
