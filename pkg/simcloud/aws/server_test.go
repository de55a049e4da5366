package aws

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	trailtypes "github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
)

// apiError returns the code and HTTP status of an SDK error.
func apiError(t *testing.T, err error) (string, int) {
	t.Helper()
	var api smithy.APIError
	var response *smithyhttp.ResponseError
	if !errors.As(err, &api) || !errors.As(err, &response) {
		t.Fatalf("not an API error: %v", err)
	}
	return api.ErrorCode(), response.HTTPStatusCode()
}

// failEverything registers one handler per protocol, all of which answer err.
func failEverything(s *Server, err error) {
	Handle(s, func(Call[*iam.GetAccountSummaryInput]) (*iam.GetAccountSummaryOutput, error) { return nil, err })
	Handle(s, func(Call[*ec2.DescribeVpcsInput]) (*ec2.DescribeVpcsOutput, error) { return nil, err })
	Handle(s, func(Call[*s3.GetBucketPolicyInput]) (*s3.GetBucketPolicyOutput, error) { return nil, err })
	Handle(s, func(Call[*s3control.GetPublicAccessBlockInput]) (*s3control.GetPublicAccessBlockOutput, error) {
		return nil, err
	})
	Handle(s, func(Call[*guardduty.ListDetectorsInput]) (*guardduty.ListDetectorsOutput, error) { return nil, err })
	Handle(s, func(Call[*kms.DescribeKeyInput]) (*kms.DescribeKeyOutput, error) { return nil, err })
	Handle(s, func(Call[*cloudwatch.DescribeAlarmsInput]) (*cloudwatch.DescribeAlarmsOutput, error) { return nil, err })
}

// protocolCalls has one call per protocol.
func protocolCalls(c sdk.Config) map[string]func(context.Context) error {
	return map[string]func(context.Context) error{
		"query": func(ctx context.Context) error {
			_, err := iam.NewFromConfig(c).GetAccountSummary(ctx, nil)
			return err
		},
		"ec2": func(ctx context.Context) error {
			_, err := ec2.NewFromConfig(c).DescribeVpcs(ctx, nil)
			return err
		},
		"s3": func(ctx context.Context) error {
			_, err := s3.NewFromConfig(c).GetBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: sdk.String("logs")})
			return err
		},
		"s3control": func(ctx context.Context) error {
			_, err := s3control.NewFromConfig(c).GetPublicAccessBlock(ctx, &s3control.GetPublicAccessBlockInput{AccountId: sdk.String(testAccount)})
			return err
		},
		"rest-json": func(ctx context.Context) error {
			_, err := guardduty.NewFromConfig(c).ListDetectors(ctx, nil)
			return err
		},
		"json": func(ctx context.Context) error {
			_, err := kms.NewFromConfig(c).DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: sdk.String("key")})
			return err
		},
		"cbor": func(ctx context.Context) error {
			_, err := cloudwatch.NewFromConfig(c).DescribeAlarms(ctx, nil)
			return err
		},
	}
}

func TestErrorsKeepCodeMessageAndStatus(t *testing.T) {
	s := newServer(t)
	failEverything(s, &Error{Code: "SomethingElse", Message: "a <message>", Status: 418})
	for protocol, call := range protocolCalls(inMemory(s)) {
		t.Run(protocol, func(t *testing.T) {
			err := call(t.Context())
			if code, status := apiError(t, err); code != "SomethingElse" || status != 418 {
				t.Errorf("got %s, status %d", code, status)
			}
			if !strings.Contains(err.Error(), "a <message>") {
				t.Errorf("the message is lost: %v", err)
			}
		})
	}
}

func TestSDKErrorTypesComeBackAsThemselves(t *testing.T) {
	s := newServer(t)
	Handle(s, func(c Call[*cloudtrail.GetTrailStatusInput]) (*cloudtrail.GetTrailStatusOutput, error) {
		return nil, &trailtypes.TrailNotFoundException{Message: sdk.String("no trail " + sdk.ToString(c.Input.Name))}
	})
	_, err := cloudtrail.NewFromConfig(inMemory(s)).GetTrailStatus(t.Context(), &cloudtrail.GetTrailStatusInput{Name: sdk.String("main")})
	var gone *trailtypes.TrailNotFoundException
	if !errors.As(err, &gone) || gone.ErrorMessage() != "no trail main" {
		t.Errorf("got %v", err)
	}
}

func TestStatusFollowsFromTheCode(t *testing.T) {
	for name, test := range map[string]struct {
		protocol, code string
		status         int
	}{
		"the model's own status":              {"s3control", "NoSuchPublicAccessBlockConfiguration", 404},
		"a rest code the model does not know": {"s3", "NoSuchBucketPolicy", 404},
		"a refusal in rest":                   {"rest-json", "AccessDeniedException", 403},
		"anything else":                       {"json", "NotFoundException", 400},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			failEverything(s, &Error{Code: test.code})
			if code, status := apiError(t, protocolCalls(inMemory(s))[test.protocol](t.Context())); code != test.code || status != test.status {
				t.Errorf("got %s, status %d", code, status)
			}
		})
	}
}

// An answer to HEAD has no body, so S3's clients tell the error by its status alone.
func TestHeadErrorsAreToldByStatus(t *testing.T) {
	for name, test := range map[string]struct {
		err  Error
		want string
	}{
		"a bucket that is gone":      {Error{Code: "NoSuchBucket", Status: 404}, "NotFound"},
		"a bucket of someone else's": {Error{Code: "AccessDenied", Status: 403}, "Forbidden"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			Handle(s, func(Call[*s3.HeadBucketInput]) (*s3.HeadBucketOutput, error) { return nil, &test.err })
			_, err := s3.NewFromConfig(inMemory(s)).HeadBucket(t.Context(), &s3.HeadBucketInput{Bucket: sdk.String("logs")})
			if code, status := apiError(t, err); code != test.want || status != test.err.Status {
				t.Errorf("got %s, status %d", code, status)
			}
		})
	}
}

func TestPlainErrorIsAServiceFault(t *testing.T) {
	s := newServer(t)
	failEverything(s, errors.New("broken"))
	for protocol, call := range protocolCalls(inMemory(s)) {
		t.Run(protocol, func(t *testing.T) {
			if _, status := apiError(t, call(t.Context())); status != http.StatusInternalServerError {
				t.Errorf("status %d", status)
			}
		})
	}
}

func TestOperationWithoutHandlerSaysSo(t *testing.T) {
	for protocol, call := range protocolCalls(inMemory(newServer(t))) {
		t.Run(protocol, func(t *testing.T) {
			if code, status := apiError(t, call(t.Context())); code != "NotImplemented" || status != http.StatusNotImplemented {
				t.Errorf("got %s, status %d", code, status)
			}
		})
	}
}

func TestUnlistedOperationIsUnknown(t *testing.T) {
	c := inMemory(newServer(t))
	for name, test := range map[string]struct {
		call func() error
		code string
	}{
		"query": {func() error { _, err := iam.NewFromConfig(c).ListUsers(t.Context(), nil); return err }, "InvalidAction"},
		"ec2":   {func() error { _, err := ec2.NewFromConfig(c).DescribeHosts(t.Context(), nil); return err }, "InvalidAction"},
		"s3": {func() error {
			_, err := s3.NewFromConfig(c).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: sdk.String("logs")})
			return err
		}, "MethodNotAllowed"},
		"json": {func() error {
			_, err := kms.NewFromConfig(c).ListRetirableGrants(t.Context(), &kms.ListRetirableGrantsInput{RetiringPrincipal: sdk.String("p")})
			return err
		}, "UnknownOperationException"},
		"rest-json": {func() error { _, err := guardduty.NewFromConfig(c).ListInvitations(t.Context(), nil); return err }, "UnknownOperationException"},
		"cbor":      {func() error { _, err := cloudwatch.NewFromConfig(c).ListDashboards(t.Context(), nil); return err }, "InvalidAction"},
	} {
		t.Run(name, func(t *testing.T) {
			if code, _ := apiError(t, test.call()); code != test.code {
				t.Errorf("code is %s, want %s", code, test.code)
			}
		})
	}
}

func TestUnknownAccessKeyIsRefused(t *testing.T) {
	c := inMemory(newServer(t))
	c.Credentials = sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		return sdk.Credentials{AccessKeyID: "AKIAELSEWHERE", SecretAccessKey: "x"}, nil
	})
	want := map[string]string{
		"query": "InvalidClientTokenId", "ec2": "AuthFailure", "s3": "InvalidAccessKeyId", "s3control": "InvalidAccessKeyId",
		"rest-json": "UnrecognizedClientException", "json": "UnrecognizedClientException", "cbor": "InvalidClientTokenId",
	}
	for protocol, call := range protocolCalls(c) {
		t.Run(protocol, func(t *testing.T) {
			if code, _ := apiError(t, call(t.Context())); code != want[protocol] {
				t.Errorf("code is %s, want %s", code, want[protocol])
			}
		})
	}
}

func TestUnsignedRequestIsRefused(t *testing.T) {
	w := httptest.NewRecorder()
	newServer(t).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d", w.Code)
	}
}

func TestHandlerSeesAccountRegionTimeAndPrincipal(t *testing.T) {
	s := newServer(t)
	var got Call[*cloudtrail.DescribeTrailsInput]
	Handle(s, func(c Call[*cloudtrail.DescribeTrailsInput]) (*cloudtrail.DescribeTrailsOutput, error) {
		got = c
		return &cloudtrail.DescribeTrailsOutput{}, nil
	})
	if _, err := cloudtrail.NewFromConfig(inMemory(s)).DescribeTrails(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got.Context, got.Input = nil, nil
	want := Call[*cloudtrail.DescribeTrailsInput]{
		Account: testAccount, Region: testRegion, Principal: "arn:aws:iam::111122223333:user/scanner", Now: testTime(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("call differs (-want +got):\n%s", diff)
	}
}

func TestAssumedRoleCallsFromItsOwnAccount(t *testing.T) {
	s := newServer(t)
	c := inMemory(s)
	role, err := sts.NewFromConfig(c).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: sdk.String("arn:aws:iam::444455556666:role/path/reader"), RoleSessionName: sdk.String("scan"),
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Credentials = sdk.CredentialsProviderFunc(func(context.Context) (sdk.Credentials, error) {
		keys := role.Credentials
		return sdk.Credentials{AccessKeyID: *keys.AccessKeyId, SecretAccessKey: *keys.SecretAccessKey, SessionToken: *keys.SessionToken}, nil
	})
	me, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *me.Account != "444455556666" || *me.Arn != "arn:aws:sts::444455556666:assumed-role/reader/scan" {
		t.Errorf("caller is %s, %s", *me.Account, *me.Arn)
	}
}

func TestRoleOfUnknownAccountIsDenied(t *testing.T) {
	s, err := New(Options{Known: func(account string) bool { return account == testAccount }})
	if err != nil {
		t.Fatal(err)
	}
	_, err = sts.NewFromConfig(inMemory(s)).AssumeRole(t.Context(), &sts.AssumeRoleInput{
		RoleArn: sdk.String("arn:aws:iam::444455556666:role/reader"), RoleSessionName: sdk.String("scan"),
	})
	if code, _ := apiError(t, err); code != "AccessDenied" {
		t.Errorf("code is %s", code)
	}
}

func TestResponsesCarryRequestIDAndDate(t *testing.T) {
	s := newServer(t)
	failEverything(s, &Error{Code: "SomethingElse"})
	for protocol, call := range protocolCalls(inMemory(s)) {
		t.Run(protocol, func(t *testing.T) {
			var response *awshttp.ResponseError
			if err := call(t.Context()); !errors.As(err, &response) || response.ServiceRequestID() == "" {
				t.Errorf("no request id in %v", err)
			}
			if date := response.HTTPResponse().Header.Get("Date"); date != "Fri, 02 Jan 2026 03:04:05 GMT" {
				t.Errorf("date is %q", date)
			}
		})
	}
	me, err := sts.NewFromConfig(inMemory(s)).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := awsmiddleware.GetRequestIDMetadata(me.ResultMetadata); !ok || len(id) != len("00000000-0000-4000-8000-000000000000") {
		t.Errorf("request id is %q", id)
	}
}

func TestMistakenRegistrationIsReported(t *testing.T) {
	s := newServer(t)
	Handle(s, func(Call[*iam.ListUsersInput]) (*iam.ListUsersOutput, error) { return nil, nil })
	Handle(s, func(Call[*kms.ListKeysInput]) (*kms.DescribeKeyOutput, error) { return nil, nil })
	err := s.Err()
	if err == nil || !strings.Contains(err.Error(), "iam ListUsers: no reader calls it") || !strings.Contains(err.Error(), "not an operation's input and output") {
		t.Errorf("got %v", err)
	}
}

// policyServer answers one bucket's policy and the account's identity, on a socket.
func policyServer(t *testing.T) (*httptest.Server, *http.Request) {
	t.Helper()
	s := newServer(t)
	Handle(s, func(c Call[*s3.GetBucketPolicyInput]) (*s3.GetBucketPolicyOutput, error) {
		return &s3.GetBucketPolicyOutput{Policy: sdk.String(`{"of":"` + *c.Input.Bucket + `"}`)}, nil
	})
	Handle(s, func(c Call[*s3control.GetAccessPointInput]) (*s3control.GetAccessPointOutput, error) {
		return &s3control.GetAccessPointOutput{Name: c.Input.Name, BucketAccountId: c.Input.AccountId}, nil
	})
	last := new(http.Request)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*last = *r
		s.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server, last
}

func TestClientsReachTheServerUnderRealHostNames(t *testing.T) {
	server, last := policyServer(t)
	c := Config(testAccount, testRegion, DialClient(server.Listener.Addr().String()))
	policy, err := s3.NewFromConfig(c).GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: sdk.String("logs")})
	if err != nil {
		t.Fatal(err)
	}
	if *policy.Policy != `{"of":"logs"}` || last.Host != "logs.s3.eu-central-1.amazonaws.com" {
		t.Errorf("policy %s from %s", *policy.Policy, last.Host)
	}
	point, err := s3control.NewFromConfig(c).GetAccessPoint(t.Context(), &s3control.GetAccessPointInput{AccountId: sdk.String(testAccount), Name: sdk.String("entry")})
	if err != nil {
		t.Fatal(err)
	}
	if *point.Name != "entry" || *point.BucketAccountId != testAccount || last.Host != "111122223333.s3-control.eu-central-1.amazonaws.com" {
		t.Errorf("access point %s of %s from %s", *point.Name, *point.BucketAccountId, last.Host)
	}
}

func TestEndpointVariableSuffices(t *testing.T) {
	server, last := policyServer(t)
	keys := Credentials(testAccount)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": server.URL, "AWS_REGION": testRegion, "AWS_ACCESS_KEY_ID": keys.AccessKeyID, "AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey,
		"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
	c, err := config.LoadDefaultConfig(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	me, err := sts.NewFromConfig(c).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if *me.Account != testAccount {
		t.Errorf("account %s", *me.Account)
	}
	policy, err := s3.NewFromConfig(c).GetBucketPolicy(t.Context(), &s3.GetBucketPolicyInput{Bucket: sdk.String("logs")})
	if err != nil {
		t.Fatal(err)
	}
	if *policy.Policy != `{"of":"logs"}` || last.URL.Path != "/logs" {
		t.Errorf("policy %s at %s", *policy.Policy, last.URL.Path)
	}
}
