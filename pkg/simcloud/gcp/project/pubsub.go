package project

import (
	"slices"

	"google.golang.org/api/pubsub/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var pubsubService = service{
	api: "pubsub.googleapis.com",
	kinds: []world.Kind{{
		Name: "gcp.topic", Sort: inProject, Global: true, Count: 4,
		Defects: []world.Defect{{Name: "google-key", Share: 0.4, Drift: 0.2}, {Name: "anywhere", Share: 0.5}, {Name: "public", Drift: 0.2}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("gcp.pubsub.topic", topicName(it)), map[string]posture.Result{"gcp-pubsub-topic-cmek": failIf(it.Has("google-key"))}
		},
	}},
	handle: handlePubSub,
}

func topicName(it *world.Item) string { return "projects/" + it.Account.ID + "/topics/" + it.Name() }

func handlePubSub(s *gcp.Server, w *states) {
	gcp.List(s, "pubsub.projects.topics.list", "topics", func(c gcp.Call) (*pubsub.ListTopicsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &pubsub.ListTopicsResponse{}
		for _, it := range state.Items("gcp.topic") {
			t := &pubsub.Topic{Name: topicName(it), Labels: map[string]string{"team": "shop"}, State: "ACTIVE", MessageRetentionDuration: "86400s"}
			if !it.Has("google-key") {
				t.KmsKeyName = "projects/" + it.Account.ID + "/locations/" + state.Account.Home() + "/keyRings/data/cryptoKeys/messages"
			}
			if !it.Has("anywhere") {
				t.MessageStoragePolicy = &pubsub.MessageStoragePolicy{AllowedPersistenceRegions: state.Account.Regions, EnforceInTransit: true}
			}
			out.Topics = append(out.Topics, t)
		}
		return out, nil
	})
	gcp.Handle(s, "pubsub.projects.topics.getIamPolicy", func(c gcp.Call) (*pubsub.Policy, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		topics := state.Items("gcp.topic")
		i := slices.IndexFunc(topics, func(it *world.Item) bool { return it.Name() == c.Params["topicsId"] })
		if i < 0 {
			return nil, gcp.NotFound("The topic")
		}
		out := &pubsub.Policy{Version: 1, Etag: "BwXhqEC=", Bindings: []*pubsub.Binding{
			{Role: "roles/pubsub.publisher", Members: []string{"serviceAccount:orders@" + c.Account + ".iam.gserviceaccount.com"}},
		}}
		if topics[i].Has("public") {
			out.Bindings[0].Members = append(out.Bindings[0].Members, "allAuthenticatedUsers")
		}
		return out, nil
	})
}
