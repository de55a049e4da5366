package project

import (
	"strings"

	"google.golang.org/api/storage/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var storageService = service{
	api: "storage.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.bucket", Sort: inProject, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "public-grant", Drift: 0.2}, {Name: "public-acl", Drift: 0.15}, {Name: "prevention", Share: 0.4},
			{Name: "fine-grained", Share: 0.2, Drift: 0.1}, {Name: "not-recoverable", Share: 0.2}, {Name: "google-key", Share: 0.4, Drift: 0.1},
			{Name: "no-lifecycle", Share: 0.3}, {Name: "unlocked", Share: 0.3}, {Name: "not-kept", Drift: 0.6}},
		Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			exposed := it.Has("public-grant") || it.Has("public-acl") && it.Has("fine-grained")
			return keyOf("gcp.storage.bucket", bucketName(it)), map[string]posture.Result{
				"gcp-storage-bucket-not-public":           failIf(exposed && !it.Has("prevention") && !enforces(s, "storage.publicAccessPrevention")),
				"gcp-storage-bucket-uniform-access":       failIf(it.Has("fine-grained")),
				"gcp-storage-bucket-recoverable":          failIf(it.Has("not-recoverable") && !kept(it)),
				"gcp-storage-bucket-cmek":                 failIf(it.Has("google-key")),
				"gcp-storage-bucket-lifecycle-defined":    failIf(it.Has("no-lifecycle") && !kept(it)),
				"gcp-storage-log-bucket-retention-locked": unless(!exported(s, it), failIf(!kept(it) || it.Has("unlocked"))),
			}
		},
	}},
	handle: handleStorage,
}

// kept: the first buckets are archives, where objects must stay for a year.
func kept(it *world.Item) bool { return it.Index < 3 && !it.Has("not-kept") }

// bucketName begins with the project's id: names of buckets are unique in the world.
func bucketName(it *world.Item) string { return it.Account.ID + "-" + it.Name() }

func handleStorage(s *gcp.Server, w *states) {
	gcp.List(s, "storage.buckets.list", "items", func(c gcp.Call) (*storage.Buckets, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &storage.Buckets{Kind: "storage#buckets"}
		for _, it := range state.Items("gcp.bucket") {
			out.Items = append(out.Items, bucket(state, it))
		}
		return out, nil
	})
	gcp.Handle(s, "storage.buckets.getIamPolicy", func(c gcp.Call) (*storage.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("gcp.bucket") {
			if bucketName(it) != c.Params["bucket"] {
				continue
			}
			out := &storage.Policy{Kind: "storage#policy", Version: 3, Bindings: []*storage.PolicyBindings{
				{Role: "roles/storage.legacyBucketOwner", Members: []string{"projectOwner:" + c.Account, "projectEditor:" + c.Account}},
			}}
			if it.Has("public-grant") {
				out.Bindings = append(out.Bindings, &storage.PolicyBindings{Role: "roles/storage.objectViewer", Members: []string{"allUsers"}})
			}
			return out, nil
		}
		return nil, gcp.NotFound("The specified bucket")
	})
}

func bucket(state *world.State, it *world.Item) *storage.Bucket {
	name := bucketName(it)
	b := &storage.Bucket{
		Kind: "storage#bucket", Id: name, Name: name, Location: strings.ToUpper(state.Account.Home()), LocationType: "region", StorageClass: "STANDARD",
		TimeCreated: stamp(state.Long(it, 100)), Updated: stamp(state.Long(it, 50)), Metageneration: 3, Labels: map[string]string{"team": "data"},
		IamConfiguration: &storage.BucketIamConfiguration{
			PublicAccessPrevention:   "inherited",
			UniformBucketLevelAccess: &storage.BucketIamConfigurationUniformBucketLevelAccess{Enabled: !it.Has("fine-grained")},
		},
	}
	if it.Has("prevention") {
		b.IamConfiguration.PublicAccessPrevention = "enforced"
	}
	if it.Has("fine-grained") {
		b.Acl = []*storage.BucketAccessControl{{Kind: "storage#bucketAccessControl", Entity: "project-owners-" + Number(it.Account.ID), Role: "OWNER"}}
		if it.Has("public-acl") {
			b.Acl = append(b.Acl, &storage.BucketAccessControl{Kind: "storage#bucketAccessControl", Entity: "allUsers", Role: "READER"})
		}
	}
	if it.Has("not-recoverable") {
		b.SoftDeletePolicy = &storage.BucketSoftDeletePolicy{}
	} else {
		b.SoftDeletePolicy = &storage.BucketSoftDeletePolicy{RetentionDurationSeconds: 7 * 86400}
		b.Versioning = &storage.BucketVersioning{Enabled: it.Pick(2, "versions") == 0}
	}
	if !it.Has("google-key") {
		b.Encryption = &storage.BucketEncryption{DefaultKmsKeyName: "projects/" + it.Account.ID + "/locations/europe-west1/keyRings/data/cryptoKeys/buckets"}
	}
	if kept(it) {
		b.RetentionPolicy = &storage.BucketRetentionPolicy{RetentionPeriod: 365 * 86400, IsLocked: !it.Has("unlocked"), EffectiveTime: stamp(state.Long(it, 50))}
	}
	if !it.Has("no-lifecycle") {
		b.Lifecycle = &storage.BucketLifecycle{Rule: []*storage.BucketLifecycleRule{{
			Action: &storage.BucketLifecycleRuleAction{Type: "Delete"}, Condition: &storage.BucketLifecycleRuleCondition{Age: new(int64(365))},
		}}}
	}
	return b
}
