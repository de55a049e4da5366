// Package project is what simulated Google Cloud projects and organizations hold: one file per service, with the methods that
// answer for it, the things and defects there are, and what the rules must say of them.
package project

import (
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// The sorts of accounts that kinds belong to.
const (
	inProject      = "gcp"
	inOrganization = "gcp.organization"
)

// service is one simulated service. A project has the API switched on, unless it is named in off.
type service struct {
	api    string // "storage.googleapis.com"; "" for what needs none in the project
	kinds  []world.Kind
	handle func(s *gcp.Server, w *states)
}

// services lists every simulated service, by name.
func services() []service {
	return []service{
		resourceManager,
		assetService,
		orgPolicyService,
		accessApprovalService,
		essentialContactsService,
		securityCenterService,
		dlpService,
		directoryService,
		denyPolicyService,
		iamService,
		policyAnalyzerService,
		kmsService,
		secretManagerService,
		apiKeysService,
		computeVMService,
		osConfigService,
		containerService,
		binaryAuthorizationService,
		networkService,
		firewallService,
		balancerService,
		dnsService,
		storageService,
		sqlService,
		alloyService,
		bigQueryService,
		runService,
		functionsService,
		pubsubService,
		dataprocService,
		artifactService,
		deployService,
		loggingService,
		changelogService,
		monitoringService,
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
func New(w *world.World, now func() time.Time, pageSize int) (*gcp.Server, error) {
	states := &states{world: w, cached: map[cacheKey]*world.State{}}
	s := gcp.New(gcp.Options{Now: now, PageSize: pageSize, Account: states.accountOf})
	states.apis = []string{"cloudasset.googleapis.com", "cloudresourcemanager.googleapis.com", "serviceusage.googleapis.com"}
	for _, service := range services() {
		if service.api != "" {
			states.apis = append(states.apis, service.api)
		}
		service.handle(s, states)
	}
	slices.Sort(states.apis)
	states.apis = slices.Compact(states.apis)
	return s, s.Err()
}

// Number is a project's number.
func Number(projectID string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(projectID)) // a hash never fails
	return strconv.FormatUint(100_000_000_000+h.Sum64()%900_000_000_000, 10)
}

// states keeps the few states that a scan asks for again and again.
type states struct {
	world  *world.World
	apis   []string // that projects have switched on
	mu     sync.Mutex
	cached map[cacheKey]*world.State
}

type cacheKey struct {
	account string
	tick    int
}

// cachedStates is how many are kept.
const cachedStates = 64

// at is the state that a call meets: that of its project or organization. One that does not exist is refused as Google does:
// it does not tell whether there is such a project.
func (w *states) at(c gcp.Call) (*world.State, error) { return w.get(c.Account, c.Now) }

func (w *states) get(account string, now time.Time) (*world.State, error) {
	key := cacheKey{account, w.world.TickAt(now)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.cached[key]; s != nil {
		return s, nil
	}
	s, ok := w.world.State(account, now)
	if !ok {
		return nil, &gcp.Error{Status: 403, Code: "PERMISSION_DENIED", Message: "The caller does not have permission on " + account + "."}
	}
	if len(w.cached) >= cachedStates {
		clear(w.cached)
	}
	w.cached[key] = s
	return s, nil
}

// accountOf finds the account of requests that name no project: a number, a bucket's name that begins with the project's, a
// folder, or a search over the one organization there is.
func (w *states) accountOf(c gcp.Call) string {
	if bucket := c.Params["bucket"]; bucket != "" {
		for _, a := range w.world.Accounts {
			if a.Provider == "gcp" && strings.HasPrefix(bucket, a.ID+"-") {
				return a.ID
			}
		}
	}
	if node := loggedNode(c); node != "" {
		c.Account = strings.TrimPrefix(node, "projects/")
	}
	if point := c.Params["policiesId"]; c.Account == "" && point != "" {
		return attachedTo(point)
	}
	for _, a := range w.world.Accounts {
		switch {
		case a.Provider != "gcp":
		case c.Account != "" && (c.Account == Number(a.ID) || c.Method == listEntries && c.Account == a.ID):
			return a.ID
		case c.Account == "" && a.Sort == inOrganization:
			return a.ID
		}
	}
	return ""
}

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

// keyOf names a resource of a global cell; in names one in a location.
func keyOf(typeName, id string) posture.Key {
	return posture.Key{Type: typeName, Region: posture.Global, ID: id}
}

func in(location, typeName, id string) posture.Key {
	return posture.Key{Type: typeName, Region: location, ID: id}
}

// stamp writes a time as Google does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
