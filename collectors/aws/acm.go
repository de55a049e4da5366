package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/acm/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func acmReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{certificates} }

var certificates = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.CertificateType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "ACM.ListCertificates", Permission: "acm:ListCertificates", Body: collectors.Store},
	},
	Collect: collectCertificates,
}

// collectCertificates names every key algorithm: without, only short RSA keys are listed.
func collectCertificates(ctx context.Context, c *client, emit collectors.Emit) error {
	list := acm.NewListCertificatesPaginator(acm.NewFromConfig(c.config), &acm.ListCertificatesInput{
		MaxItems: sdk.Int32(1000), Includes: &types.Filters{KeyTypes: types.KeyAlgorithm("").Values()},
	})
	err := pages(ctx, list, func(page *acm.ListCertificatesOutput) error {
		for _, s := range page.CertificateSummaryList {
			a := &answer{service: acm.ServiceID, operation: "ListCertificates", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
			emit(sdk.ToString(s.CertificateArn), &schema.Certificate{
				Meta:            posture.Meta{Name: sdk.ToString(s.DomainName), CreatedAt: posture.FromPtr(s.CreatedAt)},
				DomainName:      sdk.ToString(s.DomainName),
				Status:          string(s.Status),
				CertificateType: string(s.Type),
				KeyAlgorithm:    string(s.KeyAlgorithm),
				InUse:           required(a, "in_use", s.InUse),
				RenewalEligible: s.RenewalEligibility == types.RenewalEligibilityEligible,
				NotAfter:        posture.FromPtr(s.NotAfter),
			}, a.gaps...)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list certificates: %w", err)
	}
	return nil
}
