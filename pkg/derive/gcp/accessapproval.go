package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// projectApproval: Google's staff need approval to reach some service of the project. Its settings tell of its ancestors too;
// a project that has none is covered by what the organization enrolled.
func projectApproval(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	own := derive.Of[schema.ApprovalEnrollment](inv, schema.ApprovalEnrollmentType)
	settings, found, missing := own.First()
	enrolled := func(s derive.Item[schema.ApprovalEnrollment]) derive.Val[bool] {
		return derive.Map(derive.Read(s, "enrolled_services", s.V.EnrolledServices), func(list []schema.EnrolledService) bool { return len(list) > 0 })
	}
	var effective derive.Val[bool]
	switch {
	case found:
		effective = derive.Or(derive.Read(settings, "enrolled_ancestor", settings.V.EnrolledAncestor), enrolled(settings))
	case missing != nil:
		effective = derive.UnreadFor[bool](missing...)
	default:
		effective = derive.Exists(derive.Above[schema.ApprovalEnrollment](inv, schema.ApprovalEnrollmentType), enrolled)
	}
	derive.Set(p, "access_approval.effective_enrolled", &p.V.AccessApproval.EffectiveEnrolled, effective)
}
