package official

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/fake/server"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	armapimanagement "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/apimanagement/armapimanagement/v3/fake"
	armappcontainers "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appcontainers/armappcontainers/v3/fake"
	armapplicationinsights "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/applicationinsights/armapplicationinsights/fake"
	armappservice "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appservice/armappservice/v4/fake"
	armauthorization "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2/fake"
	armautomation "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/automation/armautomation/fake"
	armcdn "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cdn/armcdn/v2/fake"
	armcognitiveservices "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cognitiveservices/armcognitiveservices/fake"
	armcompute "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/compute/armcompute/v7/fake"
	armcontainerregistry "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerregistry/armcontainerregistry/fake"
	armcontainerservice "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/containerservice/armcontainerservice/v6/fake"
	armcosmos "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/cosmos/armcosmos/v3/fake"
	armdatabricks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/databricks/armdatabricks/fake"
	armdatafactory "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/datafactory/armdatafactory/v7/fake"
	armdataprotection "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/dataprotection/armdataprotection/v3/fake"
	armeventgrid "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventgrid/armeventgrid/v2/fake"
	armeventhub "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/eventhub/armeventhub/fake"
	armkeyvault "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/keyvault/armkeyvault/fake"
	armmachinelearning "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4/fake"
	armmanagementgroups "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/managementgroups/armmanagementgroups/fake"
	armmonitor "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/monitor/armmonitor/fake"
	armmysqlflexibleservers "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/mysql/armmysqlflexibleservers/fake"
	armnetwork "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/network/armnetwork/v7/fake"
	armoperationalinsights "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/operationalinsights/armoperationalinsights/fake"
	armpolicyinsights "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/policyinsights/armpolicyinsights/fake"
	armpostgresqlflexibleservers "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/postgresql/armpostgresqlflexibleservers/v4/fake"
	armrecoveryservices "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservices/fake"
	armrecoveryservicesbackup "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservicesbackup/v4/fake"
	armredis "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/redis/armredis/v3/fake"
	armresourcegraph "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resourcegraph/armresourcegraph/fake"
	armlocks "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armlocks/fake"
	armpolicy "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armpolicy/fake"
	armresources "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/fake"
	armsubscriptions "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armsubscriptions/fake"
	armsearch "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/search/armsearch/fake"
	armsecurity "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/security/armsecurity/fake"
	armsecurityinsights "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/securityinsights/armsecurityinsights/v2/fake"
	armservicebus "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/servicebus/armservicebus/fake"
	armsql "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/sql/armsql/fake"
	armstorage "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/storage/armstorage/fake"
	armsubscription "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/subscription/armsubscription/fake"
	armsynapse "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/synapse/armsynapse/fake"
	azcertificates "github.com/Azure/azure-sdk-for-go/sdk/security/keyvault/azcertificates/fake"

	states "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/policyinsights/armpolicyinsights"
	"github.com/google/go-cmp/cmp"

	collect "github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
)

// fakes are the SDK's own fake servers of every package that the readers use.
var fakes = map[string]service{
	"armapimanagement":             mount(armapimanagement.NewServerFactoryTransport),
	"armappcontainers":             mount(armappcontainers.NewServerFactoryTransport),
	"armapplicationinsights":       mount(armapplicationinsights.NewServerFactoryTransport),
	"armappservice":                mount(armappservice.NewServerFactoryTransport),
	"armauthorization":             mount(armauthorization.NewServerFactoryTransport),
	"armautomation":                mount(armautomation.NewServerFactoryTransport),
	"armcdn":                       mount(armcdn.NewServerFactoryTransport),
	"armcognitiveservices":         mount(armcognitiveservices.NewServerFactoryTransport),
	"armcompute":                   mount(armcompute.NewServerFactoryTransport),
	"armcontainerregistry":         mount(armcontainerregistry.NewServerFactoryTransport),
	"armcontainerservice":          mount(armcontainerservice.NewServerFactoryTransport),
	"armcosmos":                    mount(armcosmos.NewServerFactoryTransport),
	"armdatabricks":                mount(armdatabricks.NewServerFactoryTransport),
	"armdatafactory":               mount(armdatafactory.NewServerFactoryTransport),
	"armdataprotection":            mount(armdataprotection.NewServerFactoryTransport),
	"armeventgrid":                 mount(armeventgrid.NewServerFactoryTransport),
	"armeventhub":                  mount(armeventhub.NewServerFactoryTransport),
	"armkeyvault":                  mount(armkeyvault.NewServerFactoryTransport),
	"armlocks":                     mount(armlocks.NewServerFactoryTransport),
	"armmachinelearning":           mount(armmachinelearning.NewServerFactoryTransport),
	"armmanagementgroups":          mount(armmanagementgroups.NewServerFactoryTransport),
	"armmonitor":                   mount(armmonitor.NewServerFactoryTransport),
	"armmysqlflexibleservers":      mount(armmysqlflexibleservers.NewServerFactoryTransport),
	"armnetwork":                   mount(armnetwork.NewServerFactoryTransport),
	"armoperationalinsights":       mount(armoperationalinsights.NewServerFactoryTransport),
	"armpolicy":                    mount(armpolicy.NewServerFactoryTransport),
	"armpolicyinsights":            mount(armpolicyinsights.NewServerFactoryTransport),
	"armpostgresqlflexibleservers": mount(armpostgresqlflexibleservers.NewServerFactoryTransport),
	"armrecoveryservices":          mount(armrecoveryservices.NewServerFactoryTransport),
	"armrecoveryservicesbackup":    mount(armrecoveryservicesbackup.NewServerFactoryTransport),
	"armredis":                     mount(armredis.NewServerFactoryTransport),
	"armresourcegraph":             mount(armresourcegraph.NewServerFactoryTransport),
	"armresources":                 mount(armresources.NewServerFactoryTransport),
	"armsearch":                    mount(armsearch.NewServerFactoryTransport),
	"armsecurity":                  mount(armsecurity.NewServerFactoryTransport),
	"armsecurityinsights":          mount(armsecurityinsights.NewServerFactoryTransport),
	"armservicebus":                mount(armservicebus.NewServerFactoryTransport),
	"armsql":                       mount(armsql.NewServerFactoryTransport),
	"armstorage":                   mount(armstorage.NewServerFactoryTransport),
	"armsubscription":              mount(armsubscription.NewServerFactoryTransport),
	"armsubscriptions":             mount(armsubscriptions.NewServerFactoryTransport),
	"armsynapse":                   mount(armsynapse.NewServerFactoryTransport),
	"azcertificates":               mount(azcertificates.NewServerTransport),
}

// service makes the fake servers of one package of which one function is set.
type service struct {
	servers reflect.Type // a struct of structs of functions, or only one of those
	build   func(servers reflect.Value) policy.Transporter
}

func mount[Servers any, Transport policy.Transporter](build func(*Servers) Transport) service {
	return service{reflect.TypeFor[Servers](), func(servers reflect.Value) policy.Transporter {
		return build(servers.Addr().Interface().(*Servers))
	}}
}

// function finds the function of an operation: "AccountsClient.NewListPager" is NewListPager of AccountsServer.
func (s service) function(servers reflect.Value, operation string) reflect.Value {
	client, method, _ := strings.Cut(operation, ".")
	if server := servers.FieldByName(strings.TrimSuffix(client, "Client") + "Server"); server.IsValid() {
		return server.FieldByName(method)
	}
	return servers.FieldByName(method)
}

// TestFakes reads the simulated accounts twice: from the simulator, and from the SDK's fake servers, which say the same in their
// own way: they know each operation by its path, read the parameters, write the answer and link to the next page.
func TestFakes(t *testing.T) {
	const pageSize = 2
	f := &fakeCloud{simulator: simulator(t, pageSize), pageSize: pageSize, chains: map[string]policy.Transporter{},
		served: map[string]int{}, left: map[string]int{}}
	for account := range accounts {
		t.Run(account, func(t *testing.T) {
			f.t = t
			listen(t, f.simulator)
			want := read(t, account, all)
			listen(t, f)
			got := read(t, account, all)
			for i, cell := range got.Cells {
				if cell.State != want.Cells[i].State {
					t.Errorf("cell %s is %s: %v", cell.Type, cell.State, cell.Cause)
				}
			}
			if diff := cmp.Diff(want.Resources, got.Resources); diff != "" {
				t.Errorf("resources differ (-simulator +fakes):\n%s", diff)
			}
			t.Logf("%d resources", len(got.Resources))
		})
	}
	operations, requests := map[string]int{}, 0
	for _, op := range collect.Operations() {
		pkg, _, _ := strings.Cut(op.Name, ".")
		if _, known := fakes[pkg]; known && f.served[op.Name] == 0 {
			t.Errorf("no fake server was asked for %s", op.Name)
		} else if known {
			operations[pkg]++
			requests += f.served[op.Name]
		}
	}
	for pkg := range fakes {
		if operations[pkg] == 0 {
			t.Errorf("no fake server of %s was asked", pkg)
		}
	}
	t.Logf("fake servers of %d packages answered %d requests for operations: %v", len(operations), requests, operations)
	t.Logf("the simulator answered %v", slices.Sorted(maps.Keys(f.left)))
}

// fakeCloud answers with the fake servers, and with the simulator what those do not have.
type fakeCloud struct {
	t         *testing.T
	simulator *azure.Server
	pageSize  int

	mu     sync.Mutex
	chains map[string]policy.Transporter // by number: fake servers that have further pages
	served map[string]int                // requests by operation
	left   map[string]int                // to the simulator
}

// chain is the parameter of links by which the fake servers that have the next page are found again.
const chain = "chain"

func (f *fakeCloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	first := *r.URL // the address of the first page
	first.Path, first.RawPath = server.SanitizePagerPollerPath(r.URL.Path), ""
	m, params, _ := rest.Match(r.Host, r.Method, &first, "")
	pkg, operation, _ := strings.Cut(m.ID, ".")
	s, known := fakes[pkg]
	if !known || !s.function(reflect.New(s.servers).Elem(), operation).IsValid() {
		f.count(f.left, m.ID)
		f.simulator.ServeHTTP(w, r)
		return
	}
	f.count(f.served, m.ID)
	resp, err := f.ask(r, s, operation, params)
	var refused *azcore.ResponseError
	if errors.As(err, &refused) && refused.RawResponse != nil {
		resp, err = refused.RawResponse, nil
	}
	if err != nil {
		f.t.Errorf("fake server of %s: %v", m.ID, err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	defer resp.Body.Close()
	maps.Copy(w.Header(), resp.Header)
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body) // a client that went away needs no answer
}

func (f *fakeCloud) count(in map[string]int, operation string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	in[operation]++
}

// ask hands a request to fake servers of its own, or, for a further page, to those that have it. They want to know what does not
// come over the wire: the SDK's name of the operation, and the whole address, for links to next pages.
func (f *fakeCloud) ask(r *http.Request, s service, operation string, params map[string]string) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	asked := r.Clone(context.WithValue(r.Context(), runtime.CtxAPINameKey{}, operation))
	asked.Body = io.NopCloser(bytes.NewReader(body))
	asked.URL.Scheme, asked.URL.Host = "https", r.Host
	query := asked.URL.Query()
	f.mu.Lock()
	servers := f.chains[query.Get(chain)]
	if servers == nil {
		r.Body = io.NopCloser(bytes.NewReader(body))
		servers = f.servers(r, s, operation, params)
		query.Set(chain, strconv.Itoa(len(f.chains)))
		f.chains[query.Get(chain)] = servers
	}
	f.mu.Unlock()
	asked.URL.RawQuery = query.Encode()
	return servers.Do(asked)
}

// servers are fake servers that answer one request, with what the simulator says.
func (f *fakeCloud) servers(r *http.Request, s service, operation string, params map[string]string) policy.Transporter {
	servers := reflect.New(s.servers).Elem()
	function := s.function(servers, operation)
	function.Set(reflect.MakeFunc(function.Type(), func(args []reflect.Value) []reflect.Value {
		f.compare(operation, args, params, r.URL.Query())
		answer, err := f.simulator.Answer(r)
		if operation == byToken {
			answer, err = f.page(r)
		}
		return f.respond(function.Type(), answer, err)
	}))
	return s.build(servers)
}

// byToken is an operation that is asked for each further page by the token in the link to it: the link leads nowhere when it is
// followed as the SDK does, by another method than the first page.
const byToken = "PolicyStatesClient.NewListQueryResultsForSubscriptionPager"

// page is the page that the simulator sends for a token.
func (f *fakeCloud) page(r *http.Request) (any, error) {
	recorder := httptest.NewRecorder()
	f.simulator.ServeHTTP(recorder, r)
	if recorder.Code != http.StatusOK {
		return nil, &azure.Error{Status: recorder.Code}
	}
	out := &states.PolicyStatesQueryResults{}
	return out, json.Unmarshal(recorder.Body.Bytes(), out)
}

// compare holds the parameters that the fake servers found in an address against those that the simulator finds.
func (f *fakeCloud) compare(operation string, args []reflect.Value, params map[string]string, query url.Values) {
	var got []string
	for _, a := range args {
		if a.Kind() == reflect.String {
			got = append(got, a.String())
		}
	}
	known := slices.Collect(maps.Values(params))
	for _, values := range query {
		known = append(known, values...)
	}
	for _, value := range got {
		if !slices.Contains(known, value) {
			f.t.Errorf("the fake server of %s was asked about %q, the simulator about %v", operation, value, known)
		}
	}
	for name, value := range params {
		// The subscription is the client's, and what can only be the default is nobody's choice.
		if name != "subscriptionId" && value != "default" && !slices.Contains(got, value) {
			f.t.Errorf("the simulator was asked for the %s %q of %s, the fake server about %v", name, value, operation, got)
		}
	}
}

// respond makes what a function of the fake servers returns: a list in pages, or an answer or an error.
func (f *fakeCloud) respond(function reflect.Type, answer any, err error) []reflect.Value {
	call := func(on reflect.Value, method string, args ...any) {
		in := []reflect.Value{}
		for _, a := range args {
			in = append(in, reflect.ValueOf(a))
		}
		m := on.MethodByName(method)
		if len(in) < m.Type().NumIn() { // options
			in = append(in, reflect.Zero(m.Type().In(len(in))))
		}
		m.Call(in)
	}
	list := function.NumOut() == 1
	out := []reflect.Value{reflect.New(function.Out(0))}
	if !list {
		out = append(out, reflect.New(function.Out(1)))
	}
	var refused *azure.Error
	switch {
	case errors.As(err, &refused) && list:
		call(out[0], "AddResponseError", refused.Status, refused.Code)
	case errors.As(err, &refused):
		call(out[1], "SetResponseError", refused.Status, refused.Code)
	case err != nil:
		f.t.Error(err)
	case list:
		for _, page := range f.pages(out[0].MethodByName("AddPage").Type().In(1), answer) {
			call(out[0], "AddPage", http.StatusOK, page)
		}
	default:
		call(out[0], "SetResponse", http.StatusOK, f.wrap(out[0].MethodByName("SetResponse").Type().In(1), answer).Interface())
	}
	for i := range out {
		out[i] = out[i].Elem()
	}
	return out
}

// wrap puts an answer into the response of the SDK that holds it.
func (f *fakeCloud) wrap(response reflect.Type, answer any) reflect.Value {
	out := reflect.New(response).Elem()
	held := reflect.ValueOf(answer).Elem()
	for i := range response.NumField() {
		if response.Field(i).Type == held.Type() {
			out.Field(i).Set(held)
			return out
		}
	}
	f.t.Errorf("%v holds no %v", response, held.Type())
	return out
}

// pages cuts an answer that links to next pages into several responses.
func (f *fakeCloud) pages(response reflect.Type, answer any) []any {
	whole := f.wrap(response, answer)
	list := whole.FieldByName("Value")
	if !list.IsValid() || !whole.FieldByName("NextLink").IsValid() && !whole.FieldByName("ODataNextLink").IsValid() {
		return []any{whole.Interface()}
	}
	var out []any
	for from := 0; from == 0 || from < list.Len(); from += f.pageSize {
		page := reflect.New(response).Elem()
		page.Set(whole)
		page.FieldByName("Value").Set(list.Slice(from, min(from+f.pageSize, list.Len())))
		out = append(out, page.Interface())
	}
	return out
}
