package aws_test

import (
	"archive/zip"
	"bytes"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/acm"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	cf "github.com/aws/aws-sdk-go-v2/service/cloudfront/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	table "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	fn "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/route53"
	dns "github.com/aws/aws-sdk-go-v2/service/route53/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	doc "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

func applicationVerdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-lambda-function-policy-not-public":    {pass: "good-function", fail: "bad-function"},
		"aws-lambda-function-url-authenticated":    {unknown: "good-function bad-function"}, // moto has no URLs of functions
		"aws-lambda-function-in-vpc":               {fail: "good-function bad-function"},
		"aws-lambda-function-dead-letter-queue":    {pass: "good-function", fail: "bad-function"},
		"aws-lambda-function-concurrency-limited":  {pass: "good-function", fail: "bad-function"},
		"aws-lambda-function-no-plaintext-secrets": {pass: "good-function", fail: "bad-function"},

		"aws-cloudtrail-lambda-data-events": {fail: "neglected", exempt: "tended"},

		"aws-dynamodb-table-pitr-enabled":        {pass: "good-table", fail: "bad-table"},
		"aws-dynamodb-table-kms-encrypted":       {pass: "good-table", fail: "bad-table"},
		"aws-dynamodb-table-deletion-protection": {pass: "good-table", fail: "bad-table"},
		"aws-dynamodb-table-policy-not-public":   {pass: "good-table", fail: "bad-table"},

		"aws-secretsmanager-secret-rotation-enabled":    {fail: "good-secret bad-secret"}, // moto turns rotation on with a function only
		"aws-secretsmanager-secret-rotated-on-schedule": {fail: "good-secret bad-secret"},
		"aws-secretsmanager-secret-in-use":              {pass: "good-secret", fail: "stale-secret"},
		"aws-secretsmanager-secret-policy-not-public":   {pass: "good-secret", fail: "bad-secret"},

		"aws-sns-topic-encrypted":         {pass: "good-topic", fail: "bad-topic"},
		"aws-sns-topic-policy-not-public": {pass: "good-topic", fail: "bad-topic"},
		"aws-sns-alarm-topic-subscribed":  {unknown: "good-topic"}, // moto's alarms are not read
		"aws-sqs-queue-encrypted":         {pass: "good-queue own-queue", fail: "bad-queue"},
		"aws-sqs-queue-policy-not-public": {pass: "good-queue", fail: "bad-queue"},

		"aws-acm-certificate-key-strength":      {exempt: "asked-certificate"}, // moto issues nothing
		"aws-acm-certificate-not-expiring":      {exempt: "asked-certificate"},
		"aws-route53-public-zone-query-logging": {pass: "logged-zone", fail: "silent-zone"},

		"aws-cloudfront-distribution-logging-enabled":          {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},
		"aws-cloudfront-distribution-viewer-https-only":        {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},
		"aws-cloudfront-distribution-origin-https-only":        {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},
		"aws-cloudfront-distribution-field-level-encryption":   {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},
		"aws-cloudfront-distribution-waf-associated":           {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},
		"aws-cloudfront-distribution-s3-origin-access-control": {fail: "good-cdn bad-cdn", exempt: "idle-cdn"}, // moto forgets the identity
		"aws-cloudfront-distribution-tls-minimum":              {pass: "good-cdn", fail: "bad-cdn", exempt: "idle-cdn"},

		"aws-ssm-document-not-public": {pass: "good-document", fail: "bad-document"},
	}
}

const (
	openPolicy   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}`
	closedPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + tended + `:root"},"Action":"*","Resource":"*"}]}`
)

func buildApplications(b *builder) {
	buildFunctions(b)
	buildTables(b)
	buildSecrets(b)
	buildMessaging(b)
	buildEdge(b)
	documents := ssm.NewFromConfig(b.config(tended, east))
	for _, name := range []string{"good-document", "bad-document"} {
		do(b, documents.CreateDocument, &ssm.CreateDocumentInput{Name: &name, DocumentType: doc.DocumentTypeCommand, DocumentFormat: doc.DocumentFormatJson,
			Content: sdk.String(`{"schemaVersion":"2.2","description":"x","mainSteps":[{"action":"aws:runShellScript","name":"x","inputs":{"runCommand":["true"]}}]}`)})
		b.name(name, tended, east, "arn:aws:ssm:us-east-1:"+tended+":document/"+name)
	}
	do(b, documents.ModifyDocumentPermission, &ssm.ModifyDocumentPermissionInput{Name: sdk.String("bad-document"), PermissionType: doc.DocumentPermissionTypeShare, AccountIdsToAdd: []string{"all"}})
}

func buildFunctions(b *builder) {
	role := do(b, iam.NewFromConfig(b.config(neglected, west)).CreateRole, &iam.CreateRoleInput{RoleName: sdk.String("functions"), Path: sdk.String("/service-role/"),
		AssumeRolePolicyDocument: sdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`)}).Role.Arn
	b.name("functions-role", neglected, "global", *role)
	var code bytes.Buffer
	archive := zip.NewWriter(&code)
	if _, err := archive.Create("app.py"); err != nil {
		b.t.Fatal(err)
	}
	_ = archive.Close()
	api := lambda.NewFromConfig(b.config(neglected, west))
	lost := "arn:aws:sqs:eu-west-1:" + neglected + ":lost"
	for name, variables := range map[string]map[string]string{
		"good-function": {"DB_SECRET_ARN": "arn:aws:secretsmanager:eu-west-1:" + neglected + ":secret:db", "LOG_LEVEL": "debug"},
		"bad-function":  {"DB_PASSWORD": "correct-horse"},
	} {
		b.name(name, neglected, west, *do(b, api.CreateFunction, &lambda.CreateFunctionInput{FunctionName: &name, Role: role, Runtime: fn.RuntimePython312, Handler: sdk.String("app.handler"),
			Code: &fn.FunctionCode{ZipFile: code.Bytes()}, Environment: &fn.Environment{Variables: variables}}).FunctionArn)
	}
	do(b, api.PutFunctionConcurrency, &lambda.PutFunctionConcurrencyInput{FunctionName: sdk.String("good-function"), ReservedConcurrentExecutions: sdk.Int32(5)})
	do(b, api.PutFunctionEventInvokeConfig, &lambda.PutFunctionEventInvokeConfigInput{FunctionName: sdk.String("good-function"), // a dead-letter queue moto forgets
		DestinationConfig: &fn.DestinationConfig{OnFailure: &fn.OnFailure{Destination: &lost}}})
	do(b, api.AddPermission, &lambda.AddPermissionInput{FunctionName: sdk.String("bad-function"), StatementId: sdk.String("all"), Action: sdk.String("lambda:InvokeFunction"), Principal: sdk.String("*")})
}

func buildTables(b *builder) {
	api := dynamodb.NewFromConfig(b.config(tended, east))
	for name, good := range map[string]bool{"good-table": true, "bad-table": false} {
		input := &dynamodb.CreateTableInput{TableName: &name, BillingMode: table.BillingModePayPerRequest, DeletionProtectionEnabled: &good,
			KeySchema:            []table.KeySchemaElement{{AttributeName: sdk.String("id"), KeyType: table.KeyTypeHash}},
			AttributeDefinitions: []table.AttributeDefinition{{AttributeName: sdk.String("id"), AttributeType: table.ScalarAttributeTypeS}}}
		policy := openPolicy
		if good {
			input.SSESpecification = &table.SSESpecification{Enabled: sdk.Bool(true), SSEType: table.SSETypeKms}
			policy = closedPolicy
		}
		arn := do(b, api.CreateTable, input).TableDescription.TableArn
		b.name(name, tended, east, *arn)
		do(b, api.PutResourcePolicy, &dynamodb.PutResourcePolicyInput{ResourceArn: arn, Policy: &policy})
	}
	do(b, api.UpdateContinuousBackups, &dynamodb.UpdateContinuousBackupsInput{TableName: sdk.String("good-table"),
		PointInTimeRecoverySpecification: &table.PointInTimeRecoverySpecification{PointInTimeRecoveryEnabled: sdk.Bool(true)}})
}

func buildSecrets(b *builder) {
	secret := func(label, account, region, policy string) {
		api := secretsmanager.NewFromConfig(b.config(account, region))
		arn := do(b, api.CreateSecret, &secretsmanager.CreateSecretInput{Name: &label, SecretString: sdk.String("correct-horse")}).ARN
		do(b, api.PutResourcePolicy, &secretsmanager.PutResourcePolicyInput{SecretId: arn, ResourcePolicy: &policy})
		b.name(label, account, region, *arn)
	}
	secret("good-secret", tended, east, closedPolicy)
	secret("bad-secret", tended, east, openPolicy)
	secret("stale-secret", neglected, west, closedPolicy) // read 100 days later
}

func buildMessaging(b *builder) {
	topics := sns.NewFromConfig(b.config(tended, east))
	for name, attributes := range map[string]map[string]string{"good-topic": {"KmsMasterKeyId": "alias/aws/sns"}, "bad-topic": {"Policy": openPolicy}} {
		b.name(name, tended, east, *do(b, topics.CreateTopic, &sns.CreateTopicInput{Name: &name, Attributes: attributes}).TopicArn)
	}
	queues := sqs.NewFromConfig(b.config(tended, east))
	for name, attributes := range map[string]map[string]string{
		"good-queue": {"KmsMasterKeyId": "alias/aws/sqs"}, "own-queue": {"SqsManagedSseEnabled": "true"},
		"bad-queue": {"SqsManagedSseEnabled": "false", "Policy": openPolicy},
	} {
		do(b, queues.CreateQueue, &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		b.name(name, tended, east, "arn:aws:sqs:us-east-1:"+tended+":"+name)
	}
}

func buildEdge(b *builder) {
	asked := do(b, acm.NewFromConfig(b.config(tended, east)).RequestCertificate, &acm.RequestCertificateInput{DomainName: sdk.String("www.example.com"), ValidationMethod: "DNS"})
	b.name("asked-certificate", tended, east, *asked.CertificateArn)
	zones := route53.NewFromConfig(b.config(tended, east))
	for _, name := range []string{"logged-zone", "silent-zone"} {
		zone := do(b, zones.CreateHostedZone, &route53.CreateHostedZoneInput{Name: sdk.String(name + ".example.com"), CallerReference: &name, HostedZoneConfig: &dns.HostedZoneConfig{}}).HostedZone
		id := (*zone.Id)[len("/hostedzone/"):]
		b.name(name, tended, "global", "arn:aws:route53:::hostedzone/"+id)
		if name == "logged-zone" {
			do(b, zones.CreateQueryLoggingConfig, &route53.CreateQueryLoggingConfigInput{HostedZoneId: &id, CloudWatchLogsLogGroupArn: sdk.String(b.things["trail-logs"].id + ":*")})
		}
	}

	cdn := cloudfront.NewFromConfig(b.config(tended, east))
	yes, no, none := sdk.Bool(true), sdk.Bool(false), sdk.String("")
	for name, good := range map[string]bool{"good-cdn": true, "bad-cdn": false, "idle-cdn": false} {
		custom := &cf.CustomOriginConfig{HTTPPort: sdk.Int32(80), HTTPSPort: sdk.Int32(443), OriginProtocolPolicy: cf.OriginProtocolPolicyHttpOnly,
			OriginSslProtocols: &cf.OriginSslProtocols{Quantity: sdk.Int32(1), Items: []cf.SslProtocol{cf.SslProtocolTLSv1}}}
		bucket := &cf.S3OriginConfig{OriginAccessIdentity: none}
		config := &cf.DistributionConfig{CallerReference: &name, Comment: &name, Enabled: yes, WebACLId: none,
			Logging:              &cf.LoggingConfig{Enabled: no, Bucket: none, Prefix: none, IncludeCookies: no},
			DefaultCacheBehavior: &cf.DefaultCacheBehavior{TargetOriginId: sdk.String("web"), ViewerProtocolPolicy: cf.ViewerProtocolPolicyAllowAll, FieldLevelEncryptionId: none},
			ViewerCertificate:    &cf.ViewerCertificate{CloudFrontDefaultCertificate: yes},
		}
		switch {
		case good:
			custom.OriginProtocolPolicy, custom.OriginSslProtocols.Items = cf.OriginProtocolPolicyHttpsOnly, []cf.SslProtocol{cf.SslProtocolTLSv12}
			bucket.OriginAccessIdentity = sdk.String("origin-access-identity/cloudfront/E127EXAMPLE51Z")
			config.Logging.Enabled, config.Logging.Bucket = yes, sdk.String("logs.s3.amazonaws.com")
			config.WebACLId = sdk.String("arn:aws:wafv2:us-east-1:" + tended + ":global/webacl/main/1")
			config.DefaultCacheBehavior.ViewerProtocolPolicy, config.DefaultCacheBehavior.FieldLevelEncryptionId = cf.ViewerProtocolPolicyHttpsOnly, sdk.String("C3KIX")
			config.ViewerCertificate = &cf.ViewerCertificate{CloudFrontDefaultCertificate: no, ACMCertificateArn: asked.CertificateArn,
				MinimumProtocolVersion: cf.MinimumProtocolVersionTLSv122021, SSLSupportMethod: cf.SSLSupportMethodSniOnly}
		case name == "idle-cdn":
			config.Enabled = no
		}
		config.Origins = &cf.Origins{Quantity: sdk.Int32(2), Items: []cf.Origin{
			{Id: sdk.String("web"), DomainName: sdk.String("origin.example.com"), CustomOriginConfig: custom},
			{Id: sdk.String("files"), DomainName: sdk.String("files.s3.us-east-1.amazonaws.com"), S3OriginConfig: bucket},
		}}
		b.name(name, tended, "global", *do(b, cdn.CreateDistribution, &cloudfront.CreateDistributionInput{DistributionConfig: config}).Distribution.ARN)
	}
}
