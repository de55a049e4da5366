package aws

import (
	"net/http"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/athena"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codebuild"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	"github.com/aws/aws-sdk-go-v2/service/databasemigrationservice"
	"github.com/aws/aws-sdk-go-v2/service/datasync"
	"github.com/aws/aws-sdk-go-v2/service/dax"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/efs"
	"github.com/aws/aws-sdk-go-v2/service/elasticache"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/kafkaconnect"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/opensearch"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	"github.com/aws/aws-sdk-go-v2/service/rds"
	"github.com/aws/aws-sdk-go-v2/service/redshift"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/aws-sdk-go-v2/service/transfer"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

const (
	testAccount = "111122223333"
	testRegion  = "eu-central-1"
)

// client returns the SDK's client of a service.
func client(service string, config sdk.Config) any {
	switch service {
	case "account":
		return account.NewFromConfig(config)
	case "cloudtrail":
		return cloudtrail.NewFromConfig(config)
	case "cloudwatch":
		return cloudwatch.NewFromConfig(config)
	case "cloudwatchlogs":
		return cloudwatchlogs.NewFromConfig(config)
	case "configservice":
		return configservice.NewFromConfig(config)
	case "ec2":
		return ec2.NewFromConfig(config)
	case "elasticloadbalancingv2":
		return elasticloadbalancingv2.NewFromConfig(config)
	case "guardduty":
		return guardduty.NewFromConfig(config)
	case "iam":
		return iam.NewFromConfig(config)
	case "kms":
		return kms.NewFromConfig(config)
	case "organizations":
		return organizations.NewFromConfig(config)
	case "rds":
		return rds.NewFromConfig(config)
	case "s3":
		return s3.NewFromConfig(config)
	case "s3control":
		return s3control.NewFromConfig(config)
	case "securityhub":
		return securityhub.NewFromConfig(config)
	case "acm":
		return acm.NewFromConfig(config)
	case "athena":
		return athena.NewFromConfig(config)
	case "cloudfront":
		return cloudfront.NewFromConfig(config)
	case "codebuild":
		return codebuild.NewFromConfig(config)
	case "databasemigrationservice":
		return databasemigrationservice.NewFromConfig(config)
	case "datasync":
		return datasync.NewFromConfig(config)
	case "dax":
		return dax.NewFromConfig(config)
	case "dynamodb":
		return dynamodb.NewFromConfig(config)
	case "ecr":
		return ecr.NewFromConfig(config)
	case "efs":
		return efs.NewFromConfig(config)
	case "elasticache":
		return elasticache.NewFromConfig(config)
	case "glue":
		return glue.NewFromConfig(config)
	case "kafka":
		return kafka.NewFromConfig(config)
	case "kafkaconnect":
		return kafkaconnect.NewFromConfig(config)
	case "kinesis":
		return kinesis.NewFromConfig(config)
	case "lambda":
		return lambda.NewFromConfig(config)
	case "mq":
		return mq.NewFromConfig(config)
	case "opensearch":
		return opensearch.NewFromConfig(config)
	case "redshift":
		return redshift.NewFromConfig(config)
	case "route53":
		return route53.NewFromConfig(config)
	case "secretsmanager":
		return secretsmanager.NewFromConfig(config)
	case "sfn":
		return sfn.NewFromConfig(config)
	case "sns":
		return sns.NewFromConfig(config)
	case "sqs":
		return sqs.NewFromConfig(config)
	case "ssm":
		return ssm.NewFromConfig(config)
	case "transfer":
		return transfer.NewFromConfig(config)
	case "sts":
		return sts.NewFromConfig(config)
	}
	return nil
}

func testTime() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// newServer returns a server with two items on a page.
func newServer(t *testing.T) *Server {
	t.Helper()
	s, err := New(Options{Now: testTime, PageSize: 2})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// inMemory returns a configuration that calls the handler without sockets and never retries.
func inMemory(h http.Handler) sdk.Config {
	return Config(testAccount, testRegion, &http.Client{Transport: fault.InMemory(h)}, noRetry)
}

func noRetry(c *sdk.Config) { c.Retryer = func() sdk.Retryer { return sdk.NopRetryer{} } }
