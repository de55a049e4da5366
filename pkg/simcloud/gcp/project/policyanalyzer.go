package project

import (
	"encoding/json"
	"time"

	"google.golang.org/api/googleapi"
	"google.golang.org/api/policyanalyzer/v1"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The record of who signed in when. It reaches back half a year, in projects that are watched only briefly a month.
var policyAnalyzerService = service{
	kinds: []world.Kind{{
		Name: "gcp.activity_record", Sort: inProject, Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "brief", Drift: 0.4}},
	}},
	handle: handlePolicyAnalyzer,
}

func watchedBriefly(s *world.State) bool {
	return s.Find("gcp.activity_record", posture.Global, 0).Has("brief")
}

func watchedSince(s *world.State) time.Time {
	if watchedBriefly(s) {
		return s.Time().AddDate(0, 0, -30)
	}
	return s.Time().AddDate(0, -6, 0)
}

// lastUse is when an account or key was last used. Of the unused ones some were used long ago, the others never.
func lastUse(s *world.State, it *world.Item) (at time.Time, ever bool) {
	if it.Has("unused") {
		return s.Long(it, 100), it.Pick(2, "ever") == 0
	}
	return s.Since(it, 20, "use"), true
}

func handlePolicyAnalyzer(s *gcp.Server, w *states) {
	gcp.List(s, "policyanalyzer.projects.locations.activityTypes.activities.query", "activities",
		func(c gcp.Call) (*policyanalyzer.GoogleCloudPolicyanalyzerV1QueryActivityResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			out := &policyanalyzer.GoogleCloudPolicyanalyzerV1QueryActivityResponse{}
			add := func(subject, name, account string, it *world.Item) {
				if at, ever := lastUse(state, it); ever && at.After(watchedSince(state)) {
					out.Activities = append(out.Activities, newActivity(state, c.Params["activityTypesId"], subject, name, account, at))
				}
			}
			if c.Params["activityTypesId"] == "serviceAccountLastAuthentication" {
				for _, it := range accounts(state) {
					add("serviceAccount", accountName(it), uniqueID(it), it)
				}
				return out, nil
			}
			for _, it := range state.Items("gcp.service_account_key") {
				if account := accountOfKey(state, it); account != nil {
					add("serviceAccountKey", accountName(account)+"/keys/"+keyID(state, it), uniqueID(account), it)
				}
			}
			return out, nil
		})
}

// newActivity is one entry; times are whole days of California's clock.
func newActivity(s *world.State, kind, subject, name, account string, at time.Time) *policyanalyzer.GoogleCloudPolicyanalyzerV1Activity {
	day := func(t time.Time) string { return stamp(t.Truncate(24 * time.Hour).Add(7 * time.Hour)) }
	activity, _ := json.Marshal(map[string]any{ // strings
		"lastAuthenticatedTime": day(at),
		subject: map[string]string{
			"fullResourceName": "//iam.googleapis.com/" + name, "projectNumber": Number(s.Account.ID), "serviceAccountId": account,
		},
	})
	return &policyanalyzer.GoogleCloudPolicyanalyzerV1Activity{
		Activity: googleapi.RawMessage(activity), ActivityType: kind, FullResourceName: "//iam.googleapis.com/" + name,
		ObservationPeriod: &policyanalyzer.GoogleCloudPolicyanalyzerV1ObservationPeriod{StartTime: day(watchedSince(s)), EndTime: day(s.Time().AddDate(0, 0, -1))},
	}
}
