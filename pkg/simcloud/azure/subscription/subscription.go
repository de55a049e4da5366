// Package subscription is what simulated Azure subscriptions and tenants hold: one file per service, with the operations that
// answer for it, the things and defects there are, and what the rules must say of them.
package subscription

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/azure/rest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The sorts of accounts that kinds belong to.
const (
	inSubscription = "azure"
	inTenant       = "azure.tenant"
)

// service is one simulated service. Subscriptions have its resource providers registered.
type service struct {
	providers []string // "Microsoft.Cache"
	kinds     []world.Kind
	handle    func(s *azure.Server, w *states)
}

// services lists every simulated service, by name.
func services() []service {
	return []service{
		aksService,
		apiManagementService,
		appServiceService,
		authorizationService,
		automationService,
		changelogService,
		cognitiveService,
		computeService,
		containerAppsService,
		containerRegistryService,
		cosmosService,
		databricksService,
		dataFactoryService,
		dataProtectionService,
		entraAccessService,
		entraPeopleService,
		entraService,
		eventGridService,
		eventHubService,
		frontDoorService,
		gatewayService,
		genericService,
		insightsService,
		graphQueryService,
		inventoryService,
		keyVaultService,
		machineLearningService,
		monitorService,
		mysqlService,
		networkService,
		policyService,
		postgresService,
		recoveryService,
		redisService,
		searchService,
		securityService,
		serviceBusService,
		sqlService,
		storageService,
		subscriptionService,
		synapseService,
		workspaceService,
	}
}

// Kinds lists everything accounts can hold, for a world to be made of.
func Kinds() []world.Kind {
	var out []world.Kind
	for _, s := range services() {
		out = append(out, s.kinds...)
	}
	return out
}

// New returns a server that answers for the accounts of w.
func New(w *world.World, now func() time.Time, pageSize int) (*azure.Server, error) {
	states := &states{world: w, cached: map[cacheKey]*world.State{}}
	s := azure.New(azure.Options{Now: now, PageSize: pageSize, Account: states.accountOf})
	for _, service := range services() {
		states.providers = append(states.providers, service.providers...)
		service.handle(s, states)
	}
	slices.Sort(states.providers)
	states.providers = slices.Compact(states.providers)
	return s, s.Err()
}

// states keeps the few states that a scan asks for again and again.
type states struct {
	world     *world.World
	providers []string // that subscriptions have registered
	mu        sync.Mutex
	cached    map[cacheKey]*world.State
	listed    map[*world.State][]described
}

type cacheKey struct {
	account string
	tick    int
}

// cachedStates is how many are kept.
const cachedStates = 64

// at is the state that a call meets: that of its subscription or tenant.
func (w *states) at(c azure.Call) (*world.State, error) { return w.get(c.Account, c.Now) }

func (w *states) get(account string, now time.Time) (*world.State, error) {
	key := cacheKey{account, w.world.TickAt(now)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.cached[key]; s != nil {
		return s, nil
	}
	s, ok := w.world.State(account, now)
	if !ok {
		return nil, &azure.Error{Status: 404, Code: "SubscriptionNotFound", Message: "The subscription '" + account + "' could not be found."}
	}
	if len(w.cached) >= cachedStates {
		clear(w.cached)
	}
	w.cached[key] = s
	return s, nil
}

// accountOf finds the account of requests that name no subscription in their path: Microsoft Graph and management groups belong
// to the one tenant there is, a vault to a subscription, and a query names one in its body.
func (w *states) accountOf(c azure.Call) string {
	if c.Method == resourceQuery {
		return queriedSubscription(c)
	}
	if rest.HostOf(c.Host) == rest.Vault {
		return w.vaultOwner(c.Host)
	}
	for _, a := range w.world.Accounts {
		if a.Sort == inTenant {
			return a.ID
		}
	}
	return ""
}

// membersOf are the subscriptions of a tenant.
func membersOf(w *world.World, tenant string) []world.Account {
	var out []world.Account
	for _, a := range w.Accounts {
		if a.Provider == "azure" && len(a.Above) > 0 && a.Above[len(a.Above)-1] == tenant {
			out = append(out, a)
		}
	}
	return out
}

// tenantOf is the GUID of the tenant that a subscription belongs to.
func tenantOf(a world.Account) string {
	if len(a.Above) == 0 {
		return strings.TrimPrefix(a.ID, "tenants/")
	}
	return strings.TrimPrefix(a.Above[len(a.Above)-1], "tenants/")
}

// group is the resource group that the simulated resources lie in.
const group = "rg-app"

// idOf builds the id of a resource as the service writes it: with capitals, which readers have to take away.
func idOf(it *world.Item, providerAndType, name string) string {
	return "/subscriptions/" + it.Account.ID + "/resourceGroups/" + group + "/providers/" + providerAndType + "/" + name
}

// keyOf names a resource by the id that the service writes.
func keyOf(typeName, id string) posture.Key {
	return posture.Key{Type: typeName, Region: posture.Global, ID: strings.ToLower(id)}
}

// subscriptionKey names the subscription itself, tenantKey the tenant: for rules on the whole.
func subscriptionKey(s *world.State) posture.Key {
	return keyOf("azure.subscriptions.subscription", "/subscriptions/"+s.Account.ID)
}

func tenantKey(s *world.State) posture.Key { return keyOf("azure.entra.tenant", s.Account.ID) }

// failIf is fail when the defect is there, else pass.
func failIf(defect bool) posture.Result {
	if defect {
		return posture.Fail
	}
	return posture.Pass
}

// unless is r, or not applicable when not is true.
func unless(not bool, r posture.Result) posture.Result {
	if not {
		return posture.DoesNotApply
	}
	return r
}

// labels are tags as the SDK's structs hold them.
func labels(pairs ...string) map[string]*string {
	out := map[string]*string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = &pairs[i+1]
	}
	return out
}
