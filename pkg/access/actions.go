package access

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The actions that roles permit.
const (
	PostureRead Action = "posture.read" // snapshots, verdicts, findings, drift of an account

	FindingAcknowledge Action = "finding.acknowledge"
	FindingAssign      Action = "finding.assign"
	FindingClaimFix    Action = "finding.claim_fix"
	FindingDispute     Action = "finding.dispute"
	FindingSettle      Action = "finding.settle_dispute"

	ExceptionRequest Action = "exception.request"
	ExceptionApprove Action = "exception.approve" // never one's own; pkg/finding sees to it
	ExceptionRefuse  Action = "exception.refuse"
	ExceptionRevoke  Action = "exception.revoke"

	RuleWrite   Action = "rule.write"
	RuleRelease Action = "rule.release" // never one's own version

	ControlDefine   Action = "control.define"
	AuditDefine     Action = "audit.define" // open, close and scope an audit
	EvidenceAttach  Action = "evidence.attach"
	EvidenceReview  Action = "evidence.review"
	PackageBuild    Action = "package.build"
	PackageDownload Action = "package.download"
	Export          Action = "export"
	RequestAnswer   Action = "request.answer" // information requests of an auditor
	RequestRaise    Action = "request.raise"
	RequestAccept   Action = "request.accept"
	SampleDraw      Action = "sample.draw"
	AuditRead       Action = "audit.read" // everything inside one audit: raw answers, gaps, exclusions
	RawRead         Action = "raw.read"   // stored answers of the clouds
	AuditLogRead    Action = "auditlog.read"

	UserManage       Action = "user.manage"
	GrantManage      Action = "grant.manage" // roles and waivers
	TokenCreate      Action = "token.create" // for oneself
	TokenManage      Action = "token.manage" // those of others
	ConnectionManage Action = "connection.manage"
	ScheduleManage   Action = "schedule.manage"
	ScanStart        Action = "scan.start"
	ScanCancel       Action = "scan.cancel"
	AlertManage      Action = "alert.manage" // receivers, routes, silences
	AlertAcknowledge Action = "alert.acknowledge"
	KeyManage        Action = "key.manage"
	RetentionManage  Action = "retention.manage"

	SnapshotAppend Action = "snapshot.append"
)

// What entries of the audit log also tell of, and nobody asks permission for.
const (
	SignedIn       Action = "signin"
	SignedOut      Action = "signout"
	ServiceStart   Action = "service.start"
	ServiceStop    Action = "service.stop"
	ServiceUpgrade Action = "service.upgrade"
	SchemaMigrate  Action = "schema.migrate"
	ScanFinish     Action = "scan.finish"
)

// allowed is the one table of who may do what. What a role is not named for it may not do.
var allowed = map[Action][]Role{
	PostureRead: {Viewer, OnCall, Compliance, RuleAuthor, RuleLead, Admin},

	FindingAcknowledge: {OnCall},
	FindingAssign:      {OnCall},
	FindingClaimFix:    {OnCall},
	FindingDispute:     {OnCall},
	FindingSettle:      {RuleLead},

	ExceptionRequest: {OnCall, Compliance},
	ExceptionApprove: {Compliance},
	ExceptionRefuse:  {Compliance},
	ExceptionRevoke:  {Compliance},

	RuleWrite:   {RuleAuthor},
	RuleRelease: {RuleLead},

	ControlDefine:   {Compliance},
	AuditDefine:     {Compliance},
	EvidenceAttach:  {Compliance},
	EvidenceReview:  {Compliance},
	PackageBuild:    {Compliance},
	PackageDownload: {Compliance, Auditor},
	Export:          {Compliance, Auditor},
	RequestAnswer:   {Compliance},
	RequestRaise:    {Auditor},
	RequestAccept:   {Auditor},
	SampleDraw:      {Auditor},
	AuditRead:       {Compliance, Auditor},
	RawRead:         {Compliance, Auditor},
	AuditLogRead:    {Compliance, Admin, Auditor},

	UserManage:       {Admin},
	GrantManage:      {Admin},
	TokenCreate:      {Viewer, OnCall, Compliance, RuleAuthor, RuleLead, Admin},
	TokenManage:      {Admin},
	ConnectionManage: {Admin},
	ScheduleManage:   {Admin},
	ScanStart:        {Admin},
	ScanCancel:       {Admin},
	AlertManage:      {Admin},
	AlertAcknowledge: {OnCall},
	KeyManage:        {Admin},
	RetentionManage:  {Admin},

	SnapshotAppend: {Collector},
}

// personal are the actions that a token may not do for its owner: judgements, the first of four eyes as well as the second, and
// handing out access.
var personal = []Action{
	FindingSettle, ExceptionRequest, ExceptionApprove, ExceptionRefuse, ExceptionRevoke, RuleRelease, EvidenceReview, RequestRaise,
	RequestAccept, UserManage, GrantManage, TokenCreate, TokenManage, KeyManage, RetentionManage,
}

// ErrRefused marks what an actor may not do.
var ErrRefused = errors.New("refused")

// Own is the scope of what concerns nobody but the actor.
const Own = "own"

// AuditScope is the scope of one audit.
func AuditScope(audit string) string { return "audit/" + audit }

// Allows reports whether the actor may do it, as ErrRefused saying who, what and which role it takes. scope is the account
// concerned ("aws:111122223333"), an AuditScope, Own, or empty for the installation as a whole. Actors whose roles are good for
// some accounts may do nothing to the whole, and an auditor acts in one audit only.
func Allows(actor Actor, action Action, scope string) error {
	roles, known := allowed[action]
	if !known {
		return fmt.Errorf("%w: %s is not among the actions of any role", ErrRefused, action)
	}
	var why string
	switch {
	case actor.ID == "":
		why = "not signed in"
	case actor.Kind == Token && slices.Contains(personal, action):
		why = "a person does that, no token"
	default:
		why = "it takes the role " + list(roles, " or ")
		for _, role := range actor.Roles {
			switch {
			case !slices.Contains(roles, role):
			case role == Auditor && (actor.Audit == "" || scope != AuditScope(actor.Audit)):
				why = fmt.Sprintf("the role auditor is bound to audit %q", actor.Audit)
			case role != Auditor && !InScope(actor.Scopes, scope):
				why = "the roles are good for " + strings.Join(actor.Scopes, ", ") + " only"
			default:
				return nil
			}
		}
	}
	what := string(action)
	if scope != "" && scope != Own {
		what += " on " + scope
	}
	return fmt.Errorf("%w: %s may not %s: %s", ErrRefused, cmp.Or(actor.ID, "nobody"), what, why)
}

func list(roles []Role, between string) string {
	names := make([]string, len(roles))
	for i, role := range roles {
		names[i] = string(role)
	}
	return strings.Join(names, between)
}

// InScope reports whether one of the patterns is that scope: an account, or its beginning and a star. Without patterns every
// scope is.
func InScope(patterns []string, scope string) bool {
	return len(patterns) == 0 || scope == Own || slices.ContainsFunc(patterns, func(p string) bool { return covers(p, scope) })
}

// covers reports whether pattern matches everything that other, a pattern or an account, matches.
func covers(pattern, other string) bool {
	prefix, open := strings.CutSuffix(pattern, "*")
	return pattern == other || open && strings.HasPrefix(other, prefix) && strings.Contains(other, ":")
}
