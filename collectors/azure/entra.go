package azure

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var tenant = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.TenantType},
	Operations: []collectors.Operation{
		{Name: "graph.organization", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
		{Name: "graph.domains", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
		{Name: "graph.groupSettings", Permission: "Graph: Directory.Read.All", Body: collectors.Digest}, // the banned passwords are in it
		{Name: "graph.authorizationPolicy", Permission: "Graph: Policy.Read.All", Body: collectors.Store},
		{Name: "graph.securityDefaultsPolicy", Permission: "Graph: Policy.Read.All", Body: collectors.Store},
		{Name: "graph.authenticationMethodsPolicy", Permission: "Graph: Policy.Read.All", Body: collectors.Store},
		{Name: "graph.deviceRegistrationPolicy", Permission: "Graph: Policy.Read.DeviceConfiguration", Body: collectors.Store},
	},
	Collect: collectTenant,
}

// organizationFields leaves out the addresses of the people whom Microsoft writes to.
var organizationFields = url.Values{"$select": {"id,displayName"}}

func collectTenant(ctx context.Context, c *client, emit collectors.Emit) error {
	var answer struct {
		Value []struct {
			ID          string `json:"id"`
			DisplayName string `json:"displayName"`
		} `json:"value"`
	}
	if err := c.graph.get(ctx, "/v1.0/organization", organizationFields, &answer); err != nil {
		return fmt.Errorf("read tenant: %w", err)
	}
	for _, t := range answer.Value {
		out := schema.Tenant{Meta: posture.Meta{Name: t.DisplayName}, TenantID: t.ID, DisplayName: t.DisplayName}
		emit("tenants/"+c.tenant, &out, tenantSettings(ctx, c.graph, &out)...)
	}
	return nil
}

// tenantSettings reads what further calls say of the tenant.
func tenantSettings(ctx context.Context, g *graphClient, out *schema.Tenant) []collectors.Gap {
	var gaps []collectors.Gap
	for _, part := range []struct {
		paths []string
		read  func(context.Context, *graphClient, *schema.Tenant) error
	}{
		{[]string{"license"}, tenantLicense},
		{[]string{"security_defaults"}, securityDefaults},
		{[]string{"authorization"}, authorizationPolicy},
		{[]string{"groups", "passwords"}, groupSettings},
		{[]string{"auth_methods"}, authenticationMethods},
		{[]string{"device_registration"}, deviceRegistration},
		{[]string{"verified_domains"}, verifiedDomains},
	} {
		if err := part.read(ctx, g, out); err != nil {
			gaps = append(gaps, collectors.Unread(fmt.Errorf("read %s: %w", strings.Join(part.paths, " and "), err), part.paths...))
		}
	}
	return gaps
}

func tenantLicense(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	l := readLicences(ctx, g)
	out.License = schema.TenantLicense{P1: l.plans[premiumP1] || l.plans[premiumP2], P2: l.plans[premiumP2]}
	return l.err
}

func securityDefaults(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	var policy struct {
		Enabled bool `json:"isEnabled"`
	}
	err := g.get(ctx, "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy", nil, &policy)
	out.SecurityDefaults.Enabled = policy.Enabled
	return err
}

func authorizationPolicy(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	var policy struct {
		Invites   string `json:"allowInvitesFrom"`
		GuestRole string `json:"guestUserRoleId"`
		Users     struct {
			Apps    *bool    `json:"allowedToCreateApps"`
			Groups  *bool    `json:"allowedToCreateSecurityGroups"`
			Tenants *bool    `json:"allowedToCreateTenants"`
			Consent []string `json:"permissionGrantPoliciesAssigned"`
		} `json:"defaultUserRolePermissions"`
	}
	if err := g.get(ctx, "/v1.0/policies/authorizationPolicy", nil, &policy); err != nil {
		return err
	}
	unset := func(p *bool) bool { return p == nil || *p }
	out.Authorization = schema.TenantAuthorization{
		GuestInviteSetting: policy.Invites, GuestUserRoleID: strings.ToLower(policy.GuestRole),
		UsersCanCreateApps: unset(policy.Users.Apps), UsersCanCreateSecurityGroups: unset(policy.Users.Groups),
		UsersCanCreateTenants: unset(policy.Users.Tenants), UserConsentPolicies: []string{},
	}
	if policy.Invites == "" {
		out.Authorization.GuestInviteSetting = "everyone"
	}
	for _, p := range policy.Users.Consent {
		if strings.HasPrefix(strings.ToLower(p), "managepermissiongrantsforself.") {
			out.Authorization.UserConsentPolicies = append(out.Authorization.UserConsentPolicies, p)
		}
	}
	return nil
}

// The templates that group settings are made from.
const (
	unifiedGroups = "62375ab9-6b52-47ed-826b-58e47e0e304b"
	passwordRules = "5cf42378-d67d-4f36-ba46-e8b86229381d"
)

// groupSettings reads the settings that a tenant has only once it changed them.
func groupSettings(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	out.Groups.M365CreationEnabled = true
	out.Passwords = schema.TenantPasswords{LockoutThreshold: 10, LockoutDurationSeconds: 60}
	type setting struct {
		Template string `json:"templateId"`
		Values   []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"values"`
	}
	return graphPages(ctx, g, "/v1.0/groupSettings", nil, func(s setting) error {
		for _, v := range s.Values {
			number, err := strconv.Atoi(v.Value)
			switch {
			case s.Template == unifiedGroups && v.Name == "EnableGroupCreation":
				out.Groups.M365CreationEnabled = !strings.EqualFold(v.Value, "false")
			case s.Template == unifiedGroups && v.Name == "GroupCreationAllowedGroupId":
				out.Groups.M365CreationGroupID = v.Value
			case s.Template == passwordRules && v.Name == "LockoutThreshold" && err == nil:
				out.Passwords.LockoutThreshold = number
			case s.Template == passwordRules && v.Name == "LockoutDurationInSeconds" && err == nil:
				out.Passwords.LockoutDurationSeconds = number
			case s.Template == passwordRules && v.Name == "EnableBannedPasswordCheck":
				out.Passwords.BannedListEnforced = strings.EqualFold(v.Value, "true")
			case s.Template == passwordRules && v.Name == "BannedPasswordCheckOnPremisesMode":
				out.Passwords.BannedListOnPremisesMode = v.Value
			}
		}
		return nil
	})
}

func authenticationMethods(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	var policy struct {
		Migration   string `json:"policyMigrationState"`
		Enforcement struct {
			Campaign struct {
				State string `json:"state"`
			} `json:"authenticationMethodsRegistrationCampaign"`
		} `json:"registrationEnforcement"`
		Methods []struct {
			ID    string `json:"id"`
			State string `json:"state"`
		} `json:"authenticationMethodConfigurations"`
	}
	if err := g.get(ctx, "/v1.0/policies/authenticationMethodsPolicy", nil, &policy); err != nil {
		return err
	}
	out.AuthMethods = schema.TenantAuthMethods{
		MigrationState: policy.Migration, RegistrationCampaignState: policy.Enforcement.Campaign.State, Enabled: []string{},
	}
	for _, m := range policy.Methods {
		if m.State == "enabled" {
			out.AuthMethods.Enabled = append(out.AuthMethods.Enabled, m.ID)
		}
	}
	return nil
}

func deviceRegistration(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	var policy struct {
		MFA string `json:"multiFactorAuthConfiguration"`
	}
	err := g.get(ctx, "/beta/policies/deviceRegistrationPolicy", nil, &policy) // there is no other version of it
	out.DeviceRegistration.MFARequired = policy.MFA == "required"
	return err
}

func verifiedDomains(ctx context.Context, g *graphClient, out *schema.Tenant) error {
	out.VerifiedDomains = []string{}
	type domain struct {
		ID       string `json:"id"`
		Verified bool   `json:"isVerified"`
	}
	return graphPages(ctx, g, "/v1.0/domains", nil, func(d domain) error {
		if d.Verified {
			out.VerifiedDomains = append(out.VerifiedDomains, d.ID)
		}
		return nil
	})
}

var users = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.UserType},
	Operations: []collectors.Operation{
		{Name: "graph.users", Permission: "Graph: Directory.Read.All, Graph: AuditLog.Read.All", Body: collectors.Digest},
		{Name: "graph.userRegistrationDetails", Permission: "Graph: AuditLog.Read.All", Body: collectors.Digest},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectUsers,
}

// graphUser is a user as Graph writes it.
type graphUser struct {
	ID            string     `json:"id"`
	Name          string     `json:"userPrincipalName"`
	Enabled       bool       `json:"accountEnabled"`
	Type          string     `json:"userType"`
	ExternalState string     `json:"externalUserState"`
	Created       *time.Time `json:"createdDateTime"`
	Synced        bool       `json:"onPremisesSyncEnabled"`
	SignIn        struct {
		Interactive    *time.Time `json:"lastSignInDateTime"`
		NonInteractive *time.Time `json:"lastNonInteractiveSignInDateTime"`
		Successful     *time.Time `json:"lastSuccessfulSignInDateTime"`
	} `json:"signInActivity"`
}

// collectUsers joins two lists: asking for each user's methods would take a call per user and a broader permission.
func collectUsers(ctx context.Context, c *client, emit collectors.Emit) error {
	skus := sync.OnceValue(func() *licences { return readLicences(ctx, c.graph) })
	list, activity, gaps, err := listUsers(ctx, c.graph, skus)
	if err != nil {
		return fmt.Errorf("list users: %w", err)
	}
	registered, err := registrations(ctx, c.graph)
	available := err == nil
	if err != nil {
		none, err := lacks(fmt.Errorf("read registration details: %w", err), premiumP1, skus)
		if none {
			gaps = append(gaps, collectors.Unread(err, "mfa.capable", "mfa.registered", "mfa.methods"))
		} else {
			gaps = append(gaps, collectors.Unread(err, "mfa"))
		}
	}
	for _, u := range list {
		out := schema.User{
			Meta: posture.Meta{Name: u.Name, CreatedAt: moment(u.Created)}, UserPrincipalName: u.Name, UserType: u.Type,
			AccountEnabled: u.Enabled, ExternalUserState: u.ExternalState, OnPremisesSynced: u.Synced,
			LastSignIn: latest(u.SignIn.Interactive, u.SignIn.NonInteractive, u.SignIn.Successful), SignInActivityAvailable: activity,
			MFA: schema.UserMFA{Methods: []string{}, ReportAvailable: available},
		}
		if u.Type == "" {
			out.UserType = "Member"
		}
		if r, ok := registered[u.ID]; ok {
			out.MFA.Capable, out.MFA.Registered = r.Capable, r.Registered
			out.MFA.Methods = append(out.MFA.Methods, r.Methods...)
		}
		emit(u.ID, &out, gaps...)
	}
	return nil
}

// listUsers lists the users with the times of their sign-ins, or without when that is refused: all of the list is refused then.
func listUsers(ctx context.Context, g *graphClient, skus func() *licences) (list []graphUser, activity bool, gaps []collectors.Gap, err error) {
	ask := func(fields string, size int) error {
		list = nil
		query := url.Values{"$select": {fields}, "$top": {strconv.Itoa(size)}}
		return graphPages(ctx, g, "/v1.0/users", query, func(u graphUser) error {
			list = append(list, u)
			return nil
		})
	}
	const fields = "id,userPrincipalName,accountEnabled,userType,externalUserState,createdDateTime,onPremisesSyncEnabled"
	err = ask(fields+",signInActivity", 500) // more at once are refused
	if err == nil || !hasStatus(err, 403) && !unlicensed(err) {
		return list, true, nil, err
	}
	refusal := err
	if err := ask(fields, 999); err != nil {
		return nil, false, nil, err
	}
	none, err := lacks(fmt.Errorf("read sign-in activity: %w", refusal), premiumP1, skus)
	if none {
		return list, false, []collectors.Gap{collectors.Unread(err, "last_sign_in_at")}, nil
	}
	return list, false, []collectors.Gap{collectors.Unread(err, "last_sign_in_at", "sign_in_activity_available")}, nil
}

// registration is what a user has registered.
type registration struct {
	ID         string   `json:"id"`
	Capable    bool     `json:"isMfaCapable"`
	Registered bool     `json:"isMfaRegistered"`
	Methods    []string `json:"methodsRegistered"`
}

func registrations(ctx context.Context, g *graphClient) (map[string]registration, error) {
	out := map[string]registration{}
	err := graphPages(ctx, g, "/v1.0/reports/authenticationMethods/userRegistrationDetails", nil, func(r registration) error {
		out[r.ID] = r
		return nil
	})
	return out, err
}

// moment is a time that may not be set; Graph also writes the year 1 for never.
func moment(t *time.Time) posture.Opt[time.Time] {
	if t == nil || t.Year() <= 1 {
		return posture.Opt[time.Time]{}
	}
	return posture.Some(t.UTC())
}

func latest(times ...*time.Time) posture.Opt[time.Time] {
	var out posture.Opt[time.Time]
	for _, t := range times {
		at, set := moment(t).Get()
		if last, any := out.Get(); set && (!any || at.After(last)) {
			out = posture.Some(at)
		}
	}
	return out
}
