package subscription

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/security/armsecurity"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// defenderPlans are the plans of Defender for Cloud, by index of their things. Extensions are those that rules ask for.
var defenderPlans = []struct {
	name, rule string
	extensions []string
}{
	{"VirtualMachines", "azure-security-defender-servers-enabled", []string{"AgentlessVmScanning", "FileIntegrityMonitoring"}},
	{"AppServices", "azure-security-defender-app-services-enabled", nil},
	{"SqlServers", "azure-security-defender-sql-databases-enabled", nil},
	{"SqlServerVirtualMachines", "azure-security-defender-sql-on-machines-enabled", nil},
	{"OpenSourceRelationalDatabases", "azure-security-defender-open-source-databases-enabled", nil},
	{"CosmosDbs", "azure-security-defender-cosmosdb-enabled", nil},
	{"StorageAccounts", "azure-security-defender-storage-enabled", []string{"SensitiveDataDiscovery", "OnUploadMalwareScanning"}},
	{"Containers", "azure-security-defender-containers-enabled", []string{"ContainerRegistriesVulnerabilityAssessments"}},
	{"KeyVaults", "azure-security-defender-key-vault-enabled", nil},
	{"Arm", "azure-security-defender-resource-manager-enabled", nil},
	{"CloudPosture", "azure-security-defender-cspm-enabled", []string{"AgentlessVmScanning", "SensitiveDataDiscovery", "ContainerRegistriesVulnerabilityAssessments"}},
	{"Dns", "", nil},
	{"Api", "", nil},
	{"KubernetesService", "", nil},
}

// watched are the kinds of recommendations, by index of their things, and the rule that asks for each. Those without a rule of
// their own are of high severity all the same, but for the last two.
var watched = []struct{ key, name, rule, severity string }{
	{"ffff0522-1e88-47fc-8382-2a80ba848f5d", "Machines should have a vulnerability assessment solution", "azure-security-vulnerability-assessment-installed", "Medium"},
	{"06e3a6db-6c0c-4ad9-943f-31d9d73ecf6c", "EDR solution should be installed", "azure-security-endpoint-protection-installed", "High"},
	{"dc5357d0-3858-4d17-a1a3-072840bff5be", "EDR configuration issues should be resolved", "azure-security-endpoint-protection-installed", "High"},
	{"e1145ab1-eb4f-43d8-911b-36ddf771d13f", "System updates should be installed", "azure-security-system-updates-applied", "Medium"},
	{"90386950-71ca-4357-a12e-486d1679427c", "Machines should be configured to check for missing updates", "azure-security-system-updates-applied", "Low"},
	{"c0b7cfc6-3172-465a-b378-53c7ff2cc0d5", "Registry images should have findings resolved", "azure-security-container-image-vulnerabilities-resolved", "High"},
	{"82e20e14-edc5-4373-bfc4-f13121257c37", "SQL databases should have findings resolved", "azure-security-sql-vulnerability-findings-resolved", "High"},
	{"17618b1a-ed14-49bb-b37f-9f8ba967be8b", "Machines should have secrets findings resolved", "azure-security-machine-secrets-resolved", "High"},
	{"aaaa1111-0000-4000-8000-000000000001", "Accounts with owner permissions should be MFA enabled", "", "High"},
	{"aaaa1111-0000-4000-8000-000000000002", "Internet-exposed machines should be fixed", "", "Critical"},
	{"aaaa1111-0000-4000-8000-000000000003", "Diagnostic logs should be enabled", "", "Low"},
	{"aaaa1111-0000-4000-8000-000000000004", "A recommendation that was withdrawn", "", ""},
}

var securityService = service{
	providers: []string{"Microsoft.Security"},
	kinds: []world.Kind{
		{
			Name: "azure.security.plan", Sort: inSubscription, Global: true, Count: len(defenderPlans), Fixed: true,
			Defects: []world.Defect{{Name: "free", Share: 0.2, Drift: 0.3}, {Name: "not-listed", Share: 0.1}, {Name: "bare", Share: 0.4, Drift: 0.2}, {Name: "p1", Share: 0.4},
				{Name: "deprecated", Share: 0.5}},
			ExpectMore: expectPlans,
		},
		{
			Name: "azure.security.contact", Sort: inSubscription, Global: true, Count: 1, Fixed: true,
			Defects: []world.Defect{{Name: "none", Share: 0.2, Drift: 0.3}, {Name: "no-mail", Share: 0.1}, {Name: "bad-mail", Share: 0.2, Drift: 0.2}, {Name: "roles-off", Share: 0.2, Drift: 0.2},
				{Name: "other-role", Share: 0.2}, {Name: "off", Drift: 0.3}, {Name: "quiet", Share: 0.2, Drift: 0.2}, {Name: "no-paths", Share: 0.4}},
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				none := it.Has("none")
				return keyOf("azure.security.contact", contactID(it)), map[string]posture.Result{
					"azure-security-contact-email-configured":          failIf(none || it.Has("no-mail") || it.Has("bad-mail")),
					"azure-security-contact-owners-notified":           failIf(none || it.Has("roles-off") || it.Has("other-role")),
					"azure-security-contact-alert-severity":            failIf(none || it.Has("off") || it.Has("quiet")),
					"azure-security-contact-attack-path-notifications": unless(!planOn(s, "CloudPosture"), failIf(none || it.Has("no-paths"))),
				}
			},
		},
		{
			Name: "azure.security.setting", Sort: inSubscription, Global: true, Count: 3, Fixed: true,
			Defects: []world.Defect{{Name: "off", Share: 0.2, Drift: 0.3}, {Name: "not-listed", Share: 0.2}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				off := func(index int) posture.Result {
					it := s.Find("azure.security.setting", posture.Global, index)
					return failIf(it.Has("off") || it.Has("not-listed"))
				}
				return map[world.Judged]posture.Result{
					{Rule: "azure-security-cloud-apps-integration-enabled", Resource: subscriptionKey(s)}: off(0),
					{Rule: "azure-security-endpoint-integration-enabled", Resource: subscriptionKey(s)}:   off(1),
				}
			},
		},
		{
			Name: "azure.security.assessment", Sort: inSubscription, Global: true, Count: 2 * len(watched),
			Defects:    []world.Defect{{Name: "unhealthy", Share: 0.15, Drift: 0.2}, {Name: "recent", Share: 0.4}, {Name: "no-date", Share: 0.1}, {Name: "not-applicable", Share: 0.2}},
			ExpectMore: expectAssessments,
		},
		{Name: "azure.security.jit", Sort: inSubscription, Global: true, Count: 5, Defects: []world.Defect{{Name: "long", Share: 0.3}}},
		{Name: "azure.security.iot", Sort: inSubscription, Global: true, Count: 1, Fixed: true, Defects: []world.Defect{{Name: "off", Drift: 0.3}}},
		{
			Name: "azure.security.export", Sort: inSubscription, Global: true, Count: 2, Defects: []world.Defect{{Name: "off", Share: 0.2, Drift: 0.3}, {Name: "scores-only", Share: 0.4, Drift: 0.2}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				exported := slices.ContainsFunc(s.Items("azure.security.export"), func(it *world.Item) bool { return !it.Has("off") && !it.Has("scores-only") }) ||
					slices.ContainsFunc(s.Items("azure.workspace"), func(it *world.Item) bool { return it.Has("sentinel") })
				return map[world.Judged]posture.Result{{Rule: "azure-security-alerts-exported", Resource: subscriptionKey(s)}: failIf(!exported)}
			},
		},
	},
	handle: handleSecurity,
}

func contactID(it *world.Item) string {
	return "/subscriptions/" + it.Account.ID + "/providers/Microsoft.Security/securityContacts/default"
}

// defenderPlan finds a Defender plan by its name, nil when it is not listed.
func defenderPlan(s *world.State, name string) *world.Item {
	for _, it := range s.Items("azure.security.plan") {
		if defenderPlans[it.Index%len(defenderPlans)].name == name && !it.Has("not-listed") {
			return it
		}
	}
	return nil
}

// planOn reports whether a Defender plan is on.
func planOn(s *world.State, name string) bool {
	p := defenderPlan(s, name)
	return p != nil && !p.Has("free")
}

// extended reports whether one of the plans has its extensions on. They stay listed when a plan is turned off.
func extended(s *world.State, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { p := defenderPlan(s, name); return p != nil && !p.Has("bare") })
}

func expectPlans(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	note := func(rule string, result posture.Result) {
		out[world.Judged{Rule: rule, Resource: subscriptionKey(s)}] = result
	}
	for _, p := range defenderPlans {
		if p.rule != "" {
			note(p.rule, failIf(!planOn(s, p.name)))
		}
	}
	note("azure-security-defender-databases-enabled", failIf(!planOn(s, "SqlServers") || !planOn(s, "SqlServerVirtualMachines") ||
		!planOn(s, "OpenSourceRelationalDatabases") || !planOn(s, "CosmosDbs")))
	servers, dns := planOn(s, "VirtualMachines"), defenderPlan(s, "Dns")
	second := servers && !defenderPlan(s, "VirtualMachines").Has("p1")
	note("azure-security-defender-dns-enabled", unless(dns == nil || dns.Has("deprecated") && servers, failIf(!planOn(s, "Dns") && !second)))
	apis := slices.ContainsFunc(everything(s), func(d described) bool { return strings.EqualFold(d.Type, "Microsoft.ApiManagement/service") })
	note("azure-security-defender-apis-enabled", unless(!apis, failIf(!planOn(s, "Api"))))
	note("azure-security-sensitive-data-discovery-enabled", failIf(!extended(s, "CloudPosture", "StorageAccounts")))
	note("azure-security-container-image-scanning-enabled", failIf(!extended(s, "CloudPosture", "Containers")))
	note("azure-security-agentless-scanning-enabled", failIf(!extended(s, "CloudPosture", "VirtualMachines")))
	note("azure-security-file-integrity-monitoring-enabled", unless(!second, failIf(!extended(s, "VirtualMachines"))))
	return out
}

func expectAssessments(s *world.State) map[world.Judged]posture.Result {
	out := map[world.Judged]posture.Result{}
	late := false
	for _, w := range watched {
		if w.rule != "" {
			out[world.Judged{Rule: w.rule, Resource: subscriptionKey(s)}] = posture.DoesNotApply
		}
	}
	for _, it := range s.Items("azure.security.assessment") {
		w := watched[it.Index%len(watched)]
		judged := world.Judged{Rule: w.rule, Resource: subscriptionKey(s)}
		unhealthy := it.Has("unhealthy") && !it.Has("not-applicable")
		late = late || unhealthy && (w.severity == "High" || w.severity == "Critical") && (it.Has("no-date") || !it.Has("recent"))
		switch {
		case w.rule == "" || it.Has("not-applicable"):
		case unhealthy:
			out[judged] = posture.Fail
		case out[judged] == posture.DoesNotApply:
			out[judged] = posture.Pass
		}
	}
	out[world.Judged{Rule: "azure-security-no-unhealthy-high-severity", Resource: subscriptionKey(s)}] = failIf(late)
	return out
}

// jitProtected reports whether a just-in-time policy is about a machine.
func jitProtected(s *world.State, vm *world.Item) bool {
	return s.Find("azure.security.jit", posture.Global, vm.Index) != nil && vm.Index%2 == 0
}

func handleSecurity(s *azure.Server, w *states) {
	azure.Handle(s, "armsecurity.PricingsClient.List", func(c azure.Call) (*armsecurity.PricingList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.PricingList{Value: []*armsecurity.Pricing{}}
		for _, it := range state.Items("azure.security.plan") {
			if !it.Has("not-listed") {
				out.Value = append(out.Value, pricing(it))
			}
		}
		return out, nil
	})
	azure.List(s, "armsecurity.ContactsClient.NewListPager", func(c azure.Call) (*armsecurity.ContactList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.ContactList{}
		for _, it := range state.Items("azure.security.contact") {
			if !it.Has("none") {
				out.Value = append(out.Value, contact(it))
			}
		}
		return out, nil
	})
	azure.List(s, "armsecurity.SettingsClient.NewListPager", func(c azure.Call) (*armsecurity.SettingsList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.SettingsList{}
		for _, it := range state.Items("azure.security.setting") {
			name := []string{"MCAS", "WDATP", "Sentinel"}[it.Index%3]
			id := to.Ptr("/subscriptions/" + it.Account.ID + "/providers/Microsoft.Security/settings/" + name)
			switch on := to.Ptr(!it.Has("off")); {
			case it.Has("not-listed"):
			case name == "Sentinel":
				out.Value = append(out.Value, &armsecurity.AlertSyncSettings{
					ID: id, Name: &name, Kind: to.Ptr(armsecurity.SettingKindAlertSyncSettings), Type: to.Ptr("Microsoft.Security/settings"), Properties: &armsecurity.AlertSyncSettingProperties{Enabled: on},
				})
			default:
				out.Value = append(out.Value, &armsecurity.DataExportSettings{
					ID: id, Name: &name, Kind: to.Ptr(armsecurity.SettingKindDataExportSettings), Type: to.Ptr("Microsoft.Security/settings"), Properties: &armsecurity.DataExportSettingProperties{Enabled: on},
				})
			}
		}
		return out, nil
	})
	azure.List(s, "armsecurity.AssessmentsClient.NewListPager", func(c azure.Call) (*armsecurity.AssessmentList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.AssessmentList{}
		for _, it := range state.Items("azure.security.assessment") {
			out.Value = append(out.Value, assessment(state, it))
		}
		return out, nil
	})
	azure.List(s, "armsecurity.AssessmentsMetadataClient.NewListBySubscriptionPager", func(c azure.Call) (*armsecurity.AssessmentMetadataResponseList, error) {
		if _, err := w.at(c); err != nil {
			return nil, err
		}
		out := &armsecurity.AssessmentMetadataResponseList{}
		for _, kind := range watched {
			if kind.severity != "" {
				out.Value = append(out.Value, &armsecurity.AssessmentMetadataResponse{
					ID: to.Ptr("/providers/Microsoft.Security/assessmentMetadata/" + kind.key), Name: to.Ptr(kind.key), Type: to.Ptr("Microsoft.Security/assessmentMetadata"),
					Properties: &armsecurity.AssessmentMetadataPropertiesResponse{
						DisplayName: to.Ptr(kind.name), Severity: to.Ptr(armsecurity.Severity(kind.severity)), AssessmentType: to.Ptr(armsecurity.AssessmentTypeBuiltIn),
					},
				})
			}
		}
		return out, nil
	})
	azure.List(s, "armsecurity.JitNetworkAccessPoliciesClient.NewListPager", func(c azure.Call) (*armsecurity.JitNetworkAccessPoliciesList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.JitNetworkAccessPoliciesList{}
		for _, it := range state.Items("azure.security.jit") {
			out.Value = append(out.Value, jitPolicy(state, it))
		}
		return out, nil
	})
	azure.List(s, "armsecurity.IotSecuritySolutionClient.NewListBySubscriptionPager", func(c azure.Call) (*armsecurity.IoTSecuritySolutionsList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.IoTSecuritySolutionsList{}
		for _, it := range state.Items("azure.security.iot") {
			out.Value = append(out.Value, iotSolution(state, it))
		}
		return out, nil
	})
	azure.List(s, "armsecurity.AutomationsClient.NewListPager", func(c azure.Call) (*armsecurity.AutomationList, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		out := &armsecurity.AutomationList{}
		for _, it := range state.Items("azure.security.export") {
			out.Value = append(out.Value, automation(state, it))
		}
		return out, nil
	})
}

func pricing(it *world.Item) *armsecurity.Pricing {
	about := defenderPlans[it.Index%len(defenderPlans)]
	p := &armsecurity.PricingProperties{PricingTier: to.Ptr(armsecurity.PricingTierStandard), ResourcesCoverageStatus: to.Ptr(armsecurity.ResourcesCoverageStatusFullyCovered)}
	for _, name := range about.extensions {
		on := armsecurity.IsEnabledTrue
		if it.Has("bare") {
			on = armsecurity.IsEnabledFalse
		}
		p.Extensions = append(p.Extensions, &armsecurity.Extension{Name: to.Ptr(name), IsEnabled: &on})
	}
	switch about.name {
	case "VirtualMachines":
		p.SubPlan = to.Ptr("P2")
		if it.Has("p1") {
			p.SubPlan = to.Ptr("P1")
		}
	case "StorageAccounts":
		p.SubPlan = to.Ptr("DefenderForStorageV2")
	case "KubernetesService":
		p.Deprecated, p.ReplacedBy = to.Ptr(true), []*string{to.Ptr("Containers")}
	case "Dns":
		if it.Has("deprecated") {
			p.Deprecated, p.ReplacedBy = to.Ptr(true), []*string{to.Ptr("VirtualMachines")}
		}
	}
	if it.Has("free") {
		p.PricingTier, p.SubPlan, p.ResourcesCoverageStatus = to.Ptr(armsecurity.PricingTierFree), nil, to.Ptr(armsecurity.ResourcesCoverageStatusNotCovered)
	}
	return &armsecurity.Pricing{
		ID: to.Ptr("/subscriptions/" + it.Account.ID + "/providers/Microsoft.Security/pricings/" + about.name), Name: to.Ptr(about.name), Type: to.Ptr("Microsoft.Security/pricings"), Properties: p,
	}
}

func contact(it *world.Item) *armsecurity.Contact {
	p := &armsecurity.ContactProperties{
		Emails: to.Ptr("security@acme.example; on-call@acme.example"), Phone: to.Ptr("+41 44 000 00 00"), IsEnabled: to.Ptr(!it.Has("off")),
		NotificationsByRole: &armsecurity.ContactPropertiesNotificationsByRole{State: to.Ptr(armsecurity.StateOn), Roles: []*armsecurity.SecurityContactRole{to.Ptr(armsecurity.SecurityContactRoleOwner)}},
	}
	switch {
	case it.Has("no-mail"):
		p.Emails = to.Ptr("")
	case it.Has("bad-mail"):
		p.Emails = to.Ptr("security@acme.example;the team")
	}
	if it.Has("roles-off") {
		p.NotificationsByRole.State = to.Ptr(armsecurity.StateOff)
	}
	if it.Has("other-role") {
		p.NotificationsByRole.Roles = []*armsecurity.SecurityContactRole{to.Ptr(armsecurity.SecurityContactRoleServiceAdmin)}
	}
	if !it.Has("quiet") {
		p.NotificationsSources = append(p.NotificationsSources, &armsecurity.NotificationsSourceAlert{
			SourceType: to.Ptr(armsecurity.SourceTypeAlert), MinimalSeverity: to.Ptr(armsecurity.MinimalSeverityMedium)})
	}
	if !it.Has("no-paths") {
		p.NotificationsSources = append(p.NotificationsSources, &armsecurity.NotificationsSourceAttackPath{
			SourceType: to.Ptr(armsecurity.SourceTypeAttackPath), MinimalRiskLevel: to.Ptr(armsecurity.MinimalRiskLevelHigh)})
	}
	return &armsecurity.Contact{ID: to.Ptr(contactID(it)), Name: to.Ptr("default"), Type: to.Ptr("Microsoft.Security/securityContacts"), Properties: p}
}

func assessment(s *world.State, it *world.Item) *armsecurity.AssessmentResponse {
	about := watched[it.Index%len(watched)]
	of := idOf(it, "Microsoft.Compute/virtualMachines", fmt.Sprintf("assessed-%02d", it.Index))
	changed := s.Long(it, 60)
	if it.Has("recent") {
		changed = s.Time().Add(-5 * 24 * time.Hour)
	}
	status := &armsecurity.AssessmentStatusResponse{Code: to.Ptr(armsecurity.AssessmentStatusCodeHealthy), FirstEvaluationDate: to.Ptr(s.Long(it, 90)), StatusChangeDate: &changed}
	switch {
	case it.Has("not-applicable"):
		status.Code, status.Cause = to.Ptr(armsecurity.AssessmentStatusCodeNotApplicable), to.Ptr("OffByPolicy")
	case it.Has("unhealthy"):
		status.Code = to.Ptr(armsecurity.AssessmentStatusCodeUnhealthy)
	}
	if it.Has("no-date") {
		status.StatusChangeDate = nil
	}
	return &armsecurity.AssessmentResponse{
		ID: to.Ptr(of + "/providers/Microsoft.Security/assessments/" + about.key), Name: to.Ptr(about.key), Type: to.Ptr("Microsoft.Security/assessments"),
		Properties: &armsecurity.AssessmentPropertiesResponse{
			DisplayName: to.Ptr(about.name), Status: status, ResourceDetails: &armsecurity.AzureResourceDetails{Source: to.Ptr(armsecurity.SourceAzure), ID: &of},
		},
	}
}

func jitPolicy(s *world.State, it *world.Item) *armsecurity.JitNetworkAccessPolicy {
	duration := "PT3H"
	if it.Has("long") {
		duration = "PT23H30M"
	}
	machines := []*armsecurity.JitNetworkAccessPolicyVirtualMachine{}
	if vm := s.Find("azure.vm", posture.Global, it.Index); vm != nil && jitProtected(s, vm) {
		machines = append(machines, &armsecurity.JitNetworkAccessPolicyVirtualMachine{ID: to.Ptr(machineID(vm)), Ports: []*armsecurity.JitNetworkAccessPortRule{
			{Number: to.Ptr[int32](22), Protocol: to.Ptr(armsecurity.ProtocolTCP), MaxRequestAccessDuration: &duration, AllowedSourceAddressPrefix: to.Ptr("*")},
			{Number: to.Ptr[int32](3389), Protocol: to.Ptr(armsecurity.ProtocolTCP), MaxRequestAccessDuration: to.Ptr("PT1H"), AllowedSourceAddressPrefix: to.Ptr("*")},
		}})
	}
	return &armsecurity.JitNetworkAccessPolicy{
		ID:   to.Ptr(idOf(it, "Microsoft.Security/locations/"+it.Account.Home()+"/jitNetworkAccessPolicies", "jit-"+it.Name())),
		Name: to.Ptr("jit-" + it.Name()), Type: to.Ptr("Microsoft.Security/locations/jitNetworkAccessPolicies"), Location: to.Ptr(it.Account.Home()), Kind: to.Ptr("Basic"),
		Properties: &armsecurity.JitNetworkAccessPolicyProperties{VirtualMachines: machines, ProvisioningState: to.Ptr("Succeeded")},
	}
}

func iotSolution(s *world.State, it *world.Item) *armsecurity.IoTSecuritySolutionModel {
	status := armsecurity.SecuritySolutionStatusEnabled
	if it.Has("off") {
		status = armsecurity.SecuritySolutionStatusDisabled
	}
	hubs := []*string{}
	for _, hub := range s.Items("azure.iothub") {
		if !hub.Has("unwatched") {
			hubs = append(hubs, to.Ptr(iotHubID(hub)))
		}
	}
	return &armsecurity.IoTSecuritySolutionModel{
		ID: to.Ptr(idOf(it, "Microsoft.Security/iotSecuritySolutions", "devices")), Name: to.Ptr("devices"), Type: to.Ptr("Microsoft.Security/iotSecuritySolutions"),
		Location: to.Ptr(it.Account.Home()), Properties: &armsecurity.IoTSecuritySolutionProperties{
			DisplayName: to.Ptr("Devices"), Status: &status, IotHubs: hubs, Workspace: to.Ptr(workspaceID(s.Find("azure.workspace", posture.Global, 0))),
		},
	}
}

func automation(s *world.State, it *world.Item) *armsecurity.Automation {
	source := armsecurity.EventSourceAlerts
	if it.Has("scores-only") {
		source = armsecurity.EventSourceSecureScores
	}
	var action armsecurity.AutomationActionClassification = &armsecurity.AutomationActionWorkspace{
		ActionType: to.Ptr(armsecurity.ActionTypeWorkspace), WorkspaceResourceID: to.Ptr(workspaceID(s.Find("azure.workspace", posture.Global, 0))),
	}
	if it.Index%2 == 1 {
		action = &armsecurity.AutomationActionEventHub{
			ActionType: to.Ptr(armsecurity.ActionTypeEventHub), EventHubResourceID: to.Ptr(idOf(it, "Microsoft.EventHub/namespaces", "siem/eventhubs/alerts")), SasPolicyName: to.Ptr("send"),
		}
	}
	return &armsecurity.Automation{
		ID: to.Ptr(idOf(it, "Microsoft.Security/automations", "export-"+it.Name())), Name: to.Ptr("export-" + it.Name()), Type: to.Ptr("Microsoft.Security/automations"),
		Location: to.Ptr(it.Account.Home()), Properties: &armsecurity.AutomationProperties{
			IsEnabled: to.Ptr(!it.Has("off")), Sources: []*armsecurity.AutomationSource{{EventSource: &source}}, Actions: []armsecurity.AutomationActionClassification{action},
			Scopes: []*armsecurity.AutomationScope{{ScopePath: to.Ptr("/subscriptions/" + it.Account.ID)}},
		},
	}
}
