package aws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3control"
	s3controltypes "github.com/aws/aws-sdk-go-v2/service/s3control/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// healthy answers one call per protocol with something in the body.
func healthy(s *Server) {
	Handle(s, func(Call[*iam.GetAccountSummaryInput]) (*iam.GetAccountSummaryOutput, error) {
		return &iam.GetAccountSummaryOutput{SummaryMap: map[string]int32{"Users": 3}}, nil
	})
	Handle(s, func(Call[*ec2.DescribeVpcsInput]) (*ec2.DescribeVpcsOutput, error) {
		return &ec2.DescribeVpcsOutput{}, nil
	})
	Handle(s, func(Call[*s3.GetBucketPolicyInput]) (*s3.GetBucketPolicyOutput, error) {
		return &s3.GetBucketPolicyOutput{Policy: sdk.String("{}")}, nil
	})
	Handle(s, func(Call[*s3control.GetPublicAccessBlockInput]) (*s3control.GetPublicAccessBlockOutput, error) {
		return &s3control.GetPublicAccessBlockOutput{PublicAccessBlockConfiguration: &s3controltypes.PublicAccessBlockConfiguration{}}, nil
	})
	Handle(s, func(Call[*guardduty.ListDetectorsInput]) (*guardduty.ListDetectorsOutput, error) {
		return &guardduty.ListDetectorsOutput{DetectorIds: []string{"d"}}, nil
	})
	Handle(s, func(Call[*kms.DescribeKeyInput]) (*kms.DescribeKeyOutput, error) {
		return &kms.DescribeKeyOutput{KeyMetadata: &kmstypes.KeyMetadata{KeyId: sdk.String("key")}}, nil
	})
	Handle(s, func(Call[*cloudwatch.DescribeAlarmsInput]) (*cloudwatch.DescribeAlarmsOutput, error) {
		return &cloudwatch.DescribeAlarmsOutput{}, nil
	})
}

func TestInjectedErrorsHaveTheServicesCodes(t *testing.T) {
	type codes struct {
		denied, throttled, expired, internal, unavailable, gone string
	}
	want := map[string]codes{
		"query":     {"AccessDenied 403", "Throttling 400", "ExpiredToken 403", "ServiceFailure 500", "ServiceUnavailable 503", "ResourceNotFound 404"},
		"ec2":       {"UnauthorizedOperation 403", "RequestLimitExceeded 503", "RequestExpired 400", "InternalError 500", "Unavailable 503", "InvalidVpcID.NotFound 400"},
		"s3":        {"AccessDenied 403", "SlowDown 503", "ExpiredToken 400", "InternalError 500", "ServiceUnavailable 503", "NoSuchBucket 404"},
		"s3control": {"AccessDenied 403", "SlowDown 503", "ExpiredToken 400", "InternalError 500", "ServiceUnavailable 503", "NoSuchPublicAccessBlockConfiguration 404"},
		"rest-json": {"AccessDeniedException 403", "TooManyRequestsException 429", "ExpiredTokenException 403", "InternalServerErrorException 500", "ServiceUnavailable 503", "ResourceNotFoundException 404"},
		"json":      {"AccessDeniedException 400", "ThrottlingException 400", "ExpiredTokenException 400", "KMSInternalException 500", "ServiceUnavailable 503", "NotFoundException 400"},
		"cbor":      {"AccessDenied 403", "Throttling 400", "ExpiredToken 403", "InternalFailure 500", "ServiceUnavailable 503", "ResourceNotFound 404"},
	}
	s := newServer(t)
	healthy(s)
	code := func(protocol string, rule fault.Rule) string {
		call := protocolCalls(inMemory((&fault.Injector{Rules: []fault.Rule{rule}}).Wrap(s)))[protocol]
		code, status := apiError(t, call(t.Context()))
		return fmt.Sprint(code, " ", status)
	}
	for protocol := range protocolCalls(sdk.Config{}) {
		t.Run(protocol, func(t *testing.T) {
			got := codes{
				denied:      code(protocol, fault.Rule{Kind: fault.Denied}),
				throttled:   code(protocol, fault.Rule{Kind: fault.Throttled}),
				expired:     code(protocol, fault.Rule{Kind: fault.ExpiredToken}),
				internal:    code(protocol, fault.Rule{Kind: fault.ServerError}),
				unavailable: code(protocol, fault.Rule{Kind: fault.ServerError, Status: 503}),
				gone:        code(protocol, fault.Rule{Kind: fault.Gone}),
			}
			if diff := cmp.Diff(want[protocol], got, cmp.AllowUnexported(codes{})); diff != "" {
				t.Errorf("codes differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBrokenBodiesAreErrors(t *testing.T) {
	s := newServer(t)
	healthy(s)
	transports := map[string]func(*testing.T, http.Handler) sdk.HTTPClient{
		"in memory": func(_ *testing.T, h http.Handler) sdk.HTTPClient { return &http.Client{Transport: fault.InMemory(h)} },
		"on a socket": func(t *testing.T, h http.Handler) sdk.HTTPClient {
			server := httptest.NewServer(h)
			t.Cleanup(server.Close)
			return DialClient(server.Listener.Addr().String())
		},
	}
	for where, transport := range transports {
		for protocol := range protocolCalls(sdk.Config{}) {
			t.Run(where+" "+protocol, func(t *testing.T) {
				call := func(kind fault.Kind) error {
					h := (&fault.Injector{Rules: []fault.Rule{{Kind: kind}}}).Wrap(s)
					return protocolCalls(Config(testAccount, testRegion, transport(t, h), noRetry))[protocol](t.Context())
				}
				if err := call(fault.CutBody); !errors.Is(err, io.ErrUnexpectedEOF) && !strings.Contains(err.Error(), "unexpected EOF") {
					t.Errorf("a cut body gave %v", err)
				}
				err := call(fault.GarbledBody)
				var bad *smithy.DeserializationError
				if protocol == "s3" && err == nil { // a policy is any text: only its reader can tell
					return
				}
				if !errors.As(err, &bad) {
					t.Errorf("a garbled body gave %v", err)
				}
			})
		}
	}
}

func TestThrottledOnceSucceedsOnRetry(t *testing.T) {
	for protocol := range protocolCalls(sdk.Config{}) {
		t.Run(protocol, func(t *testing.T) {
			s := newServer(t)
			healthy(s)
			injector := &fault.Injector{Rules: []fault.Rule{{Kind: fault.Throttled, Nth: 1}}}
			c := inMemory(injector.Wrap(s))
			c.Retryer = func() sdk.Retryer {
				return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = time.Nanosecond })
			}
			if err := protocolCalls(c)[protocol](t.Context()); err != nil {
				t.Fatal(err)
			}
			var kinds []fault.Kind
			for _, entry := range injector.Log() {
				kinds = append(kinds, entry.Injected)
			}
			if diff := cmp.Diff([]fault.Kind{fault.Throttled, ""}, kinds); diff != "" {
				t.Errorf("log differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRepeatedTokenNeverEnds(t *testing.T) {
	injector := &fault.Injector{Rules: []fault.Rule{{Kind: fault.RepeatedToken, Nth: 2}}}
	api := kms.NewFromConfig(inMemory(injector.Wrap(pageServer(t))))
	first, err := api.ListKeys(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	second, err := api.ListKeys(t.Context(), &kms.ListKeysInput{Marker: first.NextMarker})
	if err != nil {
		t.Fatal(err)
	}
	if *second.NextMarker != *first.NextMarker || *second.Keys[0].KeyId != "k2" {
		t.Errorf("second page starts with %s, next %s after %s", *second.Keys[0].KeyId, *second.NextMarker, *first.NextMarker)
	}
	if log := injector.Log(); log[0].Injected != "" || log[1].Injected != fault.RepeatedToken {
		t.Errorf("log is %v", log)
	}
}

func TestMissingPageFailsTheLastPageOnly(t *testing.T) {
	injector := &fault.Injector{Rules: []fault.Rule{{Kind: fault.MissingPage}}}
	list := kms.NewListKeysPaginator(kms.NewFromConfig(inMemory(injector.Wrap(pageServer(t)))), nil)
	for range 2 {
		if _, err := list.NextPage(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := list.NextPage(t.Context())
	if code, _ := apiError(t, err); code != "InvalidMarkerException" {
		t.Errorf("code is %s", code)
	}
	if log := injector.Log(); log[1].Injected != "" || log[2].Injected != fault.MissingPage {
		t.Errorf("log is %v", log)
	}
}

func TestMissingPageLeavesASinglePageAlone(t *testing.T) {
	s := newServer(t)
	healthy(s)
	injector := &fault.Injector{Rules: []fault.Rule{{Kind: fault.MissingPage}}}
	if err := protocolCalls(inMemory(injector.Wrap(s)))["rest-json"](t.Context()); err != nil {
		t.Fatal(err)
	}
	if log := injector.Log(); log[0].Injected != "" {
		t.Errorf("log is %v", log)
	}
}

func TestSlowCallEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	healthy(s)
	injector := &fault.Injector{Rules: []fault.Rule{{Kind: fault.Slow, Delay: time.Hour}}}
	ctx, cancel := context.WithCancel(t.Context())
	injector.Wait = func(ctx context.Context, _ time.Duration) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	err := protocolCalls(inMemory(injector.Wrap(s)))["json"](ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestLogNamesTheCall(t *testing.T) {
	s := newServer(t)
	healthy(s)
	injector := new(fault.Injector)
	calls := protocolCalls(inMemory(injector.Wrap(s)))
	for _, protocol := range []string{"json", "s3", "json"} {
		if err := calls[protocol](t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	key := fault.Call{Cloud: "aws", Account: testAccount, Region: testRegion, Service: "kms", Operation: "DescribeKey"}
	policy := fault.Call{Cloud: "aws", Account: testAccount, Region: testRegion, Service: "s3", Operation: "GetBucketPolicy"}
	want := []fault.Entry{{Call: key, N: 1}, {Call: policy, N: 1}, {Call: key, N: 2}}
	if diff := cmp.Diff(want, injector.Log()); diff != "" {
		t.Errorf("log differs (-want +got):\n%s", diff)
	}
}

// One case of the fault matrix: a new client, one denied call.
func BenchmarkFaultCase(b *testing.B) {
	s, err := New(Options{Now: testTime})
	if err != nil {
		b.Fatal(err)
	}
	healthy(s)
	for b.Loop() {
		h := (&fault.Injector{Rules: []fault.Rule{{Kind: fault.Denied}}}).Wrap(s)
		if err := protocolCalls(inMemory(h))["ec2"](context.Background()); err == nil {
			b.Fatal("the call was not denied")
		}
	}
}
