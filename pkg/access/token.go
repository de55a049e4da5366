package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// APIToken is what is kept of a token: everything but the secret, of which the store has the digest.
type APIToken struct {
	ID      int64                  `json:"id"`
	Name    string                 `json:"name"`
	Owner   string                 `json:"owner"` // e-mail of the person it acts for
	Roles   []Role                 `json:"roles"`
	Scopes  []string               `json:"scopes,omitempty"` // accounts; empty: all that the owner sees
	Created time.Time              `json:"created_at"`
	By      string                 `json:"by"`
	Expires time.Time              `json:"expires_at"`
	Revoked posture.Opt[time.Time] `json:"revoked_at"`
}

// How long a token lasts.
const (
	DefaultTokenLife = 90 * 24 * time.Hour
	MaxTokenLife     = 365 * 24 * time.Hour
)

const (
	tokenPrefix = "plb_" // lets scanners find leaked tokens
	secretBytes = 32
)

// NewSecret returns a token's secret, to be shown once, and the digest to keep.
func NewSecret() (secret string, digest [32]byte) {
	random := make([]byte, secretBytes)
	_, _ = rand.Read(random) // never fails
	secret = tokenPrefix + base64.RawURLEncoding.EncodeToString(random)
	return secret, sha256.Sum256([]byte(secret))
}

// SecretDigest returns the digest by which a secret is found; what was never a secret is ErrRefused.
func SecretDigest(secret string) ([32]byte, error) {
	text, found := strings.CutPrefix(secret, tokenPrefix)
	_, err := base64.RawURLEncoding.Strict().DecodeString(text) // which skips line ends
	if !found || err != nil || len(text) != base64.RawURLEncoding.EncodedLen(secretBytes) {
		return [32]byte{}, fmt.Errorf("%w: not an API token", ErrRefused)
	}
	return sha256.Sum256([]byte(secret)), nil
}

// CheckToken reports what speaks against giving out t: posture.ErrInvalid for a token that cannot be, ErrRefused for one that
// may do more than its owner, who acts as owner.
func CheckToken(t APIToken, owner Actor, now time.Time) error {
	invalid := func(text string, args ...any) error {
		return fmt.Errorf("%w: token %q: %s", posture.ErrInvalid, t.Name, fmt.Sprintf(text, args...))
	}
	switch {
	case t.Name == "" || len(t.Name) > 100 || strings.ContainsFunc(t.Name, func(r rune) bool { return r <= ' ' || r == 0x7f }):
		return invalid("the name is empty, long or holds spaces")
	case len(t.Roles) == 0:
		return invalid("it has no role")
	case slices.Contains(t.Roles, Collector) && len(t.Roles) > 1:
		return invalid("a collector's token has no other role")
	case !t.Expires.After(now) || t.Expires.Sub(now) > MaxTokenLife:
		return invalid("it expires at %s: want a time within the next 365 days", t.Expires.Format(time.RFC3339))
	}
	if err := checkScopes(t.Scopes); err != nil {
		return err
	}
	for _, role := range t.Roles {
		if !slices.Contains(handOn(owner), role) {
			return fmt.Errorf("%w: token %q: %s cannot hand on the role %s", ErrRefused, t.Name, owner.ID, role)
		}
	}
	for _, s := range t.Scopes {
		if !InScope(owner.Scopes, s) {
			return fmt.Errorf("%w: token %q: %s is beyond what %s may see", ErrRefused, t.Name, s, owner.ID)
		}
	}
	return nil
}

// handOn are the roles that an actor's token may have. Auditors come in person; collectors are the administrator's.
func handOn(owner Actor) []Role {
	roles := slices.DeleteFunc(slices.Clone(owner.Roles), func(r Role) bool { return r == Auditor })
	if slices.Contains(roles, Admin) {
		roles = append(roles, Collector)
	}
	return roles
}

// Actor is the token as somebody who acts at that time. It never may do more than its owner does now: what the owner lost, the
// token lost. ErrRefused says why it is no good.
func (t APIToken) Actor(owner Holder, at time.Time) (Actor, error) {
	refused := func(why string) (Actor, error) {
		return Actor{}, fmt.Errorf("%w: token %q %s", ErrRefused, t.Name, why)
	}
	if revoked, ok := t.Revoked.Get(); ok && !at.Before(revoked) {
		return refused("is revoked")
	}
	if !at.Before(t.Expires) {
		return refused("expired at " + t.Expires.UTC().Format(time.RFC3339))
	}
	person, err := owner.Actor(false, at)
	if err != nil {
		return Actor{}, fmt.Errorf("token %q: %w", t.Name, err)
	}
	actor := Actor{ID: "token:" + t.Name, Kind: Token, Owner: t.Owner}
	may := handOn(person)
	for _, role := range t.Roles {
		if slices.Contains(may, role) {
			actor.Roles = append(actor.Roles, role)
		}
	}
	if len(actor.Roles) == 0 {
		return refused("has no role that its owner still holds")
	}
	if actor.Scopes = person.Scopes; len(t.Scopes) > 0 {
		actor.Scopes = slices.DeleteFunc(slices.Clone(t.Scopes), func(s string) bool { return !InScope(person.Scopes, s) })
		if len(actor.Scopes) == 0 {
			return refused("is for accounts that its owner does not see any more")
		}
	}
	return actor, nil
}

// Link is the address of a sign-in link that works once, for a service that people reach at base. first marks the one that makes
// the first administrator, who is asked for an e-mail address.
func Link(base, secret string, first bool) string {
	link := strings.TrimSuffix(base, "/") + "/signin/link?token=" + secret // of characters that need no escape
	if first {
		link += "&first=1"
	}
	return link
}

// LinkLife is how long a sign-in link lasts.
const LinkLife = 24 * time.Hour
