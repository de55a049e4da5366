package scan

import "github.com/plumbline-dev/plumbline/pkg/posture"

// State is what the newest sealed snapshot of an account says: what the next scan carries forward, and need not judge again.
type State struct {
	Snapshot  posture.Snapshot // Seq 0 when the account was never scanned
	Resources map[posture.Key]Prior
	Verdicts  map[Judged]posture.Verdict
}

// Prior is a resource as the newest snapshot holds it.
type Prior struct {
	Hash  [32]byte
	Stale bool
}

// Judged names a rule and what it was judged on.
type Judged struct {
	RuleID   string
	Resource posture.Key
}

// NewState indexes what the store holds of an account's newest snapshot.
func NewState(s posture.Sealing) State {
	state := State{
		Snapshot:  s.Snapshot,
		Resources: make(map[posture.Key]Prior, len(s.Resources)),
		Verdicts:  make(map[Judged]posture.Verdict, len(s.Verdicts)),
	}
	for _, r := range s.Resources {
		state.Resources[r.Key] = Prior{r.Hash, r.Stale}
	}
	for _, v := range s.Verdicts {
		state.Verdicts[Judged{v.RuleID, v.Resource}] = v
	}
	return state
}
