package azure

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var conditionalAccess = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ConditionalAccessPolicyType},
	Operations: []collectors.Operation{
		{Name: "graph.conditionalAccessPolicies", Permission: "Graph: Policy.Read.All", Body: collectors.Store},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectConditionalAccess,
}

func collectConditionalAccess(ctx context.Context, c *client, emit collectors.Emit) error {
	return premiumPages(ctx, c, "/v1.0/identity/conditionalAccess/policies", premiumP1, func(p caPolicy) error {
		out := p.policy()
		emit(p.ID, &out)
		return nil
	})
}

// premiumPages lists what only tenants with a plan can have: without it there are none.
func premiumPages[T any](ctx context.Context, c *client, path, plan string, each func(T) error) error {
	err := graphPages(ctx, c.graph, path, nil, each)
	if err == nil {
		return nil
	}
	none, err := lacks(fmt.Errorf("list %s: %w", path[strings.LastIndexByte(path, '/')+1:], err), plan,
		func() *licences { return readLicences(ctx, c.graph) })
	if none {
		return nil
	}
	return err
}

// caPolicy is a Conditional Access policy as Graph writes it.
type caPolicy struct {
	ID         string     `json:"id"`
	Name       string     `json:"displayName"`
	State      string     `json:"state"`
	Created    *time.Time `json:"createdDateTime"`
	Conditions struct {
		Users struct {
			Include       []string        `json:"includeUsers"`
			Exclude       []string        `json:"excludeUsers"`
			ExcludeGroups []string        `json:"excludeGroups"`
			IncludeRoles  []string        `json:"includeRoles"`
			ExcludeRoles  []string        `json:"excludeRoles"`
			Guests        json.RawMessage `json:"includeGuestsOrExternalUsers"`
		} `json:"users"`
		Applications struct {
			Include []string `json:"includeApplications"`
			Exclude []string `json:"excludeApplications"`
			Actions []string `json:"includeUserActions"`
		} `json:"applications"`
		Clients     []string `json:"clientAppTypes"`
		SignInRisk  []string `json:"signInRiskLevels"`
		UserRisk    []string `json:"userRiskLevels"`
		InsiderRisk string   `json:"insiderRiskLevels"`
		Flows       struct {
			Methods string `json:"transferMethods"`
		} `json:"authenticationFlows"`
		Locations struct {
			Include []string `json:"includeLocations"`
			Exclude []string `json:"excludeLocations"`
		} `json:"locations"`
		Platforms struct {
			Include []string `json:"includePlatforms"`
			Exclude []string `json:"excludePlatforms"`
		} `json:"platforms"`
		Devices struct {
			Filter json.RawMessage `json:"deviceFilter"`
		} `json:"devices"`
	} `json:"conditions"`
	Grant struct {
		Operator string   `json:"operator"`
		BuiltIn  []string `json:"builtInControls"`
		Custom   []string `json:"customAuthenticationFactors"`
		Terms    []string `json:"termsOfUse"`
		Strength struct {
			ID string `json:"id"`
		} `json:"authenticationStrength"`
	} `json:"grantControls"`
	Session struct {
		Frequency struct {
			Enabled  bool   `json:"isEnabled"`
			Value    int    `json:"value"`
			Unit     string `json:"type"` // hours, days
			Interval string `json:"frequencyInterval"`
		} `json:"signInFrequency"`
	} `json:"sessionControls"`
}

func (p caPolicy) policy() schema.ConditionalAccessPolicy {
	users, apps, conditions := p.Conditions.Users, p.Conditions.Applications, p.Conditions
	return schema.ConditionalAccessPolicy{
		Meta: posture.Meta{Name: p.Name, CreatedAt: moment(p.Created)}, DisplayName: p.Name, State: p.State,
		IncludeUsers: some(users.Include), ExcludeUsers: some(users.Exclude), ExcludeGroups: some(users.ExcludeGroups),
		IncludeRoles: some(users.IncludeRoles), ExcludeRoles: some(users.ExcludeRoles),
		IncludeGuests:       isSet(users.Guests) || slices.Contains(users.Include, "GuestsOrExternalUsers"),
		IncludeApplications: some(apps.Include), ExcludeApplications: some(apps.Exclude), IncludeUserActions: some(apps.Actions),
		ClientAppTypes: some(conditions.Clients), SignInRiskLevels: some(conditions.SignInRisk), UserRiskLevels: some(conditions.UserRisk),
		TransferMethods:  p.transferMethods(),
		IncludeLocations: some(conditions.Locations.Include), ExcludeLocations: some(conditions.Locations.Exclude),
		IncludePlatforms: some(conditions.Platforms.Include),
		Grant: schema.CAGrant{Operator: p.Grant.Operator, BuiltInControls: some(p.Grant.BuiltIn),
			AuthenticationStrengthID: p.Grant.Strength.ID},
		Session:     schema.CASession{SignInFrequencyHours: p.signInFrequency()},
		RequiresMFA: p.requiresMFA(), Narrowed: p.narrowed(),
	}
}

// some is the list, empty where Graph writes null.
func some(list []string) []string { return append([]string{}, list...) }

// isSet reports whether an object is there and not null.
func isSet(object json.RawMessage) bool { return len(object) > 0 && string(object) != "null" }

// transferMethods are the ways to sign in on another device, which Graph writes as one text.
func (p caPolicy) transferMethods() []string {
	out := []string{}
	for _, m := range strings.Split(p.Conditions.Flows.Methods, ",") {
		if m = strings.TrimSpace(m); m != "" && m != "none" {
			out = append(out, m)
		}
	}
	return out
}

func (p caPolicy) signInFrequency() posture.Opt[int] {
	f := p.Session.Frequency
	switch {
	case !f.Enabled:
		return posture.Opt[int]{}
	case f.Interval == "everyTime":
		return posture.Some(0)
	case f.Unit == "days":
		return posture.Some(f.Value * 24)
	}
	return posture.Some(f.Value)
}

// requiresMFA: a second factor is asked for, and where one of several controls is enough all of them are one.
func (p caPolicy) requiresMFA() bool {
	g := p.Grant
	others := len(g.Custom) + len(g.Terms)
	for _, control := range g.BuiltIn {
		if control != "mfa" {
			others++
		}
	}
	return (slices.Contains(g.BuiltIn, "mfa") || g.Strength.ID != "") && (g.Operator != "OR" || others == 0)
}

// narrowed: some sign-ins of the users to the applications are outside the policy.
func (p caPolicy) narrowed() bool {
	c := p.Conditions
	only := func(list []string, all ...string) bool { // it names some and not all
		return len(list) > 0 && !slices.ContainsFunc(list, func(s string) bool { return slices.Contains(all, s) })
	}
	clients := only(c.Clients, "all") && !(slices.Contains(c.Clients, "browser") && slices.Contains(c.Clients, "mobileAppsAndDesktopClients"))
	return clients || only(c.Locations.Include, "All") || only(c.Platforms.Include, "all") || len(c.Platforms.Exclude) > 0 ||
		len(c.SignInRisk) > 0 || len(c.UserRisk) > 0 || c.InsiderRisk != "" || len(p.transferMethods()) > 0 || isSet(c.Devices.Filter)
}

var namedLocations = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.NamedLocationType},
	Operations: []collectors.Operation{
		{Name: "graph.namedLocations", Permission: "Graph: Policy.Read.All", Body: collectors.Store},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectNamedLocations,
}

func collectNamedLocations(ctx context.Context, c *client, emit collectors.Emit) error {
	type location struct {
		ID      string     `json:"id"`
		Type    string     `json:"@odata.type"`
		Name    string     `json:"displayName"`
		Created *time.Time `json:"createdDateTime"`
		Trusted bool       `json:"isTrusted"`
		Ranges  []struct {
			CIDR string `json:"cidrAddress"`
		} `json:"ipRanges"`
		Countries []string `json:"countriesAndRegions"`
	}
	return premiumPages(ctx, c, "/v1.0/identity/conditionalAccess/namedLocations", premiumP1, func(l location) error {
		out := schema.NamedLocation{
			Meta: posture.Meta{Name: l.Name, CreatedAt: moment(l.Created)}, DisplayName: l.Name, Trusted: l.Trusted,
			Kind: strings.TrimSuffix(directory{Type: l.Type}.kind(), "NamedLocation"), IPRanges: []string{}, Countries: some(l.Countries),
		}
		for _, r := range l.Ranges {
			out.IPRanges = append(out.IPRanges, r.CIDR)
		}
		emit(l.ID, &out)
		return nil
	})
}

var applications = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ApplicationType},
	Operations: []collectors.Operation{
		{Name: "graph.applications", Permission: "Graph: Directory.Read.All",
			Body: collectors.Redact("hint", "secretText", "key", "customKeyIdentifier")},
	},
	Collect: collectApplications,
}

// appCredential is a secret or certificate as Graph writes it; the value is never there.
type appCredential struct {
	ID     string     `json:"keyId"`
	Starts *time.Time `json:"startDateTime"`
	Ends   *time.Time `json:"endDateTime"`
}

func collectApplications(ctx context.Context, c *client, emit collectors.Emit) error {
	type application struct {
		ID           string          `json:"id"`
		AppID        string          `json:"appId"`
		Name         string          `json:"displayName"`
		Audience     string          `json:"signInAudience"`
		Created      *time.Time      `json:"createdDateTime"`
		Passwords    []appCredential `json:"passwordCredentials"`
		Certificates []appCredential `json:"keyCredentials"`
	}
	query := map[string][]string{
		"$select": {"id,appId,displayName,signInAudience,createdDateTime,passwordCredentials,keyCredentials"}, "$top": {"999"},
	}
	err := graphPages(ctx, c.graph, "/v1.0/applications", query, func(a application) error {
		out := schema.Application{
			Meta: posture.Meta{Name: a.Name, CreatedAt: moment(a.Created)}, AppID: a.AppID, DisplayName: a.Name, SignInAudience: a.Audience,
			Credentials: schema.AppCredentials{List: []schema.AppCredential{}, Kinds: []string{}, PasswordCount: len(a.Passwords)},
		}
		addCredentials(&out.Credentials, "certificate", a.Certificates)
		addCredentials(&out.Credentials, "password", a.Passwords)
		emit(a.ID, &out)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list applications: %w", err)
	}
	return nil
}

// endless is the lifetime of a credential without an end: a hundred years, in days.
const endless = 36500

func addCredentials(out *schema.AppCredentials, kind string, list []appCredential) {
	if len(list) > 0 {
		out.Kinds = append(out.Kinds, kind)
	}
	for _, c := range list {
		out.List = append(out.List, schema.AppCredential{KeyID: c.ID, Kind: kind, StartsAt: moment(c.Starts), EndsAt: moment(c.Ends)})
		days := endless
		if c.Starts != nil && c.Ends != nil {
			days = int(math.Ceil(c.Ends.Sub(*c.Starts).Hours() / 24))
		}
		out.LongestLifetimeDays = max(out.LongestLifetimeDays, days)
		end, ends := moment(c.Ends).Get()
		if first, any := out.EarliestEnd.Get(); ends && (!any || end.Before(first)) {
			out.EarliestEnd = posture.Some(end)
		}
	}
}

var accessReviews = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AccessReviewType},
	Operations: []collectors.Operation{
		{Name: "graph.accessReviews", Permission: "Graph: AccessReview.Read.All", Body: collectors.Digest},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectAccessReviews,
}

// reviewScope says what a review looks at: one query, or those of principals and of resources.
type reviewScope struct {
	Query      string        `json:"query"`
	Principals []reviewScope `json:"principalScopes"`
	Resources  []reviewScope `json:"resourceScopes"`
}

func (s reviewScope) queries() []string {
	var out []string
	if s.Query != "" {
		out = append(out, s.Query)
	}
	for _, inner := range slices.Concat(s.Principals, s.Resources) {
		out = append(out, inner.queries()...)
	}
	return out
}

func collectAccessReviews(ctx context.Context, c *client, emit collectors.Emit) error {
	type definition struct {
		ID       string      `json:"id"`
		Name     string      `json:"displayName"`
		Created  *time.Time  `json:"createdDateTime"`
		Status   string      `json:"status"`
		Scope    reviewScope `json:"scope"`
		Settings struct {
			AutoApply  bool `json:"autoApplyDecisionsEnabled"`
			Recurrence struct {
				Pattern struct {
					Type     string `json:"type"`
					Interval int    `json:"interval"`
				} `json:"pattern"`
			} `json:"recurrence"`
		} `json:"settings"`
	}
	return premiumPages(ctx, c, "/v1.0/identityGovernance/accessReviews/definitions", premiumP2, func(d definition) error {
		query := strings.Join(d.Scope.queries(), " ; ")
		pattern := d.Settings.Recurrence.Pattern
		emit(d.ID, &schema.AccessReview{
			Meta: posture.Meta{Name: d.Name, CreatedAt: moment(d.Created)}, DisplayName: d.Name, Target: reviewTarget(query),
			RecurrenceDays: recurrenceDays(pattern.Type, pattern.Interval), Status: d.Status, AutoApply: d.Settings.AutoApply, ScopeQuery: query,
		})
		return nil
	})
}

// reviewTarget tells from the query what is reviewed; a review of guests in a group is one of guests.
func reviewTarget(query string) string {
	query = strings.ToLower(query)
	for _, sign := range [][2]string{
		{"usertype eq 'guest'", "guests"}, {"/rolemanagement/directory", "directory_role"}, {"/subscriptions/", "azure_role"},
		{"/managementgroups/", "azure_role"}, {"/azureresources", "azure_role"}, {"/groups", "group"}, {"/serviceprincipals", "application"},
	} {
		if strings.Contains(query, sign[0]) {
			return sign[1]
		}
	}
	return ""
}

// recurrenceDays is how many days pass between two reviews at most; absent for one that is held once.
func recurrenceDays(pattern string, interval int) posture.Opt[int] {
	interval = max(interval, 1)
	switch strings.ToLower(pattern) {
	case "daily":
		return posture.Some(interval)
	case "weekly":
		return posture.Some(7 * interval)
	case "absolutemonthly", "relativemonthly":
		return posture.Some((92*interval + 2) / 3) // three months in a row have 92 days at most
	case "absoluteyearly", "relativeyearly":
		return posture.Some(366 * interval)
	}
	return posture.Opt[int]{}
}

var entraDiagnostics = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.EntraDiagnosticSettingType},
	Operations: []collectors.Operation{
		{Name: "arm.aadiam.diagnosticSettings", Permission: "microsoft.aadiam/diagnosticSettings/read", Body: collectors.Store},
	},
	Collect: collectEntraDiagnostics,
}

// collectEntraDiagnostics makes a plain call: no SDK package has this one.
func collectEntraDiagnostics(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := arm.NewClient("plumbline", "v1.0.0", c.credential, c.options)
	if err != nil {
		return err
	}
	address := runtime.JoinPaths(api.Endpoint(), "/providers/microsoft.aadiam/diagnosticSettings") + "?api-version=2017-04-01"
	for address != "" {
		var page struct {
			Value []struct {
				ID         string `json:"id"`
				Name       string `json:"name"`
				Properties struct {
					Logs []struct {
						Category string `json:"category"`
						Enabled  bool   `json:"enabled"`
					} `json:"logs"`
					Workspace string `json:"workspaceId"`
					Storage   string `json:"storageAccountId"`
					EventHub  string `json:"eventHubAuthorizationRuleId"`
				} `json:"properties"`
			} `json:"value"`
			Next string `json:"nextLink"`
		}
		if err := armGet(ctx, api, address, &page); err != nil {
			return fmt.Errorf("list diagnostic settings of the directory: %w", err)
		}
		for _, s := range page.Value {
			out := schema.EntraDiagnosticSetting{
				Meta: posture.Meta{Name: s.Name}, LogCategories: []string{}, WorkspaceID: strings.ToLower(s.Properties.Workspace),
				StorageAccountID: strings.ToLower(s.Properties.Storage), EventHubRuleID: strings.ToLower(s.Properties.EventHub),
			}
			for _, l := range s.Properties.Logs {
				if l.Enabled {
					out.LogCategories = append(out.LogCategories, l.Category)
				}
			}
			emit(idOf(&s.ID), &out)
		}
		address = page.Next
	}
	return nil
}

// armGet reads one answer of Resource Manager into out.
func armGet(ctx context.Context, api *arm.Client, address string, out any) error {
	req, err := runtime.NewRequest(ctx, http.MethodGet, address)
	if err != nil {
		return err
	}
	resp, err := api.Pipeline().Do(req)
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return runtime.NewResponseError(resp)
	}
	return runtime.UnmarshalAsJSON(resp, out)
}
