package subscription_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// planter puts secrets into the answers of the simulated cloud, wherever people put them. Each has a mark to find it by.
type planter struct {
	mu      sync.Mutex
	base    http.RoundTripper
	planted map[string]int // secrets in the answers, by method
	handed  []string       // requests that ask for secrets as such: settings and keys are listed by POST
	n       int
}

var mark = regexp.MustCompile(`pl4nted\d{5}`)

// secret is the next one: a password, or something that gives itself away by its form.
func (p *planter) secret() string {
	p.n++
	core := fmt.Sprintf("pl4nted%05d", p.n)
	switch p.n % 5 {
	case 0:
		return "Server=tcp:db.acme.example;User ID=shop;Password=" + core + ";"
	case 1:
		return "-----BEGIN " + "PRIVATE KEY-----\n" + core + "\n-----END " + "PRIVATE KEY-----"
	case 2:
		return "DefaultEndpointsProtocol=https;AccountName=st;AccountKey=" + core + strings.Repeat("x", 60) + "=="
	case 3:
		return "https://shop:" + core + "@orders.acme.example"
	}
	return core
}

// member is a name and a value as Azure lists settings.
func member(name, value string) map[string]any { return map[string]any{"name": name, "value": value} }

// plantings say where a method's answers get secrets: at every object at the path, the members that put adds.
var plantings = []struct {
	method string
	path   string
	put    func(at map[string]any, secret func() string)
}{
	{"armappservice.WebAppsClient.NewListPager", "value.*.properties.siteConfig", plantSite},
	{"armappservice.WebAppsClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["siteProperties"] = map[string]any{"properties": []any{member("LinuxFxVersion", "COMPOSE|"+secret())}, "appSettings": []any{member("DB_PASSWORD", secret())}}
	}},
	{"armappservice.WebAppsClient.GetConfiguration", "properties", func(at map[string]any, secret func() string) {
		plantSite(at, secret)
		at["linuxFxVersion"] = "COMPOSE|" + secret()
		rules, _ := at["ipSecurityRestrictions"].([]any)
		at["ipSecurityRestrictions"] = append(rules, map[string]any{"ipAddress": "AzureFrontDoor.Backend", "tag": "ServiceTag", "action": "Allow", "priority": 300,
			"headers": map[string]any{"x-azure-fdid": []any{secret()}}})
	}},
	{"armappservice.WebAppsClient.GetAuthSettingsV2WithoutSecrets", "properties", func(at map[string]any, secret func() string) {
		at["identityProviders"] = map[string]any{"azureActiveDirectory": map[string]any{"login": map[string]any{"loginParameters": []any{"client_secret=" + secret()}}}}
	}},
	{"armautomation.VariableClient.NewListByAutomationAccountPager", "", func(at map[string]any, secret func() string) {
		list, _ := at["value"].([]any)
		for _, name := range leaky {
			quoted, _ := json.Marshal(secret()) // a string
			list = append(list, map[string]any{"id": name, "name": name, "properties": map[string]any{"isEncrypted": false, "value": string(quoted)}})
		}
		at["value"] = list
	}},
	{"armapimanagement.NamedValueClient.NewListByServicePager", "", func(at map[string]any, secret func() string) {
		list, _ := at["value"].([]any)
		for _, name := range leaky {
			list = append(list, map[string]any{"id": name, "name": name, "properties": map[string]any{"displayName": name, "value": secret(), "secret": false}})
		}
		at["value"] = list
	}},
	{"armapimanagement.ServiceClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["hostnameConfigurations"] = []any{map[string]any{"type": "Proxy", "hostName": "api.acme.example", "encodedCertificate": secret(), "certificatePassword": secret()}}
	}},
	{"armapimanagement.APIClient.NewListByServicePager", "value.*.properties", func(at map[string]any, secret func() string) { at["serviceUrl"] = secret() }},
	{"armappcontainers.ContainerAppsClient.NewListBySubscriptionPager", "value.*.properties.template.containers.*", func(at map[string]any, secret func() string) {
		var list []any
		for _, name := range leaky {
			list = append(list, member(name, secret()))
		}
		at["env"], at["args"], at["command"] = list, []any{"--token", secret()}, []any{"serve", secret()}
	}},
	{"armappcontainers.ContainerAppsClient.NewListBySubscriptionPager", "value.*.properties.configuration", func(at map[string]any, secret func() string) {
		at["secrets"] = []any{member("db", secret())}
	}},
	{"armappcontainers.ManagedEnvironmentsClient.NewListBySubscriptionPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["daprAIConnectionString"], at["daprAIInstrumentationKey"] = secret(), secret()
		at["appLogsConfiguration"] = map[string]any{"destination": "log-analytics", "logAnalyticsConfiguration": map[string]any{"sharedKey": secret()}}
	}},
	{"armkeyvault.KeysClient.NewListPager", "value.*", plantTags},
	{"armkeyvault.KeysClient.Get", "", plantTags},
	{"armkeyvault.SecretsClient.NewListPager", "value.*", plantTags},
	{"azcertificates.Client.NewListCertificatePropertiesPager", "value.*", plantTags},
	{"armdatafactory.FactoriesClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["globalParameters"] = map[string]any{"dbPassword": map[string]any{"type": "String", "value": secret()}}
	}},
	{"armdatafactory.IntegrationRuntimesClient.NewListByFactoryPager", "value.*.properties", func(at map[string]any, secret func() string) {
		if at["type"] == "Managed" {
			at["typeProperties"] = map[string]any{"ssisProperties": map[string]any{"catalogInfo": map[string]any{
				"catalogAdminPassword": map[string]any{"type": "SecureString", "value": secret()}}}}
		}
	}},
	{"armcognitiveservices.AccountsClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["apiProperties"] = map[string]any{"eventHubConnectionString": secret(), "qnaAzureSearchEndpointKey": secret()}
		at["migrationToken"] = secret()
	}},
	{"armmachinelearning.ComputeClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		inner, _ := at["properties"].(map[string]any)
		switch at["computeType"] {
		case "AmlCompute":
			inner["userAccountCredentials"] = map[string]any{"adminUserName": "root", "adminUserPassword": secret()}
		case "ComputeInstance":
			inner["setupScripts"] = map[string]any{"scripts": map[string]any{"creationScript": map[string]any{"scriptSource": "inline", "scriptData": secret()}}}
			inner["customServices"] = []any{map[string]any{"name": "studio", "environmentVariables": map[string]any{"DB_PASSWORD": map[string]any{"type": "local", "value": secret()}}}}
		}
	}},
	{"armsynapse.WorkspacesClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["sqlAdministratorLoginPassword"] = secret()
		at["extraProperties"] = map[string]any{"note": secret()}
	}},
	{"armsynapse.WorkspaceManagedSQLServerVulnerabilityAssessmentsClient.Get", "properties", func(at map[string]any, secret func() string) {
		at["storageContainerSasKey"], at["storageAccountAccessKey"] = secret(), secret()
		at["storageContainerPath"] = "https://st.blob.core.windows.net/va/?sig=" + secret()
	}},
	{"armsynapse.WorkspaceManagedSQLServerBlobAuditingPoliciesClient.Get", "properties", func(at map[string]any, secret func() string) {
		at["storageAccountAccessKey"] = secret()
	}},
	{"armredis.Client.NewListBySubscriptionPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["accessKeys"] = map[string]any{"primaryKey": secret(), "secondaryKey": secret()}
	}},
	{"armcompute.VirtualMachinesClient.NewListAllPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["userData"] = secret()
		at["osProfile"] = map[string]any{"computerName": "vm", "adminUsername": "azureuser", "adminPassword": secret(), "customData": secret()}
	}},
	{"armapplicationinsights.ComponentsClient.NewListPager", "value.*.properties", func(at map[string]any, secret func() string) {
		at["ConnectionString"], at["InstrumentationKey"] = secret(), secret()
	}},
}

// leaky are the names of variables that hold a secret afterwards.
var leaky = []string{"ADMIN_PASSWORD", "DB_PASSWORD_2", "PRIVATE_KEY", "SESSION_SECRET", "UPSTREAM_TOKEN"}

// plantSite puts them wherever the configuration of a site can hold them.
func plantSite(at map[string]any, secret func() string) {
	at["appSettings"] = []any{member("DB_PASSWORD", secret()), member("FUNCTIONS_EXTENSION_VERSION", "~4")}
	at["connectionStrings"] = []any{map[string]any{"name": "orders", "type": "SQLAzure", "connectionString": secret()}}
	at["azureStorageAccounts"] = map[string]any{"media": map[string]any{"type": "AzureFiles", "accountName": "stmedia", "accessKey": secret()}}
	at["metadata"] = []any{member("CURRENT_STACK", secret())}
	at["machineKey"] = map[string]any{"decryption": "AES", "decryptionKey": secret(), "validationKey": secret()}
	at["appCommandLine"] = "serve --token " + secret()
	at["autoHealRules"] = map[string]any{"actions": map[string]any{"actionType": "CustomAction", "customAction": map[string]any{"exe": "notify.exe", "parameters": secret()}}}
}

func plantTags(at map[string]any, secret func() string) {
	notes, _ := at["tags"].(map[string]any)
	if notes == nil {
		notes = map[string]any{}
	}
	notes["old-password"] = secret()
	at["tags"] = notes
}

// objects are those at a path whose parts are members, or "*" for every member or element.
func objects(v any, path string) []map[string]any {
	if path == "" {
		if object, ok := v.(map[string]any); ok {
			return []map[string]any{object}
		}
		return nil
	}
	part, rest, _ := strings.Cut(path, ".")
	var out []map[string]any
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if part == "*" || part == name {
				out = append(out, objects(inner, rest)...)
			}
		}
	case []any:
		for _, inner := range v {
			out = append(out, objects(inner, rest)...)
		}
	}
	return out
}

// RoundTrip implements http.RoundTripper.
func (p *planter) RoundTrip(r *http.Request) (*http.Response, error) {
	m, _, _ := rest.Match(r.URL.Host, r.Method, r.URL, "")
	if path := strings.ToLower(r.URL.Path); r.Method == http.MethodPost && (strings.HasSuffix(path, "/list") || strings.HasSuffix(path, "keys")) {
		p.mu.Lock()
		p.handed = append(p.handed, path)
		p.mu.Unlock()
	}
	resp, err := p.base.RoundTrip(r)
	if err != nil || resp.StatusCode >= 300 {
		return resp, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	var answer any
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	before := p.n
	for _, planting := range plantings {
		if planting.method == m.ID {
			for _, object := range objects(answer, planting.path) {
				planting.put(object, p.secret)
			}
		}
	}
	p.planted[m.ID] += p.n - before
	if p.n > before {
		body, err = json.Marshal(answer)
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Del("Content-Length")
	return resp, err
}

// TestNoSecretLeavesTheReaders: of the secrets in what the cloud answers not one is in the resources, in the bodies that are
// kept, or in what the verdicts say. The application settings of sites are not even asked for.
func TestNoSecretLeavesTheReaders(t *testing.T) {
	c := newCloud(t, 100)
	c.At(faultTick)
	p := &planter{base: fault.InMemory(c.Server), planted: map[string]int{}}
	journal := transport.NewJournal()
	opened, err := c.Open(context.Background(), c.World.Accounts[1], p, transport.Options{Clock: c.Clock, Journal: journal, RedactKey: []byte("k")})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(context.Background(), opened, c.Clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, planting := range plantings {
		if p.planted[planting.method] == 0 {
			t.Errorf("no secret in the answers of %s: nothing is proved of it", planting.method)
		}
	}
	for _, cell := range collected.Cells {
		if _, gap := cell.Gap(); gap {
			t.Errorf("%s was not read: %v", cell.Type, cell.Cause)
		}
	}
	look := func(where string, text []byte) {
		for _, found := range mark.FindAll(text, 3) {
			t.Errorf("%s holds secret %s: %.300s", where, found, text)
		}
	}
	types := map[string]*posture.Type{}
	for _, kind := range collected.Types {
		types[kind.Name] = kind
	}
	for _, r := range collected.Resources {
		text, err := json.Marshal(map[string]any{"id": r.ID, "attributes": types[r.Type].Encode(r.Attributes, nil), "unread": r.Unread})
		if err != nil {
			t.Fatal(err)
		}
		look(r.Type, text)
	}
	sealing, _, err := c.Judge.Judge(collected, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range sealing.Resources {
		look("sealed "+r.Key.Type, r.JSON)
	}
	failing := map[string]bool{}
	for _, v := range sealing.Verdicts {
		look("verdict of "+v.RuleID, []byte(v.Reason))
		failing[v.RuleID] = failing[v.RuleID] || v.Result == posture.Fail
	}
	for _, rule := range []string{"azure-automation-account-variables-encrypted", "azure-apimanagement-service-secrets-protected"} {
		if !failing[rule] {
			t.Errorf("nothing fails %s", rule)
		}
	}
	for _, body := range journal.Bodies() {
		look("stored body", body.Data)
	}
	calls, err := json.Marshal(journal.Calls())
	if err != nil {
		t.Fatal(err)
	}
	look("journal", calls)
	if len(p.handed) > 0 {
		t.Errorf("secrets were asked for: %v", p.handed)
	}
	suspects := map[string][]string{}
	for _, r := range collected.Resources {
		switch a := r.Attributes.(type) {
		case *schema.AutomationAccount:
			suspects[r.ID] = a.UnencryptedSuspectNames
		case *schema.APIManagementService:
			suspects[r.ID] = a.PlaintextSuspectNames
		case *schema.ContainerApp:
			suspects[r.ID] = a.SuspectEnvNames
		}
	}
	for id, names := range suspects {
		for _, name := range leaky {
			if !slices.Contains(names, name) {
				t.Errorf("%s: %s is not among the suspects %v", id, name, names)
			}
		}
	}
}
