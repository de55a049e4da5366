// Package collectors holds the contract the clouds share: what a reader is, what it hands over, and how it says that
// something was not read. Each cloud's readers stay natural to its SDK.
package collectors

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/attribution"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Scope says how often a reader runs.
type Scope int

// Global readers run once per account, Regional ones once per enabled region. Located ones run once per account, because one
// call answers for every place, and emit each resource In its own.
const (
	Global Scope = iota
	Regional
	Located
)

// Body says what the journal keeps of an operation's answers beside their digest.
type Body struct {
	store  bool
	redact []string
}

// Store keeps the whole body; Digest keeps its digest only.
var (
	Store  = Body{store: true}
	Digest = Body{}
)

// Redact keeps the body with the text of the named elements or members, wherever they stand, replaced by a keyed digest.
func Redact(names ...string) Body { return Body{store: true, redact: names} }

// Kept reports whether the body is stored, and which names are redacted in it.
func (b Body) Kept() (bool, []string) { return b.store, b.redact }

// Operation is one API call a reader may make. The transport refuses calls that no reader declares.
type Operation struct {
	Name       string // "CloudTrail.DescribeTrails": the SDK's service id without spaces, and the operation
	Permission string // what a role must grant, several with ", " between them; empty when the call needs none
	Body       Body
	// Polled operations are asked again with the same parameters until an answer is ready; for any other operation the same
	// request again and again within a cell means that paging runs in a circle.
	Polled bool
}

// Permissions are the permissions that the operation needs, one by one.
func (op Operation) Permissions() []string {
	if op.Permission == "" {
		return nil
	}
	return strings.Split(op.Permission, ", ")
}

// Reader fills the cells of one or several resource types through client C.
type Reader[C any] struct {
	Fills      []*posture.Type
	Scope      Scope
	Operations []Operation
	// Collect reads one region (or the account) and emits every resource. An error means that the list was not read to the
	// end: what was emitted stands, and the cells of all types in Fills end denied or failed.
	Collect func(ctx context.Context, c C, emit Emit) error
}

// Emit hands over one resource: its native id, its schema struct, and the attributes that could not be read. It may be
// called from several goroutines.
type Emit func(id string, attributes any, gaps ...Gap)

// At is a resource's attributes together with the region it lies in.
type At struct {
	Region     string
	Attributes any
}

// In says where a resource lies, for readers whose calls answer for several regions at once.
func In(region string, attributes any) At { return At{region, attributes} }

// Gap is a set of attributes that one failed call left unread.
type Gap struct {
	Err   error
	Paths []string
}

// ErrNotCollected is the reason of attributes that rest on something no reader fills.
var ErrNotCollected = errors.New("not collected")

// ErrRepeatedPage is returned for a page token that leads to a page already read.
var ErrRepeatedPage = errors.New("the same page was offered twice")

// Unread says that err left the attributes at paths unread.
func Unread(err error, paths ...string) Gap { return Gap{Err: err, Paths: paths} }

// NotCollected says that nothing reads the attributes at paths yet.
func NotCollected(paths ...string) Gap { return Gap{Err: ErrNotCollected, Paths: paths} }

// TypeError is an error that leaves only one of a reader's types incomplete, or only one region of it.
type TypeError struct {
	Type   *posture.Type
	Region string // "" means everywhere
	Err    error
}

func (e *TypeError) Error() string { return e.Type.Name + ": " + e.Err.Error() }
func (e *TypeError) Unwrap() error { return e.Err }

// Incomplete says that only type t was not read to the end. Several are joined with errors.Join.
func Incomplete(t *posture.Type, err error) error {
	if err == nil {
		return nil
	}
	return &TypeError{Type: t, Err: err}
}

// IncompleteIn says that only region, of a Located reader's type t, was not read to the end.
func IncompleteIn(region string, t *posture.Type, err error) error {
	return &TypeError{Type: t, Region: region, Err: err}
}

// Task is one reader bound to one region of one account: what a scan runs.
type Task struct {
	Region     string // posture.Global for global readers
	Fills      []*posture.Type
	Operations []Operation
	Collect    func(ctx context.Context, emit Emit) error
	// Skip, when set, says why the cells are not read at all: not_applicable with the switch that was read, or unread.
	Skip *Skip
}

// Skip ends cells without a call.
type Skip struct {
	State posture.CellState
	Cause posture.Cause
}

// Account is an opened account: who reads it, and everything there is to read.
type Account struct {
	posture.Account
	Principal string // the identity that reads, as the cloud reports it
	// Ancestors are the organization or tenant above, whose newest snapshot this account is judged with. AncestorsUnread says
	// why they are not known.
	Ancestors       []posture.Account
	AncestorsUnread *posture.Cause
	Types           []*posture.Type
	Tasks           []Task
	// Explain turns an error of a call into its cause.
	Explain func(error) posture.Cause
	// Second is another list of what the account holds; nil: it has none, or is not to be asked.
	Second *SecondSource
	// ChangeEvents reads the events of a time from the cloud's own log, oldest and newest included; what could not be read the
	// coverage says. to is now. Its error is the end of ctx. Nil: the account has no such log.
	ChangeEvents func(ctx context.Context, from, to time.Time) ([]attribution.Event, attribution.LogCoverage, error)
}

// SecondSource is a list that the cloud keeps beside those of its services, such as an inventory. It lags behind them.
type SecondSource struct {
	Name  string // "Cloud Asset Inventory"
	Types []*posture.Type
	// Read returns where the resources of each type lie, by type and id. Types of which there are none may be missing.
	Read func(ctx context.Context) (map[string]map[string]string, error)
	// Form is an id as the two are compared.
	Form func(id string) string
}

// Permissions lists what the operations need, each once, in order of first use.
func Permissions(operations []Operation) []string {
	seen := map[string]bool{}
	var out []string
	for _, op := range operations {
		for _, p := range op.Permissions() {
			if !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}
