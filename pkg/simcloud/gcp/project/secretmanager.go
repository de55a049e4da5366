package project

import (
	"path"

	"google.golang.org/api/secretmanager/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var secretManagerService = service{
	api: "secretmanager.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.secret", Sort: inProject, Global: true, Count: 5,
		Defects: []world.Defect{{Name: "public", Drift: 0.2}, {Name: "not-rotated", Share: 0.3, Drift: 0.1}, {Name: "rotated-slowly", Share: 0.15},
			{Name: "rotation-halted", Drift: 0.15}, {Name: "temporary", Share: 0.15}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("gcp.secretmanager.secret", secretName(it)), map[string]posture.Result{
				"gcp-secret-not-public": failIf(it.Has("public")),
				"gcp-secret-rotation-configured": unless(it.Has("temporary"),
					failIf(it.Has("not-rotated") || it.Has("rotated-slowly") || it.Has("rotation-halted"))),
			}
		},
	}},
	handle: handleSecretManager,
}

func secretName(it *world.Item) string {
	return "projects/" + Number(it.Account.ID) + "/secrets/" + it.Name()
}

func handleSecretManager(s *gcp.Server, w *states) {
	gcp.List(s, "secretmanager.projects.secrets.list", "secrets", func(c gcp.Call) (*secretmanager.ListSecretsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &secretmanager.ListSecretsResponse{}
		for _, it := range state.Items("gcp.secret") {
			out.Secrets = append(out.Secrets, newSecret(state, it))
		}
		out.TotalSize = int64(len(out.Secrets))
		return out, nil
	})
	gcp.Handle(s, "secretmanager.projects.secrets.getIamPolicy", func(c gcp.Call) (*secretmanager.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		for _, it := range state.Items("gcp.secret") {
			if path.Base(secretName(it)) != c.Params["secretsId"] {
				continue
			}
			out := &secretmanager.Policy{Version: 1, Etag: "BwXhqDx=", Bindings: []*secretmanager.Binding{
				{Role: "roles/secretmanager.secretAccessor", Members: []string{"group:platform@" + domain}},
			}}
			if it.Has("public") {
				out.Bindings[0].Members = append(out.Bindings[0].Members, "allAuthenticatedUsers")
			}
			return out, nil
		}
		return nil, gcp.NotFound("Secret " + c.Params["secretsId"])
	})
}

func newSecret(s *world.State, it *world.Item) *secretmanager.Secret {
	out := &secretmanager.Secret{
		Name: secretName(it), CreateTime: stamp(s.Long(it, 30)), Labels: map[string]string{"team": "platform"}, Etag: `"15f0a2b3c4d5e6"`,
		Replication: &secretmanager.Replication{Automatic: &secretmanager.Automatic{}},
	}
	switch it.Pick(3, "replication") {
	case 0:
		out.Replication.Automatic.CustomerManagedEncryption = &secretmanager.CustomerManagedEncryption{KmsKeyName: keyForSecrets(it, posture.Global)}
	case 1:
		out.Replication = &secretmanager.Replication{UserManaged: &secretmanager.UserManaged{}}
		for _, region := range it.Account.Regions {
			out.Replication.UserManaged.Replicas = append(out.Replication.UserManaged.Replicas, &secretmanager.Replica{
				Location: region, CustomerManagedEncryption: &secretmanager.CustomerManagedEncryption{KmsKeyName: keyForSecrets(it, region)}})
		}
	}
	if it.Has("temporary") {
		out.ExpireTime = stamp(s.World.Start.AddDate(1, 0, 0))
	}
	if it.Has("not-rotated") {
		return out
	}
	out.Topics = []*secretmanager.Topic{{Name: "projects/" + it.Account.ID + "/topics/secrets"}}
	out.Rotation = &secretmanager.Rotation{RotationPeriod: "5184000s", NextRotationTime: stamp(s.Since(it, 60, "rotated").AddDate(0, 0, 60))}
	if it.Has("rotated-slowly") {
		out.Rotation.RotationPeriod = "31536000s"
	}
	if it.Has("rotation-halted") {
		out.Rotation.NextRotationTime = stamp(s.Long(it, 3))
	}
	return out
}

func keyForSecrets(it *world.Item, location string) string {
	return "projects/" + it.Account.ID + "/locations/" + location + "/keyRings/data/cryptoKeys/secrets"
}
