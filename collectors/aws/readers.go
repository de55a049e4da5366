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
		elbv2Readers(),
		rdsReaders(),
	)
}
