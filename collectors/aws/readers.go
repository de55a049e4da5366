package aws

import (
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
)

// readers lists every reader, by service.
func readers() []collectors.Reader[*client] {
	return slices.Concat(
		[]collectors.Reader[*client]{identity, regions, contacts, trails},
		s3Readers(),
		ec2Readers(),
		s3controlReaders(),
		kmsReaders(),
		iamReaders(),
		cloudwatchReaders(),
		cloudwatchlogsReaders(),
		configserviceReaders(),
		guarddutyReaders(),
		securityhubReaders(),
		organizationsReaders(),
		elbv2Readers(),
		rdsReaders(),
		redshiftReaders(),
		opensearchReaders(),
		codebuildReaders(),
		cacheReaders(),
		kinesisReaders(),
		dmsReaders(),
		brokerReaders(),
		pipelineReaders(),
		glueReaders(),
		lambdaReaders(),
		dynamodbReaders(),
		secretsmanagerReaders(),
		messagingReaders(),
		acmReaders(),
		route53Readers(),
		cloudfrontReaders(),
		ssmReaders(),
		ecrReaders(),
		efsReaders(),
	)
}

// Operations lists every operation that a scan may call.
func Operations() []collectors.Operation {
	var out []collectors.Operation
	for _, r := range readers() {
		out = append(out, r.Operations...)
	}
	return out
}
