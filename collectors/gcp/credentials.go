package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/credentials/impersonate"
	"cloud.google.com/go/compute/metadata"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// scopes are what tokens are asked for. What they allow is decided by the roles of whoever reads; the directory of users is
// not an IAM matter and has a scope of its own.
var scopes = []string{"https://www.googleapis.com/auth/cloud-platform"}

// authorize finds Application Default Credentials (a key file, workload or workforce identity federation, gcloud's, or the
// metadata server), impersonates a service account when asked to, and returns a Doer that adds the token.
func authorize(ctx context.Context, base transport.Doer, options Options) (transport.Doer, string, error) {
	found := options.Credentials
	if found == nil {
		var err error
		if found, err = credentials.DetectDefault(&credentials.DetectOptions{Scopes: scopes}); err != nil {
			return nil, "", fmt.Errorf("%w: no usable Google credentials: %s", posture.ErrSetup, firstLine(err))
		}
	}
	principal := principalOf(ctx, found)
	if options.Impersonate != "" {
		as, err := impersonate.NewCredentials(&impersonate.CredentialsOptions{
			TargetPrincipal: options.Impersonate, Scopes: scopes, Credentials: found,
		})
		if err != nil {
			return nil, "", fmt.Errorf("%w: act as %s: %s", posture.ErrSetup, options.Impersonate, firstLine(err))
		}
		found, principal = as, options.Impersonate
	}
	if _, err := found.Token(ctx); err != nil {
		return nil, "", fmt.Errorf("%w: no usable Google credentials: %s", posture.ErrSetup, firstLine(err))
	}
	quota := options.QuotaProject
	if quota == "" {
		quota, _ = found.QuotaProjectID(ctx) // without one the project of the credentials counts
	}
	return authorized{base, found, quota}, principal, nil
}

// principalOf is who the credentials speak for, as far as they say so themselves.
func principalOf(ctx context.Context, c *auth.Credentials) string {
	var file struct {
		Type        string `json:"type"`
		ClientEmail string `json:"client_email"`
		Audience    string `json:"audience"`
	}
	if data := c.JSON(); len(data) > 0 && json.Unmarshal(data, &file) == nil {
		switch {
		case file.ClientEmail != "":
			return file.ClientEmail
		case file.Audience != "":
			return file.Type + " " + file.Audience
		default:
			return file.Type
		}
	}
	if metadata.OnGCE() {
		if email, err := metadata.EmailWithContext(ctx, "default"); err == nil {
			return email
		}
	}
	return "application default credentials"
}

// authorized adds the token and the project whose quota counts.
type authorized struct {
	base        transport.Doer
	credentials *auth.Credentials
	quota       string
}

func (a authorized) Do(req *http.Request) (*http.Response, error) {
	token, err := a.credentials.Token(req.Context()) // cached; fetched anew before it expires
	if err != nil {
		return nil, fmt.Errorf("fetch token: %w", err)
	}
	sent := req.Clone(req.Context())
	sent.Header.Set("Authorization", token.Type+" "+token.Value)
	if token.Type == "" {
		sent.Header.Set("Authorization", "Bearer "+token.Value)
	}
	if a.quota != "" {
		sent.Header.Set("X-Goog-User-Project", a.quota)
	}
	return a.base.Do(sent)
}
