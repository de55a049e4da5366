package azure

import (
	"errors"
	"strings"

	"golang.org/x/sync/errgroup"
)

// parallel runs do on each thing of a list, eight at a time, and joins the errors. A list whose page was offered twice holds its
// things twice; each is done once.
func parallel[T any](list []T, id func(T) string, do func(T) error) error {
	var group errgroup.Group
	group.SetLimit(8)
	errs := make([]error, len(list))
	seen := map[string]bool{}
	for i, thing := range list {
		if key := id(thing); !seen[key] {
			seen[key] = true
			group.Go(func() error {
				errs[i] = do(thing)
				return nil
			})
		}
	}
	_ = group.Wait() // errs holds what went wrong
	return errors.Join(errs...)
}

// value is what a pointer leads to, the zero value for nil: settings lie several pointers deep, any of which may be nil.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// approved counts the private endpoint connections that have been approved. Each SDK package has its own type for them.
func approved[T any, S ~string](connections []T, status func(T) *S) int {
	n := 0
	for _, c := range connections {
		if text(status(c)) == "Approved" {
			n++
		}
	}
	return n
}

// lacks reports whether a resource provider ("microsoft.insights") is known not to be registered.
func (c *client) lacks(provider string) bool {
	return c.providers.err == nil && !c.providers.on[provider]
}

// listed takes a list in one string apart, leaving out what is empty.
func listed(joined, separator string) []string {
	out := []string{}
	for _, one := range strings.Split(joined, separator) {
		if one = strings.TrimSpace(one); one != "" {
			out = append(out, one)
		}
	}
	return out
}
