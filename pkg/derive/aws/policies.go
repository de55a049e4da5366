package aws

import (
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// public: whether a policy that operation returned lets everyone in without one of the limits.
func public(policy derive.Val[string], operation string, limits []string) derive.Val[bool] {
	return derive.Map(policyOf(policy, operation), func(d iampolicy.Document) bool { return d.PublicWithin(limits...) })
}
