package signin

import (
	"crypto/rand"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// enter signs somebody in who has proved who they are: the store has the last word, and the session gets a new name, so that one
// planted before is worth nothing.
func (s *Server) enter(w http.ResponseWriter, r *http.Request, in access.SignIn, next string, signIn func(access.SignIn) (access.Actor, error)) {
	ctx := r.Context()
	c := callerOf(ctx)
	in.Session, in.Address, in.Request = rand.Text()[:12], c.address, c.request
	actor, err := signIn(in)
	switch {
	case errors.Is(err, access.ErrRefused):
		s.Log.WarnContext(ctx, "sign-in refused", "actor", in.Email, "address", c.address, "reason", err, "request_id", c.request)
		s.showRefusal(w, err)
		return
	case errors.Is(err, posture.ErrInvalid):
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	case err != nil:
		s.fail(w, r, err)
		return
	}
	if err := s.sessions.Clear(ctx); err != nil {
		s.fail(w, r, err)
		return
	}
	if err := s.sessions.RenewToken(ctx); err != nil {
		s.fail(w, r, err)
		return
	}
	s.sessions.Put(ctx, keyUser, actor.ID)
	s.sessions.Put(ctx, keyMFA, in.MFA)
	s.sessions.Put(ctx, keySession, in.Session)
	s.Log.InfoContext(ctx, "signed in", "actor", actor.ID, "address", c.address, "request_id", c.request)
	http.Redirect(w, r, local(next), http.StatusSeeOther)
}

// showLink serves GET /signin/link: a form, because programs that look at links in messages would use them up.
func (s *Server) showLink(w http.ResponseWriter, r *http.Request) {
	if !s.limit(w, r, s.attempts) {
		return
	}
	email := ""
	if r.FormValue("first") != "" {
		email = `<p>You become the first administrator.</p><p><label>Your e-mail address <input type="email" name="email" required autofocus></label></p>`
	}
	page(w, http.StatusOK, "Sign in", fmt.Sprintf(`<form method="post" action="/signin/link"><input type="hidden" name="token" value="%s">%s<button>Sign in</button></form>`,
		html.EscapeString(r.FormValue("token")), email))
}

// useLink serves POST /signin/link.
func (s *Server) useLink(w http.ResponseWriter, r *http.Request) {
	if !s.limit(w, r, s.attempts) {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	digest, err := access.SecretDigest(r.PostFormValue("token"))
	if err != nil {
		digest = [32]byte{} // that of no link; the store refuses and records it
	}
	s.enter(w, r, access.SignIn{Email: r.PostFormValue("email")}, "/", func(in access.SignIn) (access.Actor, error) {
		return s.Store.UseLink(r.Context(), digest, in)
	})
}

// signOut serves POST /signout.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	if actor := ActorOf(ctx); actor.Session != "" {
		e := access.Entry{Actor: actor, Action: access.SignedOut, Object: "user/" + actor.ID, Request: RequestID(ctx)}
		if err := s.Store.Audit(ctx, e); err != nil {
			s.fail(w, r, err)
			return
		}
		if err := s.sessions.Destroy(ctx); err != nil {
			s.fail(w, r, err)
			return
		}
	}
	page(w, http.StatusOK, "Signed out", `<p>You are signed out. <a href="/signin">Sign in</a></p>`)
}

// showRefusal says why somebody did not get in.
func (s *Server) showRefusal(w http.ResponseWriter, why error) {
	text := strings.TrimPrefix(why.Error(), "sign in: ")
	page(w, http.StatusForbidden, "Not signed in", "<p>"+html.EscapeString(text)+`.</p><p><a href="/signin">Try again</a></p>`)
}

// page writes a page that loads nothing and tells nobody its address.
func page(w http.ResponseWriter, status int, title, body string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>%s - Plumbline</title><h1>%[1]s</h1>%s</html>\n", title, body)
}
