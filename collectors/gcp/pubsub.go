package gcp

import (
	"context"
	"fmt"
	"path"
	"slices"

	"google.golang.org/api/pubsub/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var topics = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TopicType},
	Operations: []collectors.Operation{
		{Name: "pubsub.projects.topics.list", Permission: "pubsub.topics.list", Body: collectors.Redact("code")}, // of transforms
		{Name: "pubsub.projects.topics.getIamPolicy", Permission: "pubsub.topics.getIamPolicy", Body: collectors.Store},
		searchResources,
		searchPolicies,
	},
	Collect: collectTopics,
}

func collectTopics(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := pubsub.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	err = api.Projects.Topics.List(c.node).PageSize(1000).Pages(ctx, func(page *pubsub.ListTopicsResponse) error {
		for _, t := range page.Topics {
			out := schema.Topic{
				Meta:      posture.Meta{Name: path.Base(t.Name), Tags: t.Labels},
				ProjectID: c.project, KMSKeyName: t.KmsKeyName, AllowedPersistenceRegions: []string{},
			}
			if t.MessageStoragePolicy != nil {
				out.AllowedPersistenceRegions = append(out.AllowedPersistenceRegions, t.MessageStoragePolicy.AllowedPersistenceRegions...)
				slices.Sort(out.AllowedPersistenceRegions)
			}
			ask := api.Projects.Topics.GetIamPolicy(t.Name).OptionsRequestedPolicyVersion(policyVersion).Context(ctx)
			var err error
			if out.IAM, err = readGrants(ctx, c, ask.Do, topicGrants, "//pubsub.googleapis.com/"+t.Name); err != nil {
				emit(t.Name, &out, collectors.Unread(err, "iam"))
				continue
			}
			emit(t.Name, &out)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list topics: %w", err)
	}
	return nil
}

func topicGrants(p *pubsub.Policy) schema.Grants {
	out := schema.Grants{Bindings: []schema.Binding{}}
	for _, b := range p.Bindings {
		condition := ""
		if b.Condition != nil {
			condition = b.Condition.Expression
		}
		out.Bindings = append(out.Bindings, binding(b.Role, b.Members, condition))
	}
	return out
}
