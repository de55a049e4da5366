package aws

import (
	"context"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// identity reports the answer that opened the account.
var identity = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.IdentityType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "STS.GetCallerIdentity", Permission: "sts:GetCallerIdentity", Body: collectors.Store, Polled: true},
	},
	Collect: func(_ context.Context, c *client, emit collectors.Emit) error {
		emit(c.account, &schema.Identity{
			Meta:         posture.Meta{Name: c.account},
			Partition:    c.partition,
			PrincipalARN: sdk.ToString(c.identity.Arn),
		})
		return nil
	},
}
