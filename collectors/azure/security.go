package azure

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/security/armsecurity"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// noDefender reports whether the subscription never registered Defender for Cloud: everything of it is off then. err is what
// the provider answered, nil when it was not asked.
func (c *client) noDefender(err error) bool {
	return c.lacks("microsoft.security") ||
		hasCode(err, "MissingSubscriptionRegistration", "SubscriptionNotRegistered", "Subscription Not Registered")
}

var pricings = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.PricingType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.PricingsClient.List", Permission: "Microsoft.Security/pricings/read", Body: collectors.Store},
	},
	Collect: collectPricings,
}

func collectPricings(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewPricingsClient(c.credential, c.options)
	if err != nil {
		return err
	}
	answer, err := api.List(ctx, "subscriptions/"+c.subscription, nil)
	if c.noDefender(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("list plans: %w", err)
	}
	for _, plan := range answer.Value {
		p := value(plan.Properties)
		out := schema.Pricing{
			Meta: posture.Meta{Name: text(plan.Name)}, Tier: text(p.PricingTier), SubPlan: text(p.SubPlan), Deprecated: is(p.Deprecated),
			ReplacedBy: list(p.ReplacedBy), ExtensionsEnabled: []string{}, ExtensionsDisabled: []string{}, InheritedFrom: idOf(p.InheritedFrom),
			CoverageStatus: text(p.ResourcesCoverageStatus),
		}
		for _, e := range p.Extensions {
			if strings.EqualFold(text(e.IsEnabled), "True") {
				out.ExtensionsEnabled = append(out.ExtensionsEnabled, text(e.Name))
			} else {
				out.ExtensionsDisabled = append(out.ExtensionsDisabled, text(e.Name))
			}
		}
		emit(idOf(plan.ID), &out)
	}
	return nil
}

var securityContacts = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecurityContactType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.ContactsClient.NewListPager", Permission: "Microsoft.Security/securityContacts/read", Body: collectors.Store},
	},
	Collect: collectSecurityContacts,
}

// collectSecurityContacts emits an empty contact where there is none, so that rules have something to fail on.
func collectSecurityContacts(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewContactsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	found := 0
	if !c.noDefender(nil) {
		err = pages(ctx, api.NewListPager(nil), func(page armsecurity.ContactsClientListResponse) error {
			for _, contact := range page.Value {
				found++
				out := newSecurityContact(contact)
				emit(idOf(contact.ID), &out)
			}
			return nil
		})
	}
	if err != nil && !c.noDefender(err) {
		return fmt.Errorf("list security contacts: %w", err)
	}
	if found == 0 {
		emit("/subscriptions/"+c.subscription+"/providers/microsoft.security/securitycontacts/default",
			&schema.SecurityContact{Meta: posture.Meta{Name: "default"}, Emails: []string{}, Roles: []string{}, RolesState: "Off"})
	}
	return nil
}

func newSecurityContact(contact *armsecurity.Contact) schema.SecurityContact {
	p := value(contact.Properties)
	out := schema.SecurityContact{
		Meta: posture.Meta{Name: text(contact.Name)}, Emails: []string{}, Phone: text(p.Phone), Enabled: is(p.IsEnabled),
		RolesState: text(value(p.NotificationsByRole).State), Roles: list(value(p.NotificationsByRole).Roles),
	}
	for _, address := range strings.Split(text(p.Emails), ";") {
		if address = strings.TrimSpace(address); address != "" {
			out.Emails = append(out.Emails, address)
		}
	}
	for _, source := range p.NotificationsSources {
		switch s := source.(type) {
		case *armsecurity.NotificationsSourceAlert:
			out.AlertMinimalSeverity = text(s.MinimalSeverity)
		case *armsecurity.NotificationsSourceAttackPath:
			out.AttackPathMinimalRiskLevel = text(s.MinimalRiskLevel)
		}
	}
	return out
}

var securitySettings = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.SecuritySettingType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.SettingsClient.NewListPager", Permission: "Microsoft.Security/settings/read", Body: collectors.Store},
	},
	Collect: collectSecuritySettings,
}

func collectSecuritySettings(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewSettingsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armsecurity.SettingsClientListResponse) error {
		for _, setting := range page.Value {
			base := setting.GetSetting()
			out := schema.SecuritySetting{Meta: posture.Meta{Name: text(base.Name)}, Kind: text(base.Kind)}
			switch s := setting.(type) {
			case *armsecurity.DataExportSettings:
				out.Enabled = is(value(s.Properties).Enabled)
			case *armsecurity.AlertSyncSettings:
				out.Enabled = is(value(s.Properties).Enabled)
			}
			emit(idOf(base.ID), &out)
		}
		return nil
	})
	if err != nil && !c.noDefender(err) {
		return fmt.Errorf("list settings of Defender for Cloud: %w", err)
	}
	return nil
}

var assessments = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AssessmentType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.AssessmentsClient.NewListPager", Permission: "Microsoft.Security/assessments/read", Body: collectors.Store},
		{Name: "armsecurity.AssessmentsMetadataClient.NewListBySubscriptionPager", Permission: "Microsoft.Security/assessmentMetadata/read", Body: collectors.Store},
	},
	Collect: collectAssessments,
}

// keptAssessments are the recommendations that rules name. Keys stay when Microsoft renames a recommendation.
var keptAssessments = []string{
	"06e3a6db-6c0c-4ad9-943f-31d9d73ecf6c", // machines have EDR
	"17618b1a-ed14-49bb-b37f-9f8ba967be8b", // machines hold secrets
	"4ab6e3c5-74dd-8b35-9ab9-f61b30875b27", // updates, until 2024
	"4fb67663-9ab9-475d-b026-8c544cced439", // endpoint protection, until 2024
	"82e20e14-edc5-4373-bfc4-f13121257c37", // SQL databases have findings
	"83f577bd-a1b6-b7e1-0891-12ca19d1e6df", // endpoint protection, until 2024
	"90386950-71ca-4357-a12e-486d1679427c", // machines look for updates
	"c0b7cfc6-3172-465a-b378-53c7ff2cc0d5", // images in registries have findings
	"c609cf0f-71ab-41e9-a3c6-9a1f7fe1b8d5", // running images have findings
	"dc5357d0-3858-4d17-a1a3-072840bff5be", // EDR is set up well
	"e1145ab1-eb4f-43d8-911b-36ddf771d13f", // updates
	"f97aa83c-9b63-4f9a-99f6-b22c4398f936", // SQL on machines has findings
	"ffff0522-1e88-47fc-8382-2a80ba848f5d", // machines have vulnerability assessment
}

func collectAssessments(ctx context.Context, c *client, emit collectors.Emit) error {
	// Where Defender for Cloud looks at nothing, nobody knows how things are; an empty list would say that all is well.
	never := fmt.Errorf("Defender for Cloud never assessed anything here: %w", collectors.ErrNotCollected)
	if c.noDefender(nil) {
		return never
	}
	severities, metadataErr := c.severities(ctx)
	api, err := armsecurity.NewAssessmentsClient(c.credential, c.options)
	if err != nil {
		return err
	}
	found := 0
	err = pages(ctx, api.NewListPager("subscriptions/"+c.subscription, nil), func(page armsecurity.AssessmentsClientListResponse) error {
		found += len(page.Value)
		for _, a := range page.Value {
			out := newAssessment(a)
			out.Severity = severities[out.AssessmentKey]
			var gaps []collectors.Gap
			if metadataErr != nil {
				gaps = append(gaps, collectors.Unread(metadataErr, "severity"))
			}
			if slices.Contains(keptAssessments, out.AssessmentKey) || out.Severity == "High" || out.Severity == "Critical" {
				emit(idOf(a.ID), &out, gaps...)
			}
		}
		return nil
	})
	switch {
	case c.noDefender(err), err == nil && found == 0:
		return never
	case err != nil:
		return fmt.Errorf("list assessments: %w", err)
	}
	return metadataErr // which of the others are of high severity is not known
}

func newAssessment(a *armsecurity.AssessmentResponse) schema.Assessment {
	p := value(a.Properties)
	status := value(p.Status)
	of, _, _ := strings.Cut(idOf(a.ID), "/providers/microsoft.security/assessments/")
	return schema.Assessment{
		Meta: posture.Meta{Name: text(p.DisplayName)}, AssessmentKey: strings.ToLower(text(a.Name)), DisplayName: text(p.DisplayName), StatusCode: text(status.Code),
		StatusChangedAt: posture.FromPtr(status.StatusChangeDate), ResourceID: of, Cause: text(status.Cause),
	}
}

// severities are those of all recommendations there are, by key: the list of assessments does not tell them.
func (c *client) severities(ctx context.Context) (map[string]string, error) {
	api, err := armsecurity.NewAssessmentsMetadataClient(c.subscription, c.credential, c.options)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	err = pages(ctx, api.NewListBySubscriptionPager(nil), func(page armsecurity.AssessmentsMetadataClientListBySubscriptionResponse) error {
		for _, m := range page.Value {
			out[strings.ToLower(text(m.Name))] = text(value(m.Properties).Severity)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list kinds of assessments: %w", err)
	}
	return out, nil
}

var jitPolicies = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.JITPolicyType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.JitNetworkAccessPoliciesClient.NewListPager", Permission: "Microsoft.Security/jitNetworkAccessPolicies/read", Body: collectors.Store},
	},
	Collect: collectJITPolicies,
}

func collectJITPolicies(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewJitNetworkAccessPoliciesClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armsecurity.JitNetworkAccessPoliciesClientListResponse) error {
		for _, policy := range page.Value {
			out, gaps := newJITPolicy(policy)
			emit(idOf(policy.ID), &out, gaps...)
		}
		return nil
	})
	if err != nil && !c.noDefender(err) {
		return fmt.Errorf("list just-in-time policies: %w", err)
	}
	return nil
}

func newJITPolicy(policy *armsecurity.JitNetworkAccessPolicy) (out schema.JITPolicy, gaps []collectors.Gap) {
	out.Resource = resource(policy.ID, policy.Name, policy.Location, nil)
	var machines, ports []string
	for _, m := range value(policy.Properties).VirtualMachines {
		machines = append(machines, idOf(m.ID))
		for _, p := range m.Ports {
			ports = append(ports, strconv.Itoa(int(value(p.Number))))
			hours, ok := hoursOf(text(p.MaxRequestAccessDuration))
			if !ok {
				gaps = append(gaps, collectors.Unread(fmt.Errorf("duration %q cannot be read", text(p.MaxRequestAccessDuration)), "max_request_hours"))
			}
			out.MaxRequestHours = max(out.MaxRequestHours, hours)
		}
	}
	out.VMIDs, out.Ports = named(machines), named(ports)
	return out, gaps
}

var iotSolutions = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IoTSolutionType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.IotSecuritySolutionClient.NewListBySubscriptionPager", Permission: "Microsoft.Security/iotSecuritySolutions/read", Body: collectors.Store},
	},
	Collect: collectIoTSolutions,
}

func collectIoTSolutions(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewIotSecuritySolutionClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListBySubscriptionPager(nil), func(page armsecurity.IotSecuritySolutionClientListBySubscriptionResponse) error {
		for _, s := range page.Value {
			p := value(s.Properties)
			out := schema.IoTSolution{
				Resource: resource(s.ID, s.Name, s.Location, s.Tags), Status: text(p.Status), IoTHubIDs: named(lower(p.IotHubs)), WorkspaceID: idOf(p.Workspace),
			}
			emit(idOf(s.ID), &out)
		}
		return nil
	})
	if err != nil && !c.noDefender(err) {
		return fmt.Errorf("list IoT security solutions: %w", err)
	}
	return nil
}

var continuousExports = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ContinuousExportType},
	Operations: []collectors.Operation{
		{Name: "armsecurity.AutomationsClient.NewListPager", Permission: "Microsoft.Security/automations/read", Body: collectors.Redact("uri", "connectionString")},
	},
	Collect: collectContinuousExports,
}

func collectContinuousExports(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := armsecurity.NewAutomationsClient(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	err = pages(ctx, api.NewListPager(nil), func(page armsecurity.AutomationsClientListResponse) error {
		for _, a := range page.Value {
			out := newContinuousExport(a)
			emit(idOf(a.ID), &out)
		}
		return nil
	})
	if err != nil && !c.noDefender(err) {
		return fmt.Errorf("list continuous exports: %w", err)
	}
	return nil
}

func newContinuousExport(a *armsecurity.Automation) schema.ContinuousExport {
	p := value(a.Properties)
	var sources, kinds, targets []string
	for _, s := range p.Sources {
		sources = append(sources, text(s.EventSource))
	}
	for _, action := range p.Actions {
		kinds = append(kinds, text(action.GetAutomationAction().ActionType))
		switch to := action.(type) {
		case *armsecurity.AutomationActionWorkspace:
			targets = append(targets, idOf(to.WorkspaceResourceID))
		case *armsecurity.AutomationActionEventHub:
			targets = append(targets, idOf(to.EventHubResourceID))
		case *armsecurity.AutomationActionLogicApp:
			targets = append(targets, idOf(to.LogicAppResourceID))
		}
	}
	return schema.ContinuousExport{
		Resource: resource(a.ID, a.Name, a.Location, a.Tags), Enabled: is(p.IsEnabled), EventSources: named(sources),
		ActionTypes: named(kinds), ActionTargetIDs: named(targets),
	}
}
