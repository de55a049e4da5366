package pages

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/signin"
)

// form is what somebody may do on a page. It is sent to the page's address and its name.
type form struct {
	name, title, about, button string
	action                     access.Action
	kind                       finding.Kind    // on a finding
	verdict                    finding.Verdict // on an exception
	fields                     []field
	done                       string // what the page says afterwards
}

type field struct {
	name, label, kind string // a kind of input, or textarea
	required          bool
	most              int // characters
}

var (
	note     = field{"reason", "Note, if any", "textarea", false, 4000}
	why      = field{"reason", "Reason", "textarea", true, 4000}
	assignee = field{"assignee", "Who takes care of it", "text", true, 200}
)

var findingForms = []form{
	{name: "acknowledge", title: "Acknowledge", about: "Somebody takes care of it. It stands until a scan sees the rule pass.", button: "Acknowledge",
		action: access.FindingAcknowledge, kind: finding.KindAcked, fields: []field{assignee, note}, done: "Acknowledged."},
	{name: "assign", title: "Assign", about: "Say whose it is.", button: "Assign",
		action: access.FindingAssign, kind: finding.KindAssigned, fields: []field{assignee, note}, done: "Assigned."},
	{name: "claim-fix", title: "Claim a fix", about: "Say what repaired it. Only a scan that sees the rule pass ends it; until then its clock goes on.", button: "Claim the fix",
		action: access.FindingClaimFix, kind: finding.KindClaimed, fields: []field{{"reference", "Change or ticket", "text", true, 500}, note}, done: "Noted; the next scan tells."},
	{name: "request-exception", title: "Request an exception", button: "Request",
		about:  "Ask that it be accepted for a time. Somebody else approves or declines. The verdict stays fail, and after the last day it is open again.",
		action: access.ExceptionRequest, fields: []field{why, {"risk", "What may happen meanwhile", "textarea", true, 4000},
			{"compensating", "What is done against that meanwhile, if anything", "textarea", false, 4000}, {"expires", "Last day, UTC", "date", true, 10}}, done: "Requested; somebody else decides."},
	{name: "dispute", title: "Dispute", about: "Say that the rule is wrong here. Somebody who releases rules settles it.", button: "Dispute",
		action: access.FindingDispute, kind: finding.KindDisputed, fields: []field{{"reason", "What is wrong with the rule", "textarea", true, 4000}}, done: "Disputed."},
	{name: "uphold", title: "Settle: the rule is right", about: "The finding is open again.", button: "The rule is right",
		action: access.FindingSettle, kind: finding.KindUpheld, fields: []field{why}, done: "Settled: the rule is right."},
	{name: "rule-wrong", title: "Settle: the rule is wrong", about: "A corrected version of the rule has to be released before.", button: "The rule is wrong",
		action: access.FindingSettle, kind: finding.KindRuleWrong, fields: []field{{"rule_version", "Corrected version", "text", true, 200}, note}, done: "Settled: the rule was wrong."},
}

var exceptionForms = []form{
	{name: "approve", title: "Approve", about: "You vouch that the risk is acceptable until the exception ends.", button: "Approve",
		action: access.ExceptionApprove, verdict: finding.Approve, fields: []field{note}, done: "Approved."},
	{name: "refuse", title: "Decline", about: "The findings go back to where they were.", button: "Decline",
		action: access.ExceptionRefuse, verdict: finding.Refuse, fields: []field{why}, done: "Declined."},
	{name: "revoke", title: "Revoke", about: "The findings are open again from now on; the time until now stays accepted.", button: "Revoke",
		action: access.ExceptionRevoke, verdict: finding.Revoke, fields: []field{why}, done: "Revoked."},
}

var alertForms = []form{
	{name: "acknowledge", title: "Acknowledge", about: "You take care of it; nobody further is told.", button: "Acknowledge",
		action: access.AlertAcknowledge, fields: []field{note}, done: "Acknowledged."},
}

var manyForm = form{name: "acknowledge-chosen", title: "Acknowledge those chosen", about: "Somebody takes care of them. Each stands until a scan sees its rule pass.",
	button: "Acknowledge those chosen", action: access.FindingAcknowledge, kind: finding.KindAcked, fields: []field{assignee, note}, done: "Acknowledged."}

// mostChosen bounds how many findings one form acknowledges.
const mostChosen = 500

// acts adds what forms are sent to. Without sign-in nobody answers for an act, so there is none.
func (p *Pages) acts(mux *http.ServeMux) {
	if !p.acting() {
		return
	}
	add := func(page string, forms []form, do func(*view, *http.Request, form) error, again show) {
		for _, f := range forms {
			mux.Handle("POST "+page+"/"+f.name, p.inside(p.act(f, do, again)))
		}
	}
	add("/findings", []form{manyForm}, p.acknowledgeMany, p.findings)
	add("/findings/{id}", findingForms, p.moveFinding, p.finding)
	add("/exceptions/{id}", exceptionForms, p.decideException, p.exception)
	if p.Alerts != nil {
		add("/alerts/{id}", alertForms, p.acknowledgeAlert, p.alert)
	}
}

func (p *Pages) acting() bool { return p.Signin != nil || p.Actor != nil }

// failure is what was wrong with a form, and what it held.
type failure struct {
	form, text string
	values     url.Values
}

// act answers a form: with the way back to its page, or with that page, what was wrong, and the input kept.
func (p *Pages) act(f form, do func(*view, *http.Request, form) error, again show) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := p.view(r)
		if err == nil {
			err = p.ours(v, r)
		}
		ours := err == nil
		if ours {
			err = f.check(r.PostForm)
		}
		if err == nil {
			err = do(v, r, f)
		}
		page := path.Dir(r.URL.Path)
		if err == nil {
			v.query.Set("done", f.name)
			http.Redirect(w, r, string(address(page, v.query)), http.StatusSeeOther)
			return
		}
		p.page(w, r, func(v *view, r *http.Request) (templ.Component, error) {
			if v.path = page; !ours || !errors.Is(err, posture.ErrInvalid) {
				return nil, err
			}
			v.failed = &failure{f.name, problemText(http.StatusUnprocessableEntity, err), r.PostForm}
			return again(v, r)
		})
	}
}

// check says what a form lacks, or has too much of.
func (f form) check(values url.Values) error {
	for _, in := range f.fields {
		switch text := values.Get(in.name); {
		case in.required && strings.TrimSpace(text) == "":
			return fmt.Errorf("%w: %s: fill this in", posture.ErrInvalid, in.label)
		case utf8.RuneCountInString(text) > in.most:
			return fmt.Errorf("%w: %s: at most %d characters, these are %d", posture.ErrInvalid, in.label, in.most, utf8.RuneCountInString(text))
		}
	}
	return nil
}

// Forms carry a token that only pages made for this browser and this session hold: the digest of the session's name under a secret
// that the browser keeps in a cookie. It stands beside the check of where a request comes from, which is signin's.
const (
	formCookie = "plumbline-form"
	tokenField = "token"
)

func (p *Pages) formCookie() string {
	if p.https() {
		return "__Host-" + formCookie
	}
	return formCookie
}

func (p *Pages) https() bool { return p.Signin != nil && strings.HasPrefix(p.Signin.URL, "https://") }

// formToken returns the token of forms for whoever asks, and sees to the cookie.
func (p *Pages) formToken(w http.ResponseWriter, r *http.Request, actor access.Actor) string {
	secret := ""
	if c, err := r.Cookie(p.formCookie()); err == nil {
		secret = c.Value
	}
	if secret == "" {
		secret = rand.Text()
		http.SetCookie(w, &http.Cookie{Name: p.formCookie(), Value: secret, Path: "/", HttpOnly: true, Secure: p.https(), SameSite: http.SameSiteStrictMode})
	}
	return tokenOf(secret, actor)
}

func tokenOf(secret string, actor access.Actor) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\x00%s", actor.ID, actor.Session)
	return hex.EncodeToString(mac.Sum(nil))
}

// ours reports whether a form comes from a page made for this browser and this session.
func (p *Pages) ours(v *view, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return fmt.Errorf("%w: the form cannot be read: it is malformed or larger than it may be", posture.ErrInvalid)
	}
	c, err := r.Cookie(p.formCookie())
	if err != nil || c.Value == "" || !hmac.Equal([]byte(tokenOf(c.Value, v.actor)), []byte(r.PostForm.Get(tokenField))) {
		return p.refused(v, r, access.SignedIn, fmt.Errorf("%w: the form is not one made for you in this browser: open its page again, then send it", access.ErrRefused))
	}
	return nil
}

// permit asks whether the actor may do something to an account.
func (p *Pages) permit(v *view, r *http.Request, action access.Action, account string) error {
	if err := access.Allows(v.actor, action, account); err != nil {
		return p.refused(v, r, action, err)
	}
	return nil
}

// refused is the refusal, once it is in the audit log; if that cannot be, the request has failed.
func (p *Pages) refused(v *view, r *http.Request, action access.Action, refusal error) error {
	err := p.Store.Refuse(r.Context(), access.Entry{
		Actor: v.actor, Action: action, Object: r.Method + " " + r.URL.Path[:min(len(r.URL.Path), 500)], Reason: refusal.Error(), Request: signin.RequestID(r.Context()),
	})
	if err != nil {
		return fmt.Errorf("record refusal (%v): %w", refusal, err)
	}
	return refusal
}

func (p *Pages) moveFinding(v *view, r *http.Request, f form) error {
	ctx, id := r.Context(), r.PathValue("id")
	before, err := p.Store.Finding(ctx, id, time.Time{})
	if err != nil {
		return err
	}
	if !v.sees(before.Account) {
		return posture.ErrNotFound
	}
	if err := p.permit(v, r, f.action, before.Account); err != nil {
		return err
	}
	in := r.PostForm
	if f.action == access.ExceptionRequest {
		last, err := time.Parse(time.DateOnly, in.Get("expires"))
		if err != nil {
			return fmt.Errorf("%w: Last day: %q is no day: write it like 2026-03-01", posture.ErrInvalid, cut(in.Get("expires"), 40))
		}
		_, err = p.Store.RequestException(ctx, v.actor, finding.Exception{
			Resources: []finding.Covered{{Finding: id}}, Reason: in.Get("reason"), Risk: in.Get("risk"), Compensating: in.Get("compensating"), Expires: last.AddDate(0, 0, 1),
		})
		return err
	}
	_, err = p.Store.MoveFinding(ctx, v.actor, id, finding.Act{
		Kind: f.kind, Assignee: strings.TrimSpace(in.Get("assignee")), Reference: strings.TrimSpace(in.Get("reference")), Reason: in.Get("reason"),
		RuleVersion: strings.TrimSpace(in.Get("rule_version")),
	})
	return err
}

// acknowledgeMany acknowledges the findings that were chosen in a list, as far as each can be.
func (p *Pages) acknowledgeMany(v *view, r *http.Request, f form) error {
	ctx, ids := r.Context(), r.PostForm["finding"]
	if len(ids) == 0 || len(ids) > mostChosen {
		return fmt.Errorf("%w: choose 1 to %d findings in the list; these are %d", posture.ErrInvalid, mostChosen, len(ids))
	}
	for _, id := range ids {
		before, err := p.Store.Finding(ctx, id, time.Time{})
		if err != nil {
			return err
		}
		if !v.sees(before.Account) {
			return posture.ErrNotFound
		}
		if err := p.permit(v, r, f.action, before.Account); err != nil {
			return err
		}
	}
	var problems []string
	for _, id := range ids {
		_, err := p.Store.MoveFinding(ctx, v.actor, id, finding.Act{Kind: f.kind, Assignee: strings.TrimSpace(r.PostForm.Get("assignee")), Reason: r.PostForm.Get("reason")})
		switch {
		case errors.Is(err, posture.ErrInvalid):
			problems = append(problems, problemText(http.StatusUnprocessableEntity, err))
		case err != nil:
			return err
		}
	}
	if len(problems) > 0 {
		return fmt.Errorf("%w: %d of %d were acknowledged, these were not: %s", posture.ErrInvalid, len(ids)-len(problems), len(ids), strings.Join(problems, "; "))
	}
	return nil
}

func (p *Pages) decideException(v *view, r *http.Request, f form) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return posture.ErrNotFound
	}
	e, err := p.Store.Exception(r.Context(), id, time.Time{})
	if err != nil {
		return err
	}
	if !v.sees(e.Account) {
		return posture.ErrNotFound
	}
	if err := p.permit(v, r, f.action, e.Account); err != nil {
		return err
	}
	_, err = p.Store.DecideException(r.Context(), v.actor, id, f.verdict, r.PostForm.Get("reason"))
	return err
}

func (p *Pages) acknowledgeAlert(v *view, r *http.Request, f form) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return posture.ErrNotFound
	}
	a, err := p.Store.Alert(r.Context(), id, time.Time{})
	if err != nil {
		return err
	}
	if !v.sees(a.Account) {
		return posture.ErrNotFound
	}
	if err := p.permit(v, r, f.action, a.Account); err != nil {
		return err
	}
	return p.Alerts().Acknowledge(r.Context(), id, v.actor, r.PostForm.Get("reason"))
}

// offered are the forms that a page shows: none as of the past, none that the actor may not send, and none that would be refused for
// where the thing stands.
func (v *view) offered(forms []form, account string, fits func(form) bool) (out []form) {
	if !v.acting || v.given != "" {
		return nil
	}
	for _, f := range forms {
		if access.Allows(v.actor, f.action, account) == nil && fits(f) {
			out = append(out, f)
		}
	}
	return out
}

func (v *view) findingForms(f finding.Finding) []form {
	return v.offered(findingForms, f.Account, func(offer form) bool {
		trial := finding.Act{Kind: offer.kind, Assignee: "x", Reference: "x", Reason: "x", RuleVersion: "x", Exception: 1}
		if offer.action == access.ExceptionRequest {
			trial.Kind = finding.KindRequested
		}
		_, _, err := finding.Move(f, trial, v.actor, v.now)
		return err == nil
	})
}

func (v *view) exceptionForms(e finding.Exception) []form {
	return v.offered(exceptionForms, e.Account, func(offer form) bool {
		_, err := e.Decide(offer.verdict, v.actor, "x", v.now)
		return err == nil
	})
}

// own reports whether the actor could approve an exception, had they not asked for it themselves.
func (v *view) own(e finding.Exception) bool {
	return v.acting && v.given == "" && e.Standing(v.now) == finding.Requested && e.Requester == v.actor.ID && access.Allows(v.actor, access.ExceptionApprove, e.Account) == nil
}

func (v *view) alertForms(account, status string) []form {
	return v.offered(alertForms, account, func(form) bool { return status == "open" || status == "held_back" })
}

// pickable reports whether a finding can be chosen in the list.
func (v *view) pickable(f finding.Finding) bool {
	return f.State == finding.Open && len(v.offered([]form{manyForm}, f.Account, func(form) bool { return true })) > 0
}

func (v *view) anyPickable(list []finding.Finding) bool {
	for _, f := range list {
		if v.pickable(f) {
			return true
		}
	}
	return false
}

// picked reports whether a finding was among those chosen in a form that is shown again.
func (v *view) picked(id string) bool {
	return v.failed != nil && slices.Contains(v.failed.values["finding"], id)
}

// value is what a field holds at first: what was sent before, or else what is likely.
func (v *view) value(f form, in field, assigned string) string {
	switch {
	case v.failed != nil && v.failed.form == f.name:
		return v.failed.values.Get(in.name)
	case in.name == "assignee" && assigned != "":
		return assigned
	case in.name == "assignee":
		return v.actor.ID
	case in.name == "expires":
		return v.now.AddDate(0, 0, finding.DefaultDays).Format(time.DateOnly)
	}
	return ""
}

// wrong is what was wrong with a form, or empty.
func (v *view) wrong(f form) string {
	if v.failed != nil && v.failed.form == f.name {
		return v.failed.text
	}
	return ""
}

// described names the problem of a form to its fields.
func (v *view) described(f form) string {
	if v.wrong(f) != "" {
		return f.name + "-problem"
	}
	return ""
}

// describes ties a form to what was wrong with it.
func (v *view) describes(f form) templ.Attributes {
	if id := v.described(f); id != "" {
		return templ.Attributes{"aria-describedby": id}
	}
	return nil
}

// formURL is where a form is sent: as of now, with the filters of the page that it leads back to.
func (v *view) formURL(path string) templ.SafeURL {
	query := url.Values{}
	for name, values := range v.query {
		if name != "as_of" {
			query[name] = values
		}
	}
	return address(path, query)
}

// lost is what was wrong with a form that the page no longer offers.
func (v *view) lost(offered []form) string {
	if v.failed == nil {
		return ""
	}
	for _, f := range offered {
		if f.name == v.failed.form {
			return ""
		}
	}
	return v.failed.text
}

// doneText is what a page says after an act.
func doneText(name string) string {
	for _, forms := range [][]form{findingForms, exceptionForms, alertForms, {manyForm}} {
		for _, f := range forms {
			if f.name == name {
				return f.done
			}
		}
	}
	return ""
}
