package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func kinesisReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{dataStreams} }

var dataStreams = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DataStreamType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Kinesis.ListStreams", Permission: "kinesis:ListStreams", Body: collectors.Store},
		{Name: "Kinesis.DescribeStreamSummary", Permission: "kinesis:DescribeStreamSummary", Body: collectors.Store},
	},
	Collect: collectDataStreams,
}

func collectDataStreams(ctx context.Context, c *client, emit collectors.Emit) error {
	api := kinesis.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	err := pages(ctx, kinesis.NewListStreamsPaginator(api, &kinesis.ListStreamsInput{Limit: sdk.Int32(1000)}), func(page *kinesis.ListStreamsOutput) error {
		for _, name := range page.StreamNames {
			group.Go(func() error {
				emitDataStream(ctx, c, api, name, emit)
				return nil
			})
		}
		return followed("Kinesis.ListStreams", sdk.ToBool(page.HasMoreStreams), page.NextToken)
	})
	_ = group.Wait() // errors of one stream are its gaps
	if err != nil {
		return fmt.Errorf("list streams: %w", err)
	}
	return nil
}

func emitDataStream(ctx context.Context, c *client, api *kinesis.Client, name string, emit collectors.Emit) {
	a := &answer{service: kinesis.ServiceID, operation: "DescribeStreamSummary", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
	stream := &schema.DataStream{Meta: posture.Meta{Name: name}}
	described, err := api.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: &name})
	if err == nil && described.StreamDescriptionSummary == nil {
		err = a.lacks("StreamDescriptionSummary")
	}
	if err != nil {
		a.gaps = append(a.gaps, collectors.Unread(err, "status", "encryption_type", "kms_key_id", "retention_hours", "created_at"))
	} else {
		d := described.StreamDescriptionSummary
		stream.CreatedAt = posture.FromPtr(d.StreamCreationTimestamp)
		stream.Status = told(a, "status", d.StreamStatus)
		stream.EncryptionType = string(types.EncryptionTypeNone) // what an answer without the member means
		if d.EncryptionType != "" {
			stream.EncryptionType = string(d.EncryptionType)
		}
		stream.KMSKeyID = sdk.ToString(d.KeyId)
		stream.RetentionHours = int64(required(a, "retention_hours", d.RetentionPeriodHours))
	}
	emit(c.arn("kinesis", "stream/"+name), stream, a.gaps...)
}
