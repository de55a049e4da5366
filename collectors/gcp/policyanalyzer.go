package gcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"strings"

	"google.golang.org/api/policyanalyzer/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// activityTypes are the kinds of use that are asked for: that of accounts and that of their keys.
var activityTypes = []string{"serviceAccountLastAuthentication", "serviceAccountKeyLastAuthentication"}

// activities asks one operation about both kinds of use; each needs a permission of its own.
var activities = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ActivityType},
	Operations: []collectors.Operation{{
		Name:       "policyanalyzer.projects.locations.activityTypes.activities.query",
		Permission: "policyanalyzer.serviceAccountLastAuthenticationActivities.query, policyanalyzer.serviceAccountKeyLastAuthenticationActivities.query",
		Body:       collectors.Store,
	}},
	Collect: collectActivities,
}

func collectActivities(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := policyanalyzer.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	var failed []error
	for _, kind := range activityTypes {
		query := api.Projects.Locations.ActivityTypes.Activities.Query(c.node + "/locations/global/activityTypes/" + kind).PageSize(1000)
		err := query.Pages(ctx, func(page *policyanalyzer.GoogleCloudPolicyanalyzerV1QueryActivityResponse) error {
			for _, a := range page.Activities {
				out, gaps := newActivity(a)
				emit(strings.TrimPrefix(a.FullResourceName, "//iam.googleapis.com/"), &out, gaps...)
			}
			return nil
		})
		if err != nil {
			failed = append(failed, fmt.Errorf("query %s: %w", kind, err))
		}
	}
	return errors.Join(failed...)
}

func newActivity(a *policyanalyzer.GoogleCloudPolicyanalyzerV1Activity) (schema.Activity, []collectors.Gap) {
	out := schema.Activity{Meta: posture.Meta{Name: path.Base(a.FullResourceName)}, ActivityType: a.ActivityType, FullResourceName: a.FullResourceName}
	if p := a.ObservationPeriod; p != nil {
		out.ObservationStart, out.ObservationEnd = timestamp(p.StartTime), timestamp(p.EndTime)
	}
	if len(a.Activity) == 0 {
		return out, nil
	}
	var seen struct {
		LastAuthenticatedTime string `json:"lastAuthenticatedTime"`
	}
	if err := json.Unmarshal(a.Activity, &seen); err != nil {
		return out, []collectors.Gap{collectors.Unread(fmt.Errorf("activity of %s: %w", a.FullResourceName, err), "last_authenticated")}
	}
	out.LastAuthenticated = timestamp(seen.LastAuthenticatedTime)
	return out, nil
}
