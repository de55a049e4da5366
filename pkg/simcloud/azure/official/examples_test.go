package official

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// TestExamples answers each operation as the examples of the SDK do, one after the other. The readers have to take each: nothing
// failed, nothing unread, a resource for each element.
func TestExamples(t *testing.T) {
	examples := readExamples(t)
	cloud := newExampleCloud(t, examples)
	for _, op := range collect.Operations() {
		if cloud.usual[op.Name] == nil {
			t.Log("no example of", op.Name)
		}
	}
	passed, filled := 0, map[string]map[string]bool{}
	for _, e := range examples {
		if t.Run(e.operation+"/"+e.name, func(t *testing.T) { cloud.try(t, e, filled) }) {
			passed++
		}
	}
	t.Logf("%d of %d examples, of %d of %d operations, went through", passed, len(examples), len(cloud.usual), len(collect.Operations()))
	for _, operation := range inside {
		if !cloud.told[operation] {
			t.Errorf("%s: the resources are those without the examples", operation)
		}
	}
	for operation, why := range silent {
		if cloud.told[operation] {
			t.Errorf("%s: the examples are said to be silent (%s), but the resources differ from those without", operation, why)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(filled)) {
		var never []string
		for attribute, ever := range filled[kind] {
			if !ever {
				never = append(never, attribute)
			}
		}
		slices.Sort(never)
		if len(never) > 0 {
			t.Logf("no example says anything but zero of %s: %s", kind, strings.Join(never, ", "))
		}
	}
}

// inside are the operations whose answers become attributes of resources that another call lists.
var inside = []string{
	"armapimanagement.NamedValueClient.NewListByServicePager",
	"armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager",
	"armappservice.PlansClient.NewListPager",
	"armappservice.WebAppsClient.GetAuthSettingsV2WithoutSecrets",
	"armappservice.WebAppsClient.GetConfiguration",
	"armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager",
	"armauthorization.RoleDefinitionsClient.NewListPager",
	"armautomation.VariableClient.NewListByAutomationAccountPager",
	"armcdn.AFDCustomDomainsClient.NewListByProfilePager",
	"armcdn.AFDEndpointsClient.NewListByProfilePager",
	"armcdn.RoutesClient.NewListByEndpointPager",
	"armcdn.SecurityPoliciesClient.NewListByProfilePager",
	"armcompute.VirtualMachineExtensionsClient.List",
	"armcontainerservice.ManagedClustersClient.ListKubernetesVersions",
	"armdataprotection.BackupInstancesClient.NewListPager",
	"armeventhub.NamespacesClient.GetNetworkRuleSet",
	"armeventhub.NamespacesClient.NewListAuthorizationRulesPager",
	"armkeyvault.KeysClient.Get",
	"armmanagementgroups.Client.NewGetDescendantsPager",
	"armmanagementgroups.HierarchySettingsClient.List",
	"armmysqlflexibleservers.ConfigurationsClient.NewListByServerPager",
	"armmysqlflexibleservers.FirewallRulesClient.NewListByServerPager",
	"armpolicyinsights.PolicyStatesClient.SummarizeForSubscription",
	"armpostgresqlflexibleservers.ConfigurationsClient.NewListByServerPager",
	"armpostgresqlflexibleservers.FirewallRulesClient.NewListByServerPager",
	"armrecoveryservicesbackup.BackupPoliciesClient.NewListPager",
	"armsecurity.AssessmentsMetadataClient.NewListBySubscriptionPager",
	"armsecurityinsights.SentinelOnboardingStatesClient.List",
	"armservicebus.NamespacesClient.NewListAuthorizationRulesPager",
	"armsql.BackupShortTermRetentionPoliciesClient.Get",
	"armsql.EncryptionProtectorsClient.Get",
	"armsql.FirewallRulesClient.NewListByServerPager",
	"armsql.LongTermRetentionPoliciesClient.Get",
	"armsql.ManagedInstanceEncryptionProtectorsClient.Get",
	"armsql.ManagedInstanceVulnerabilityAssessmentsClient.Get",
	"armsql.ServerSecurityAlertPoliciesClient.Get",
	"armsql.TransparentDataEncryptionsClient.Get",
	"armstorage.BlobServicesClient.GetServiceProperties",
	"armstorage.EncryptionScopesClient.NewListPager",
	"armstorage.FileSharesClient.NewListPager",
	"armstorage.ManagementPoliciesClient.Get",
	"armsubscription.PolicyClient.GetPolicyForTenant",
	"armsubscriptions.Client.Get",
	"armsynapse.WorkspaceManagedSQLServerVulnerabilityAssessmentsClient.Get",
}

// silent are the operations whose examples say nothing that a reader keeps, and what they say instead.
var silent = map[string]string{
	"armapimanagement.APIClient.NewListByServicePager":                           "all APIs take https only",
	"armappservice.WebAppsClient.NewListBasicPublishingCredentialsPoliciesPager": "passwords may publish, as without an answer",
	"armautomation.AccountClient.Get":                                            "nothing is set that would not hold without an answer",
	"armdatafactory.IntegrationRuntimesClient.NewListByFactoryPager":             "the runtime is self-hosted",
	"armmachinelearning.ComputeClient.NewListPager":                              "the computes are clusters of another service",
	"armnetwork.FirewallPoliciesClient.NewListAllPager":                          "no firewall of the examples goes by a policy",
	"armrecoveryservicesbackup.BackupResourceVaultConfigsClient.Get":             "it is about another switch than soft delete",
	"armresourcegraph.Client.Resources":                                          "the queries are others, so their rows are not relied on",
	"armresources.ProvidersClient.NewListPager":                                  "no provider is registered that has a reader",
	"armservicebus.NamespacesClient.GetNetworkRuleSet":                           "the namespace is open, which is what holds without an answer",
	"armsql.ExtendedServerBlobAuditingPoliciesClient.Get":                        "auditing is off",
	"armsql.ManagedServerSecurityAlertPoliciesClient.Get":                        "alerts are off",
	"armsql.ServerVulnerabilityAssessmentsClient.Get":                            "results are stored nowhere",
	"armstorage.FileServicesClient.GetServiceProperties":                         "only rules for browsers are set",
	"armsynapse.IPFirewallRulesClient.NewListByWorkspacePager":                   "there are no rules",
	"armsynapse.WorkspaceManagedSQLServerBlobAuditingPoliciesClient.Get":         "auditing is off",
}

// ties make the examples of several operations know each other: what one calls by a name of its own is called as another names it.
// The severity is what makes a reader keep an assessment, the role what makes it keep a policy.
var ties = map[string][]string{
	"armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager": {
		"8efdecc5-919e-44eb-b179-915dca89ebf9/resourceGroups/examplerg/providers/Microsoft.App/managedEnvironments/jlaw-demo1",
		"34adfa4f-cedf-4dc0-ba29-b6d1a69ab345/resourceGroups/rg/providers/Microsoft.App/managedEnvironments/demokube",
	},
	"armappservice.PlansClient.NewListPager": {
		"serverfarms/testsf6141", "serverfarms/DefaultAsp",
	},
	"armauthorization.RoleAssignmentScheduleInstancesClient.NewListForScopePager": {
		"dfa2a084-766f-4003-8ae1-c4aeb893a99f/providers/Microsoft.Authorization/roleAssignments/ed9b8180-cef7-4c77-a63c-b8566ecfc412",
		"a925f2f7-5c63-4b7b-8799-25a5f97bc3b2/providers/Microsoft.Authorization/roleAssignments/b0f43c54-e787-4862-89b1-a653fa9cf747",
	},
	"armauthorization.RoleDefinitionsClient.NewListPager": {
		"roleDefinitions/roleDefinitionId", "roleDefinitions/0b5fe924-9a61-425c-96af-cfe6e287ca2d",
	},
	"armauthorization.RoleManagementPolicyAssignmentsClient.NewListForScopePager": {
		"roleDefinitions/a1705bd2-3a8f-45a5-8683-466fcfd5cc24", "roleDefinitions/8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
	},
	"armcontainerservice.ManagedClustersClient.ListKubernetesVersions": {
		`"version":"1.24"`, `"version":"1.9"`,
	},
	"armmanagementgroups.Client.NewListPager": {
		"20000000-0001-0000-0000-000000000000", tenantID,
	},
	"armmanagementgroups.Client.NewGetDescendantsPager": {
		"20000000-0000-0000-0000-000000000000", tenantID,
		"20000000-0001-0000-0000-000000000000", "20000000-0004-0000-0000-000000000000",
	},
	"armsecurity.AssessmentsMetadataClient.NewListBySubscriptionPager": {
		`"severity":"Medium"`, `"severity":"High"`,
	},
	"armsubscriptions.Client.NewListPager": {
		"31c75423-32d6-4322-88b7-c478bdde4858", tenantID,
		"2a0ff0de-96b2-4859-bb7c-a430d07a3e0c", tenantID,
	},
}

// owners are the operations that the simulator has to answer for another to be asked: what they list in the examples needs no
// such call.
var owners = map[string]string{
	"armcompute.VirtualMachineExtensionsClient.List":  "armcompute.VirtualMachinesClient.NewListAllPager",
	"armsql.ServerVulnerabilityAssessmentsClient.Get": "armsql.ServersClient.NewListPager",
	"armstorage.EncryptionScopesClient.NewListPager":  "armstorage.AccountsClient.NewListPager",
}

// leftOut ends the id of the one thing in the examples that readers leave out: the database that every server has.
const leftOut = "/servers/testsvr/databases/master"

// try answers an operation with an example while the readers that call it run.
func (c *exampleCloud) try(t *testing.T, e *example, filled map[string]map[string]bool) {
	asked, resources := 0, map[string]*posture.Resource{}
	count := 0
	for account := range accounts {
		with := c.read(t, account, e.operation, e.body)
		asked += c.requests(e.operation)
		for _, cell := range with.Cells {
			if cell.State != posture.Complete {
				t.Errorf("cell %s of %s is %s: %v", cell.Type, account, cell.State, cell.Cause)
			}
		}
		for _, r := range with.Resources {
			resources[r.ID] = r
			note(r, filled)
			for _, u := range r.Unread {
				if u.Reason != posture.ReasonNotCollected && u.Reason != posture.ReasonUnreconciled {
					t.Errorf("%s of %s is unread: %v %s", u.Path, r.ID, u.Cause, u.Code)
				}
			}
		}
		count = max(count, len(with.Resources))
		if empty := emptied(e.body); len(with.Cells) > 0 && !bytes.Equal(empty, e.body) {
			same := cmp.Diff(with.Resources, c.read(t, account, e.operation, empty).Resources) == ""
			c.told[e.operation] = c.told[e.operation] || !same
		}
	}
	if asked == 0 {
		t.Error("nobody asked")
	}
	if silent[e.operation] != "" || slices.Contains(inside, e.operation) {
		return
	}
	list := elements(t, e.body)
	for _, el := range list {
		switch r := resources[strings.ToLower(el.ID)]; {
		case el.ID == "" && count != len(list):
			t.Errorf("%d resources for %d elements", count, len(list))
		case el.ID == "", strings.HasSuffix(el.ID, leftOut):
		case r == nil:
			t.Errorf("no resource for %s", el.ID)
		default:
			el.compare(t, r)
		}
	}
}

// note remembers which attributes a resource has that are not zero.
func note(r *posture.Resource, filled map[string]map[string]bool) {
	if filled[r.Type] == nil {
		filled[r.Type] = map[string]bool{}
	}
	v := reflect.ValueOf(r.Attributes).Elem()
	for _, f := range reflect.VisibleFields(v.Type()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" || f.Tag.Get("derived") != "" {
			continue
		}
		field := v.FieldByIndex(f.Index)
		empty := field.IsZero() || field.Kind() == reflect.Slice && field.Len() == 0
		filled[r.Type][name] = filled[r.Type][name] || !empty
	}
}

// element is one thing in an answer.
type element struct {
	ID, Name, Location string
	Tags               map[string]string
}

// elements are the things in an answer: those it lists, or the one that it is.
func elements(t *testing.T, body []byte) []element {
	t.Helper()
	var answer struct {
		element
		Value *[]element
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		t.Fatal(err)
	}
	if answer.Value != nil {
		return *answer.Value
	}
	return []element{answer.element}
}

// compare holds what every resource in a resource group has against the example.
func (e element) compare(t *testing.T, r *posture.Resource) {
	t.Helper()
	raw, err := json.Marshal(r.Attributes)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Name, Location string
		Group          *string `json:"resource_group"`
		Tags           map[string]string
	}
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	if got.Group == nil {
		return
	}
	if e.Location == "" {
		got.Location = "" // its owner's
	}
	e.Location = strings.ReplaceAll(strings.ToLower(e.Location), " ", "")
	if diff := cmp.Diff(e, element{e.ID, got.Name, got.Location, got.Tags}, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("%s differs from the example (-example +resource):\n%s", e.ID, diff)
	}
	if !strings.Contains(r.ID, "/resourcegroups/"+*got.Group+"/") {
		t.Errorf("%s is said to lie in %q", r.ID, *got.Group)
	}
}

// emptied is an answer of the same form without anything in it.
func emptied(body []byte) []byte {
	var answer map[string]json.RawMessage
	if json.Unmarshal(body, &answer) == nil && answer["value"] != nil {
		return []byte(`{"value":[]}`)
	}
	return []byte(`{}`)
}

// exampleCloud answers each operation with an example. What has none, and what it takes to open an account, the simulator answers,
// and when it does not know something that an example names, as it did for something of its own.
type exampleCloud struct {
	simulator http.Handler
	usual     map[string][]byte // an example of each operation
	told      map[string]bool   // operations whose examples change what readers make of the others

	mu        sync.Mutex
	own       map[string][]byte // the simulator's first answer to each operation, and to each type of resource
	operation string            // that is being tried; "" while the simulator alone answers
	body      []byte            // what it is answered with
	asked     map[string]int
	links     map[string]bool // to next pages, which are empty
}

// shortened is an answer with the first thing only of those it lists: details are the same for all of them, and so would be the
// ids of what lies in each.
func shortened(t *testing.T, body []byte) []byte {
	t.Helper()
	var answer map[string]json.RawMessage
	var list []json.RawMessage
	if json.Unmarshal(body, &answer) != nil || json.Unmarshal(answer["value"], &list) != nil || len(list) < 2 {
		return body
	}
	answer["value"], _ = json.Marshal(list[:1]) // was JSON before
	out, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func newExampleCloud(t *testing.T, examples []*example) *exampleCloud {
	t.Helper()
	c := &exampleCloud{simulator: simulator(t, 100), usual: map[string][]byte{}, told: map[string]bool{}, own: map[string][]byte{}}
	listen(t, c)
	for account := range accounts {
		c.read(t, account, "", nil)
	}
	for _, e := range examples {
		if pairs := ties[e.operation]; pairs != nil {
			tied := []byte(strings.NewReplacer(pairs...).Replace(string(e.body)))
			if bytes.Equal(tied, e.body) {
				t.Errorf("the ties of %s tie nothing", e.operation)
			}
			e.body = tied
		}
		if c.usual[e.operation] == nil {
			c.usual[e.operation] = shortened(t, e.body)
		}
	}
	return c
}

// read runs the readers that call an operation, which is answered with body; all readers if it is "".
func (c *exampleCloud) read(t *testing.T, account, operation string, body []byte) scan.Collected {
	t.Helper()
	c.mu.Lock()
	c.operation, c.body, c.asked, c.links = operation, body, map[string]int{}, map[string]bool{}
	c.mu.Unlock()
	return read(t, account, func(tasks []collectors.Task) []collectors.Task {
		return slices.DeleteFunc(tasks, func(task collectors.Task) bool {
			return operation != "" && !slices.ContainsFunc(task.Operations, func(op collectors.Operation) bool { return op.Name == operation })
		})
	})
}

// requests counts those for an operation since reading began.
func (c *exampleCloud) requests(operation string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asked[operation]
}

func (c *exampleCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m, params, _ := rest.Match(r.Host, r.Method, r.URL, "")
	c.asked[m.ID]++
	if body := c.answer(m.ID, r.URL); body != nil {
		send(w, body)
		return
	}
	recorder := httptest.NewRecorder()
	c.simulator.ServeHTTP(recorder, r)
	kind := m.ID + " " + kindOf(params["resourceId"])
	switch body := recorder.Body.Bytes(); {
	case recorder.Code == http.StatusOK && c.own[kind] == nil:
		c.own[kind] = body
	case recorder.Code == http.StatusNotFound && c.operation != "" && c.own[kind] != nil:
		send(w, c.own[kind])
		return
	}
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes()) // a client that went away needs no answer
}

// answer is what an operation is answered with; nil leaves it to the simulator.
func (c *exampleCloud) answer(operation string, u *url.URL) []byte {
	body := c.usual[operation]
	switch operation {
	case "":
		return nil
	case c.operation:
		body = c.body
	case "armsubscriptions.Client.Get", "armresources.ProvidersClient.NewListPager":
		return nil // these decide what is read at all
	}
	if c.operation == "" || body == nil || operation == owners[c.operation] {
		return nil
	}
	if c.links[u.Path+"?"+u.Query().Encode()] {
		return []byte(`{"value":[]}`)
	}
	var page struct{ NextLink string }
	if json.Unmarshal(body, &page) != nil || page.NextLink == "" {
		return body
	}
	next, err := url.Parse(page.NextLink)
	if err != nil {
		return body
	}
	next.Path = u.Path // of what was asked for, not of what the example is about
	c.links[next.Path+"?"+next.Query().Encode()] = true
	return bytes.Replace(body, quoted(page.NextLink), quoted(next.String()), 1)
}

func send(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(body) // as above
}

// kindOf is the type in a resource's id.
func kindOf(id string) string { return strings.ToLower(path.Base(path.Dir(id))) }

func quoted(s string) []byte {
	out, _ := json.Marshal(s) // a string
	return out
}
