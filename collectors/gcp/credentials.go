package gcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"cloud.google.com/go/auth"
	"cloud.google.com/go/auth/credentials"
	"cloud.google.com/go/auth/credentials/impersonate"
	"cloud.google.com/go/compute/metadata"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// scopes are what tokens are asked for; what they allow is decided by the roles of whoever reads. The directory of users is not
// an IAM matter: it has a scope of its own, asked for apart so that credentials that cannot have it read all the rest.
var (
	scopes          = []string{"https://www.googleapis.com/auth/cloud-platform"}
	directoryScopes = []string{"https://www.googleapis.com/auth/admin.directory.user.readonly"}
)

// authorize finds Application Default Credentials (a key file, workload or workforce identity federation, gcloud's, or the
// metadata server), impersonates a service account when asked to, and returns a Doer that adds the token.
func authorize(ctx context.Context, base transport.Doer, options Options) (transport.Doer, string, error) {
	own, err := detect(options, scopes)
	if err != nil {
		return nil, "", err
	}
	principal := principalOf(ctx, own)
	found, err := impersonated(options, own, scopes)
	if err != nil {
		return nil, "", err
	}
	if options.Impersonate != "" {
		principal = options.Impersonate
	}
	if _, err := found.Token(ctx); err != nil {
		return nil, "", fmt.Errorf("%w: no usable Google credentials: %s", posture.ErrSetup, firstLine(err))
	}
	quota := options.QuotaProject
	if quota == "" {
		quota, _ = found.QuotaProjectID(ctx) // without one the project of the credentials counts
	}
	forDirectory := sync.OnceValues(func() (*auth.Credentials, error) {
		if options.Impersonate != "" {
			return impersonated(options, own, directoryScopes)
		}
		return detect(options, directoryScopes)
	})
	return authorized{base, found, forDirectory, quota}, principal, nil
}

// detect finds credentials, unless they are given.
func detect(options Options, scopes []string) (*auth.Credentials, error) {
	if options.Credentials != nil {
		return options.Credentials, nil
	}
	found, err := credentials.DetectDefault(&credentials.DetectOptions{Scopes: scopes})
	if err != nil {
		return nil, fmt.Errorf("%w: no usable Google credentials: %s", posture.ErrSetup, firstLine(err))
	}
	return found, nil
}

// impersonated returns the credentials of the service account to act as, or own when there is none.
func impersonated(options Options, own *auth.Credentials, scopes []string) (*auth.Credentials, error) {
	if options.Impersonate == "" {
		return own, nil
	}
	as, err := impersonate.NewCredentials(&impersonate.CredentialsOptions{TargetPrincipal: options.Impersonate, Scopes: scopes, Credentials: own})
	if err != nil {
		return nil, fmt.Errorf("%w: act as %s: %s", posture.ErrSetup, options.Impersonate, firstLine(err))
	}
	return as, nil
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
	directory   func() (*auth.Credentials, error)
	quota       string
}

func (a authorized) Do(req *http.Request) (*http.Response, error) {
	found := a.credentials
	if req.URL.Host == "admin.googleapis.com" {
		var err error
		if found, err = a.directory(); err != nil {
			return nil, err
		}
	}
	token, err := found.Token(req.Context()) // cached; fetched anew before it expires
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
