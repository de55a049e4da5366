package web

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// permission is what an operation takes: an action, in the scope that the request names.
type permission struct {
	access.Action
	scope scope
}

// scope says where a request names what it is about.
type scope int

const (
	whole       scope = iota // it does not: the installation as a whole
	own                      // nor here: the caller
	inPath                   // {account}
	ofFinding                // the account of finding {id}
	ofAlert                  // the account of alert {id}
	ofException              // the account of exception {id}
	inAudit                  // {audit}
	ownAudit                 // the audit of an auditor; for others the installation as a whole
	visible                  // ?account=; without it, a list holds the accounts that the caller may see
	everybody                // whoever signed in; no action is asked for
)

// permissions is the one table of what operations take. An operation that is missing here is allowed to nobody.
var permissions = map[string]permission{
	"list-accounts":  {access.PostureRead, visible},
	"list-snapshots": {access.PostureRead, inPath},
	"show-snapshot":  {access.PostureRead, inPath},
	"list-resources": {access.PostureRead, inPath},
	"show-resource":  {access.PostureRead, inPath},
	"list-changes":   {access.PostureRead, inPath},
	"list-calls":     {access.PostureRead, inPath},
	"list-gaps":      {access.PostureRead, visible},
	"list-verdicts":  {access.PostureRead, visible},
	"list-criteria":  {access.PostureRead, visible},
	"list-controls":  {access.PostureRead, visible},
	"list-rules":     {access.PostureRead, visible},
	"show-rule":      {access.PostureRead, visible},

	"list-findings":       {access.PostureRead, visible},
	"show-finding":        {access.PostureRead, ofFinding},
	"acknowledge-finding": {access.FindingAcknowledge, ofFinding},
	"assign-finding":      {access.FindingAssign, ofFinding},
	"claim-fix-finding":   {access.FindingClaimFix, ofFinding},
	"dispute-finding":     {access.FindingDispute, ofFinding},
	"uphold-finding":      {access.FindingSettle, ofFinding},
	"rule-wrong-finding":  {access.FindingSettle, ofFinding},
	"list-exceptions":     {access.PostureRead, visible},
	"show-exception":      {access.PostureRead, ofException},
	"request-exception":   {access.ExceptionRequest, whole},
	"approve-exception":   {access.ExceptionApprove, ofException},
	"refuse-exception":    {access.ExceptionRefuse, ofException},
	"revoke-exception":    {access.ExceptionRevoke, ofException},
	"list-alerts":         {access.PostureRead, visible},
	"show-alert":          {access.PostureRead, ofAlert},
	"acknowledge-alert":   {access.AlertAcknowledge, ofAlert},
	"list-scans":          {access.PostureRead, visible},
	"start-scan":          {access.ScanStart, whole},
	"cancel-scans":        {access.ScanCancel, whole},
	"list-schedules":      {access.PostureRead, whole},
	"list-duties":         {access.PostureRead, whole},
	"list-attachments":    {access.PostureRead, whole},
	"attach":              {access.EvidenceAttach, whole},
	"download-attachment": {access.EvidenceReview, whole},
	"review-attachment":   {access.EvidenceReview, whole},
	"list-audit-packages": {access.AuditRead, inAudit},
	"list-audit-log":      {access.AuditLogRead, whole},
	"verify-audit-log":    {access.AuditLogRead, whole},
	"list-users":          {access.UserManage, whole},
	"add-user":            {access.UserManage, whole},
	"disable-user":        {access.UserManage, whole},
	"enable-user":         {access.UserManage, whole},
	"grant-role":          {access.GrantManage, whole},
	"revoke-role":         {access.GrantManage, whole},
	"list-tokens":         {access.TokenManage, whole},
	"revoke-token":        {access.TokenManage, whole},
	"list-my-tokens":      {access.TokenCreate, own},
	"create-token":        {access.TokenCreate, own},
	"revoke-my-token":     {access.TokenCreate, own},
	"show-me":             {"", everybody},

	"list-audits":            {access.AuditRead, ownAudit},
	"show-audit":             {access.AuditRead, inAudit},
	"open-audit":             {access.AuditDefine, whole},
	"scope-audit":            {access.AuditDefine, inAudit},
	"close-audit":            {access.AuditDefine, inAudit},
	"list-audit-samples":     {access.AuditRead, inAudit},
	"list-audit-requests":    {access.AuditRead, inAudit},
	"raise-audit-request":    {access.RequestRaise, inAudit},
	"provide-audit-request":  {access.RequestAnswer, inAudit},
	"return-audit-request":   {access.RequestAccept, inAudit},
	"accept-audit-request":   {access.RequestAccept, inAudit},
	"withdraw-audit-request": {access.RequestRaise, inAudit},
}

// enter asks whether the caller may do an operation, before its input is even looked at.
func (s *server) enter(ctx huma.Context, id string) error {
	actor := signin.ActorOf(ctx.Context())
	p := permissions[id]
	if actor.ID == "" {
		if wait := s.nobodies.take(network(ctx.RemoteAddr())); wait > 0 {
			ctx.SetHeader("Retry-After", retryAfter(wait))
			return huma.Error429TooManyRequests("Too many requests without signing in: wait a little, then send an API token.")
		}
		ctx.SetHeader("WWW-Authenticate", `Bearer realm="plumbline"`)
		return s.allow(ctx.Context(), p.Action, "", request(ctx))
	}
	about := ""
	switch p.scope {
	case everybody:
		return nil
	case own:
		about = access.Own
	case inPath:
		about = ctx.Param("account")
	case inAudit:
		about = access.AuditScope(ctx.Param("audit"))
	case ownAudit:
		if actor.Audit != "" {
			about = access.AuditScope(actor.Audit)
		}
	case visible:
		if about = ctx.Query("account"); about == "" && seesSome(actor, p.Action) {
			return nil
		}
	case ofFinding, ofAlert, ofException:
		account, err := s.accountOf(ctx.Context(), actor, p.scope, ctx.Param("id"))
		if err != nil {
			return err
		}
		about = account
	}
	return s.allow(ctx.Context(), p.Action, about, request(ctx))
}

// request names a request in the audit log.
func request(ctx huma.Context) string {
	u := ctx.URL()
	return ctx.Method() + " " + u.Path[:min(len(u.Path), 500)]
}

// seesSome reports whether the roles are good for some accounts: a list then holds these.
func seesSome(actor access.Actor, action access.Action) bool {
	return slices.ContainsFunc(actor.Scopes, func(pattern string) bool { return access.Allows(actor, action, pattern) == nil })
}

// sees reports whether the caller may see an account; the installation is seen by those who see all.
func sees(ctx context.Context, account string) bool {
	return access.InScope(signin.ActorOf(ctx).Scopes, account)
}

// accountOf finds whose account a thing belongs to. Only callers who may not see all need to know; to them what is not there and
// what they may not see is the same.
func (s *server) accountOf(ctx context.Context, actor access.Actor, of scope, id string) (account string, err error) {
	if len(actor.Scopes) == 0 {
		return "", nil
	}
	if of == ofFinding {
		f, err := s.Store.Finding(ctx, id, noTime)
		return f.Account, unlessMissing(err)
	}
	number, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return "", nil
	}
	if of == ofAlert {
		a, err := s.Store.Alert(ctx, number, noTime)
		return a.Account, unlessMissing(err)
	}
	e, err := s.Store.Exception(ctx, number, noTime)
	return e.Account, unlessMissing(err)
}

func unlessMissing(err error) error {
	if errors.Is(err, posture.ErrNotFound) {
		return nil
	}
	return err
}

// allow asks whether the caller may do something. A refusal is in the audit log before it is answered: if that cannot be, the request
// has failed.
func (s *server) allow(ctx context.Context, action access.Action, scope, object string) error {
	err := s.Signin.Allow(ctx, action, scope, object)
	if err == nil {
		return nil
	}
	if all, ok := err.(interface{ Unwrap() []error }); ok && len(all.Unwrap()) > 1 {
		return errors.New(err.Error()) // a plain failure, no longer ErrRefused
	}
	if signin.ActorOf(ctx).ID == "" {
		return huma.Error401Unauthorized("Sign in, or send an API token.")
	}
	return huma.Error403Forbidden(err.Error())
}
