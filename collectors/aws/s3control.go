package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func s3controlReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{accountPublicAccessBlocks, accessPoints}
}

// blockPaths are the attributes of a public access block.
var blockPaths = []string{"block_public_acls", "ignore_public_acls", "block_public_policy", "restrict_public_buckets"}

var accountPublicAccessBlocks = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AccountPublicAccessBlockType},
	Scope: collectors.Global,
	Operations: []collectors.Operation{
		{Name: "S3Control.GetPublicAccessBlock", Permission: "s3:GetAccountPublicAccessBlock", Body: collectors.Store},
	},
	Collect: collectAccountPublicAccessBlock,
}

// collectAccountPublicAccessBlock emits the account's one resource even when it cannot be read, for rules to say so.
func collectAccountPublicAccessBlock(ctx context.Context, c *client, emit collectors.Emit) error {
	answer, err := s3control.NewFromConfig(c.config).GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: &c.account})
	block := &schema.AccountPublicAccessBlock{Meta: posture.Meta{Name: c.account}}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	switch {
	case hasCode(err, "NoSuchPublicAccessBlockConfiguration"):
		err = nil
	case err == nil && answer.PublicAccessBlockConfiguration == nil:
		err = missing("S3Control.GetPublicAccessBlock", "PublicAccessBlockConfiguration")
	case err == nil:
		block.PublicAccessBlock = newAccessBlock(answer.PublicAccessBlockConfiguration)
	}
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, blockPaths...))
	}
	emit(c.account, block, gaps...)
	return nil
}

var accessPoints = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.AccessPointType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "S3Control.ListAccessPoints", Permission: "s3:ListAccessPoints", Body: collectors.Store},
		{Name: "S3Control.GetAccessPoint", Permission: "s3:GetAccessPoint", Body: collectors.Store},
	},
	Collect: collectAccessPoints,
}

func collectAccessPoints(ctx context.Context, c *client, emit collectors.Emit) error {
	api := s3control.NewFromConfig(c.config)
	list := s3control.NewListAccessPointsPaginator(api, &s3control.ListAccessPointsInput{AccountId: &c.account})
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, list, func(page *s3control.ListAccessPointsOutput) error {
		for _, listed := range page.AccessPointList {
			group.Go(func() error {
				emitAccessPoint(ctx, c, api, listed, emit)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // emitAccessPoint hands its errors over as gaps
	if err != nil {
		return fmt.Errorf("list access points: %w", err)
	}
	return nil
}

func emitAccessPoint(ctx context.Context, c *client, api *s3control.Client, listed types.AccessPoint, emit collectors.Emit) {
	point := &schema.AccessPoint{
		Meta:          posture.Meta{Name: sdk.ToString(listed.Name)},
		Bucket:        sdk.ToString(listed.Bucket),
		NetworkOrigin: string(listed.NetworkOrigin),
	}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	answer, err := api.GetAccessPoint(ctx, &s3control.GetAccessPointInput{AccountId: &c.account, Name: listed.Name})
	if err != nil {
		gaps = append(gaps, collectors.Unread(err, append([]string{"created_at"}, blockPaths...)...))
	} else {
		point.CreatedAt = posture.FromPtr(answer.CreationDate)
		if answer.PublicAccessBlockConfiguration == nil {
			gaps = append(gaps, collectors.Unread(missing("S3Control.GetAccessPoint", "PublicAccessBlockConfiguration"), blockPaths...))
		} else {
			point.PublicAccessBlock = newAccessBlock(answer.PublicAccessBlockConfiguration)
		}
	}
	emit(sdk.ToString(listed.AccessPointArn), point, gaps...)
}

func newAccessBlock(p *types.PublicAccessBlockConfiguration) schema.PublicAccessBlock {
	return schema.PublicAccessBlock{
		BlockPublicACLs: sdk.ToBool(p.BlockPublicAcls), IgnorePublicACLs: sdk.ToBool(p.IgnorePublicAcls),
		BlockPublicPolicy: sdk.ToBool(p.BlockPublicPolicy), RestrictPublicBuckets: sdk.ToBool(p.RestrictPublicBuckets),
	}
}
