package aws

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/iam/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// iamReaders read one service that is the same in every region; the SDK sends its requests to the partition's endpoint.
func iamReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{iamRoot, iamPasswordPolicy, iamDetails, iamServerCertificates, iamFederation}
}

var iamRoot = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IAMRootType},
	Scope: collectors.Global,
	Operations: append(reportOperations(),
		collectors.Operation{Name: "IAM.GetAccountSummary", Permission: "iam:GetAccountSummary", Body: collectors.Store},
		collectors.Operation{Name: "IAM.ListVirtualMFADevices", Permission: "iam:ListVirtualMFADevices",
			Body: collectors.Redact("Base32StringSeed", "QRCodePNG")},
	),
	Collect: collectIAMRoot,
}

// collectIAMRoot takes from the account summary, which is up to date, what it tells, and the rest from the credential
// report. Either stands in for the other where it can.
func collectIAMRoot(ctx context.Context, c *client, emit collectors.Emit) error {
	api := iam.NewFromConfig(c.config)
	summary := readAccountSummary(ctx, api)
	row := readCredentialReport(ctx, c).row("arn:"+c.partition+":iam::"+c.account+":root", nil)

	root := &schema.IAMRoot{Meta: posture.Meta{Name: "root"}}
	var gaps []collectors.Gap
	flag := func(path string, value *bool, entry types.SummaryKeyType, column string) {
		n, summaryErr := summary.entry(entry)
		if summaryErr == nil {
			*value = n > 0
			return
		}
		reported, err := row.flag(column)
		if err != nil {
			gaps = append(gaps, collectors.Unread(summaryErr, path))
		}
		*value = reported
	}
	flag("password_present", &root.PasswordPresent, types.SummaryKeyTypeAccountPasswordPresent, "password_enabled")
	flag("mfa_active", &root.MFAActive, types.SummaryKeyTypeAccountMFAEnabled, "mfa_active")

	count := func(path string, value *int64, entry types.SummaryKeyType, kind string) {
		present, summaryErr := summary.entry(entry)
		if summaryErr == nil && present == 0 {
			return
		}
		n, err := row.activeCount(kind, summaryErr == nil)
		if err != nil {
			gaps = append(gaps, collectors.Unread(err, path))
		}
		*value = n
	}
	count("access_keys_active", &root.AccessKeysActive, types.SummaryKeyTypeAccountAccessKeysPresent, "access_key")
	count("signing_certificates_active", &root.SigningCertificatesActive, types.SummaryKeyTypeAccountSigningCertificatesPresent, "cert")

	var err error
	if root.CreatedAt, err = row.time("user_creation_time"); err != nil {
		gaps = append(gaps, collectors.Unread(err, "created_at"))
	}
	if root.LastUsedAt, err = row.latest("password_last_used", "access_key_1_last_used_date", "access_key_2_last_used_date"); err != nil {
		gaps = append(gaps, collectors.Unread(err, "last_used_at"))
	}
	if root.MFAVirtual, err = rootHasVirtualMFA(ctx, api); err != nil {
		gaps = append(gaps, collectors.Unread(err, "mfa_virtual"))
	}
	emit(c.account, root, gaps...)
	return nil
}

// accountSummary is the answer of GetAccountSummary, or why there is none.
type accountSummary struct {
	entries map[string]int32
	err     error
}

func readAccountSummary(ctx context.Context, api *iam.Client) accountSummary {
	answer, err := api.GetAccountSummary(ctx, &iam.GetAccountSummaryInput{})
	if err != nil {
		return accountSummary{err: err}
	}
	return accountSummary{entries: answer.SummaryMap}
}

// entry returns one entry; one that is missing is unread, not zero.
func (s accountSummary) entry(key types.SummaryKeyType) (int32, error) {
	n, ok := s.entries[string(key)]
	if s.err == nil && !ok {
		return 0, missing("IAM.GetAccountSummary", "entry "+string(key))
	}
	return n, s.err
}

func rootHasVirtualMFA(ctx context.Context, api *iam.Client) (bool, error) {
	found, unowned := false, false
	list := iam.NewListVirtualMFADevicesPaginator(api, &iam.ListVirtualMFADevicesInput{AssignmentStatus: types.AssignmentStatusTypeAssigned})
	err := pages(ctx, list, func(page *iam.ListVirtualMFADevicesOutput) error {
		for _, device := range page.VirtualMFADevices {
			unowned = unowned || device.User == nil
			found = found || device.User != nil && strings.HasSuffix(sdk.ToString(device.User.Arn), ":root")
		}
		return followed("IAM.ListVirtualMFADevices", page.IsTruncated, page.Marker)
	})
	switch {
	case found:
		return true, nil
	case err == nil && unowned:
		return false, missing("IAM.ListVirtualMFADevices", "the user of an assigned device")
	}
	return false, err
}

var iamPasswordPolicy = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IAMPasswordPolicyType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "IAM.GetAccountPasswordPolicy", Permission: "iam:GetAccountPasswordPolicy", Body: collectors.Store},
	},
	Collect: collectPasswordPolicy,
}

func collectPasswordPolicy(ctx context.Context, c *client, emit collectors.Emit) error {
	policy := &schema.IAMPasswordPolicy{Meta: posture.Meta{Name: c.account}}
	answer, err := iam.NewFromConfig(c.config).GetAccountPasswordPolicy(ctx, &iam.GetAccountPasswordPolicyInput{})
	if hasCode(err, "NoSuchEntity") {
		policy.MinimumLength = 8 // and three of the four classes of characters, none of which is required by itself
		emit(c.account, policy)
		return nil
	}
	if err == nil && answer.PasswordPolicy == nil {
		err = missing("IAM.GetAccountPasswordPolicy", "the policy")
	}
	if err != nil {
		emit(c.account, policy, collectors.Unread(err, "present", "minimum_length", "require_uppercase", "require_lowercase",
			"require_numbers", "require_symbols", "max_age_days", "reuse_prevention"))
		return nil
	}
	p := answer.PasswordPolicy
	policy.Present = true
	policy.RequireUppercase, policy.RequireLowercase = p.RequireUppercaseCharacters, p.RequireLowercaseCharacters
	policy.RequireNumbers, policy.RequireSymbols = p.RequireNumbers, p.RequireSymbols
	policy.MinimumLength = int64(sdk.ToInt32(p.MinimumPasswordLength))
	if p.ExpirePasswords {
		policy.MaxAgeDays = positive(p.MaxPasswordAge)
	}
	policy.ReusePrevention = positive(p.PasswordReusePrevention)
	var gaps []collectors.Gap
	if p.MinimumPasswordLength == nil {
		gaps = append(gaps, collectors.Unread(missing("IAM.GetAccountPasswordPolicy", "the minimum length"), "minimum_length"))
	}
	emit(c.account, policy, gaps...)
	return nil
}

// positive is the number, absent where there is none or where zero stands for none.
func positive(n *int32) posture.Opt[int64] {
	if n == nil || *n <= 0 {
		return posture.Opt[int64]{}
	}
	return posture.Some(int64(*n))
}

var iamServerCertificates = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IAMServerCertificateType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "IAM.ListServerCertificates", Permission: "iam:ListServerCertificates", Body: collectors.Store},
	},
	Collect: collectServerCertificates,
}

func collectServerCertificates(ctx context.Context, c *client, emit collectors.Emit) error {
	list := iam.NewListServerCertificatesPaginator(iam.NewFromConfig(c.config), &iam.ListServerCertificatesInput{})
	return pages(ctx, list, func(page *iam.ListServerCertificatesOutput) error {
		for _, certificate := range page.ServerCertificateMetadataList {
			gaps := []collectors.Gap{collectors.NotCollected("tags")}
			if certificate.Expiration == nil {
				gaps = append(gaps, collectors.Unread(missing("IAM.ListServerCertificates", "the expiry"), "expires_at"))
			}
			emit(sdk.ToString(certificate.Arn), &schema.IAMServerCertificate{
				Meta:      posture.Meta{Name: sdk.ToString(certificate.ServerCertificateName), CreatedAt: posture.FromPtr(certificate.UploadDate)},
				ExpiresAt: sdk.ToTime(certificate.Expiration),
			}, gaps...)
		}
		return followed("IAM.ListServerCertificates", page.IsTruncated, page.Marker)
	})
}

var iamFederation = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IAMFederationType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "IAM.ListSAMLProviders", Permission: "iam:ListSAMLProviders", Body: collectors.Store},
		{Name: "IAM.ListOpenIDConnectProviders", Permission: "iam:ListOpenIDConnectProviders", Body: collectors.Store},
		{Name: "IAM.GetOpenIDConnectProvider", Permission: "iam:GetOpenIDConnectProvider", Body: collectors.Store},
	},
	Collect: collectFederation,
}

// collectFederation reads the account's own providers. Identity Center belongs to the organization's management account or
// a delegated one, and no reader asks for it yet; the roles it makes show in every account.
func collectFederation(ctx context.Context, c *client, emit collectors.Emit) error {
	api := iam.NewFromConfig(c.config)
	federation := &schema.IAMFederation{Meta: posture.Meta{Name: c.account}}
	gaps := []collectors.Gap{collectors.NotCollected("identity_center_instance_arn")}
	if saml, err := api.ListSAMLProviders(ctx, &iam.ListSAMLProvidersInput{}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "saml_provider_count"))
	} else {
		federation.SAMLProviderCount = int64(len(saml.SAMLProviderList))
	}
	var err error
	if federation.OIDCProviderURLs, err = readOIDCProviders(ctx, api); err != nil {
		gaps = append(gaps, collectors.Unread(err, "oidc_provider_urls"))
	}
	emit(c.account, federation, gaps...)
	return nil
}

func readOIDCProviders(ctx context.Context, api *iam.Client) ([]string, error) {
	list, err := api.ListOpenIDConnectProviders(ctx, &iam.ListOpenIDConnectProvidersInput{})
	if err != nil {
		return nil, err
	}
	var mu sync.Mutex
	var urls []string
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for _, provider := range list.OpenIDConnectProviderList {
		group.Go(func() error {
			detail, err := api.GetOpenIDConnectProvider(ctx, &iam.GetOpenIDConnectProviderInput{OpenIDConnectProviderArn: provider.Arn})
			switch {
			case hasCode(err, "NoSuchEntity"): // deleted since
				return nil
			case err != nil:
				return err
			case sdk.ToString(detail.Url) == "":
				return missing("IAM.GetOpenIDConnectProvider", "the URL")
			}
			mu.Lock()
			defer mu.Unlock()
			urls = append(urls, *detail.Url)
			return nil
		})
	}
	err = group.Wait()
	slices.Sort(urls)
	return urls, err
}

// missing is the error of an answer that lacks what the API documents to be in it.
func missing(operation, what string) error {
	return &transport.Error{Operation: operation, Reason: posture.ReasonAPIError, Err: errors.New("the answer lacks " + what)}
}

// followed returns an error for a page that says more follows and does not say where: the SDK would take it for the last.
func followed(operation string, truncated bool, marker *string) error {
	if truncated && sdk.ToString(marker) == "" {
		return &transport.Error{Operation: operation, Reason: posture.ReasonPartialPages, Err: errors.New("more pages follow, but no marker leads to them")}
	}
	return nil
}
