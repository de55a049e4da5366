package gcp

import (
	"errors"
	"path"
	"strings"

	"google.golang.org/api/googleapi"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// largestPage is how many items Compute Engine gives on one page.
const largestPage = 500

// eachPage reads an aggregated list: call is the Do of the SDK's call, take uses a page and returns the token of the next. Scopes
// that cannot be reached are then left out with a warning, where the whole list would fail otherwise; the SDK has no method to
// ask for that.
func eachPage[P any](call func(...googleapi.CallOption) (*P, error), take func(*P) (next string)) error {
	options := []googleapi.CallOption{googleapi.QueryParameter("returnPartialSuccess", "true")}
	for {
		page, err := call(options...)
		if err != nil {
			return err
		}
		next := take(page)
		if next == "" {
			return nil
		}
		options = append(options[:1], googleapi.QueryParameter("pageToken", next))
	}
}

// omissions are the places that the aggregated list of a type leaves out.
type omissions struct {
	operation string
	of        *posture.Type
	errs      []error
}

// scope notes the code of the warning on one scope of a page: "zones/europe-west1-b", "regions/europe-west1", "global".
func (o *omissions) scope(name, code string) {
	if leavesOut(code) {
		o.place(path.Base(name))
	}
}

// page notes the places that a page as a whole names as unreachable, and the code of its own warning, which counts for every
// place when the page names none.
func (o *omissions) page(unreachables []string, code string) {
	for _, name := range unreachables {
		o.place(path.Base(name))
	}
	if len(unreachables) == 0 && leavesOut(code) {
		o.errs = append(o.errs, collectors.Incomplete(o.of, unreachable(o.operation, code)))
	}
}

func (o *omissions) place(location string) {
	o.errs = append(o.errs, collectors.IncompleteIn(location, o.of, unreachable(o.operation, location)))
}

func (o *omissions) err() error { return errors.Join(o.errs...) }

// leavesOut reports whether a warning's code says that something may be missing. Empty scopes carry one too, which says no more
// than that they are empty.
func leavesOut(code string) bool { return code != "" && code != "NO_RESULTS_ON_PAGE" }

// resourcePath is a resource's URL without its host: "projects/acme/zones/europe-west1-b/instances/orders".
func resourcePath(link string) string {
	if _, rest, ok := strings.Cut(link, "/projects/"); ok {
		return "projects/" + rest
	}
	return link
}
