// Package account is what simulated AWS accounts hold: one file per service, with the handlers that answer for it, the things
// and defects there are, and what the rules must say of them.
package account

import (
	"net/http"
	"sync"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// service is one simulated service.
type service struct {
	kinds  []world.Kind
	handle func(s *aws.Server, w *states)
}

// services lists every simulated service, by name.
func services() []service {
	return []service{
		accountService,
		cloudwatchService,
		detectionService,
		ec2NetworkService,
		ec2ComputeService,
		s3Service,
		kmsService,
		rdsService,
		elbv2Service,
		redshiftService,
		opensearchService,
		cacheService,
		codebuildService,
		kinesisService,
		dmsService,
		brokerService,
		pipelineService,
		glueService,
		lambdaService,
		dynamodbService,
		secretsmanagerService,
		messagingService,
		edgeService,
		ssmService,
		ecrService,
		efsService,
		iamService,
		cloudtrailService,
		organizationsService,
		changelogService,
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

// Serve makes the server answer for the accounts of w.
func Serve(s *aws.Server, w *world.World) error {
	states := &states{world: w, cached: map[cacheKey]*world.State{}}
	for _, service := range services() {
		service.handle(s, states)
	}
	return s.Err()
}

// states keeps the few states that a scan asks for again and again.
type states struct {
	world  *world.World
	mu     sync.Mutex
	cached map[cacheKey]*world.State
}

type cacheKey struct {
	account string
	tick    int
}

// cachedStates is how many are kept; a state is made anew in well under a millisecond per hundred things.
const cachedStates = 64

// at is the state a call meets.
func at[In any](w *states, c aws.Call[In]) *world.State { return w.get(c.Account, c.Now) }

func (w *states) get(account string, now time.Time) *world.State {
	key := cacheKey{account, w.world.TickAt(now)}
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.cached[key]; s != nil {
		return s
	}
	s, ok := w.world.State(account, now)
	if !ok {
		s = &world.State{World: w.world, Account: world.Account{Account: posture.Account{Provider: "aws", ID: account}, Regions: []string{"us-east-1"}}}
	}
	if len(w.cached) >= cachedStates {
		clear(w.cached)
	}
	w.cached[key] = s
	return s
}

// notFound is the answer for what is not there or not set.
func notFound(code string) error {
	return &aws.Error{Code: code, Message: "not found", Status: http.StatusNotFound}
}

// failIf is fail when the defect is there, else pass.
func failIf(defect bool) posture.Result {
	if defect {
		return posture.Fail
	}
	return posture.Pass
}
