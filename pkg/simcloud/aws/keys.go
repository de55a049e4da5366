package aws

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/sts/types"
)

// Access keys carry their account and session tokens their principal, so the server keeps no list of either.
const (
	keySuffix = "SIMU"
	secret    = "a-simulated-cloud-checks-no-signature"
)

// sessionLength is how long an assumed role's credentials say they last; the server never ends them.
const sessionLength = time.Hour

// Credentials returns the long-term keys of an account's scanning user.
func Credentials(account string) sdk.Credentials {
	return sdk.Credentials{AccessKeyID: "AKIA" + account + keySuffix, SecretAccessKey: secret, AccountID: account, Source: "simulated"}
}

// scope is who calls, and where.
type scope struct {
	ctx                                 context.Context
	account, region, service, principal string
	now                                 time.Time
}

// readScope reads a request's SigV4 credential; the signature itself is not checked. An access key of no account
// leaves the account empty.
func readScope(r *http.Request) (scope, error) {
	at := scope{ctx: r.Context()}
	_, credential, found := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	if !found {
		return at, errors.New("the request is not signed")
	}
	credential, _, _ = strings.Cut(credential, ",")
	parts := strings.Split(credential, "/") // key, date, region, service, aws4_request
	if len(parts) != 5 {
		return at, errors.New("the credential scope has not five parts")
	}
	at.region, at.service = parts[2], parts[3]
	key, ok := strings.CutSuffix(parts[0], keySuffix)
	if !ok || len(key) != len("AKIA123456789012") {
		return at, nil
	}
	at.account = key[4:]
	at.principal = "arn:aws:iam::" + at.account + ":user/scanner"
	if token, err := base64.RawURLEncoding.DecodeString(r.Header.Get("X-Amz-Security-Token")); err == nil && len(token) > 0 {
		at.principal = string(token)
	}
	return at, nil
}

func (s *Server) callerIdentity(c Call[*sts.GetCallerIdentityInput]) (*sts.GetCallerIdentityOutput, error) {
	return &sts.GetCallerIdentityOutput{
		Account: sdk.String(c.Account), Arn: sdk.String(c.Principal), UserId: sdk.String("AIDA" + c.Account),
	}, nil
}

// assumeRole hands out keys for any role of an account that exists.
func (s *Server) assumeRole(c Call[*sts.AssumeRoleInput]) (*sts.AssumeRoleOutput, error) {
	role := regexp.MustCompile(`^arn:([a-z-]+):iam::([0-9]{12}):role/(?:.*/)?([^/]+)$`).FindStringSubmatch(sdk.ToString(c.Input.RoleArn))
	if role == nil || !s.options.Known(role[2]) {
		return nil, &Error{Code: "AccessDenied", Status: http.StatusForbidden,
			Message: "User: " + c.Principal + " is not authorized to perform: sts:AssumeRole on resource: " + sdk.ToString(c.Input.RoleArn)}
	}
	session := sdk.ToString(c.Input.RoleSessionName)
	principal := "arn:" + role[1] + ":sts::" + role[2] + ":assumed-role/" + role[3] + "/" + session
	return &sts.AssumeRoleOutput{
		AssumedRoleUser: &types.AssumedRoleUser{Arn: sdk.String(principal), AssumedRoleId: sdk.String("AROA" + role[2] + ":" + session)},
		Credentials: &types.Credentials{
			AccessKeyId: sdk.String("ASIA" + role[2] + keySuffix), SecretAccessKey: sdk.String(secret),
			SessionToken: sdk.String(base64.RawURLEncoding.EncodeToString([]byte(principal))),
			Expiration:   sdk.Time(c.Now.Add(sessionLength)),
		},
	}, nil
}
