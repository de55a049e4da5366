package aws

import (
	"context"
	"fmt"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/internal/declared"
	"reflect"
	"slices"
	"testing"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	elbtypes "github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/google/go-cmp/cmp"
)

// names returns n names with a prefix: k0, k1 …
func names(prefix string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(prefix, i)
	}
	return list
}

func mapped[T any](list []string, make func(string) T) []T {
	var out []T
	for _, name := range list {
		out = append(out, make(name))
	}
	return out
}

// pager is what the SDK's paginators have in common.
type pager[O, P any] interface {
	HasMorePages() bool
	NextPage(context.Context, ...func(*P)) (*O, error)
}

// pages collects the names on each page.
func pages[O, P any](t *testing.T, p pager[O, P], read func(*O) []string) [][]string {
	t.Helper()
	var all [][]string
	for p.HasMorePages() {
		page, err := p.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, read(page))
		if len(all) > 20 {
			t.Fatal("the pages do not end")
		}
	}
	return all
}

// pageServer holds five things in each service.
func pageServer(t *testing.T) *Server {
	s := newServer(t)
	Handle(s, func(Call[*kms.ListKeysInput]) (*kms.ListKeysOutput, error) {
		return &kms.ListKeysOutput{Keys: mapped(names("k", 5), func(n string) kmstypes.KeyListEntry { return kmstypes.KeyListEntry{KeyId: &n} })}, nil
	})
	Handle(s, func(Call[*ec2.DescribeVpcsInput]) (*ec2.DescribeVpcsOutput, error) {
		return &ec2.DescribeVpcsOutput{Vpcs: mapped(names("v", 5), func(n string) ec2types.Vpc { return ec2types.Vpc{VpcId: &n} })}, nil
	})
	Handle(s, func(Call[*s3.ListBucketsInput]) (*s3.ListBucketsOutput, error) {
		return &s3.ListBucketsOutput{Buckets: mapped(names("b", 5), func(n string) s3types.Bucket { return s3types.Bucket{Name: &n} })}, nil
	})
	Handle(s, func(Call[*guardduty.ListDetectorsInput]) (*guardduty.ListDetectorsOutput, error) {
		return &guardduty.ListDetectorsOutput{DetectorIds: names("d", 5)}, nil
	})
	Handle(s, func(Call[*elasticloadbalancingv2.DescribeRulesInput]) (*elasticloadbalancingv2.DescribeRulesOutput, error) {
		return &elasticloadbalancingv2.DescribeRulesOutput{Rules: mapped(names("r", 5), func(n string) elbtypes.Rule { return elbtypes.Rule{RuleArn: &n} })}, nil
	})
	Handle(s, func(Call[*iam.GetAccountAuthorizationDetailsInput]) (*iam.GetAccountAuthorizationDetailsOutput, error) {
		return &iam.GetAccountAuthorizationDetailsOutput{
			UserDetailList: mapped(names("u", 3), func(n string) iamtypes.UserDetail { return iamtypes.UserDetail{UserName: &n} }),
			RoleDetailList: mapped(names("r", 2), func(n string) iamtypes.RoleDetail { return iamtypes.RoleDetail{RoleName: &n} }),
		}, nil
	})
	Handle(s, func(Call[*cloudwatch.DescribeAlarmsInput]) (*cloudwatch.DescribeAlarmsOutput, error) {
		return &cloudwatch.DescribeAlarmsOutput{
			MetricAlarms: mapped(names("m", 4), func(n string) cwtypes.MetricAlarm { return cwtypes.MetricAlarm{AlarmName: &n} }),
		}, nil
	})
	return s
}

func TestPages(t *testing.T) {
	c := inMemory(pageServer(t))
	for name, test := range map[string]struct {
		got  func() [][]string
		want [][]string
	}{
		"json": {func() [][]string {
			return pages(t, kms.NewListKeysPaginator(kms.NewFromConfig(c), nil), func(o *kms.ListKeysOutput) []string {
				return mappedNames(o.Keys, func(k kmstypes.KeyListEntry) *string { return k.KeyId })
			})
		}, [][]string{{"k0", "k1"}, {"k2", "k3"}, {"k4"}}},
		"ec2": {func() [][]string {
			return pages(t, ec2.NewDescribeVpcsPaginator(ec2.NewFromConfig(c), nil), func(o *ec2.DescribeVpcsOutput) []string {
				return mappedNames(o.Vpcs, func(v ec2types.Vpc) *string { return v.VpcId })
			})
		}, [][]string{{"v0", "v1"}, {"v2", "v3"}, {"v4"}}},
		"rest-xml, with tokens in the query": {func() [][]string {
			return pages(t, s3.NewListBucketsPaginator(s3.NewFromConfig(c), nil), func(o *s3.ListBucketsOutput) []string {
				return mappedNames(o.Buckets, func(b s3types.Bucket) *string { return b.Name })
			})
		}, [][]string{{"b0", "b1"}, {"b2", "b3"}, {"b4"}}},
		"a limit below the page size": {func() [][]string {
			return pages(t, guardduty.NewListDetectorsPaginator(guardduty.NewFromConfig(c), &guardduty.ListDetectorsInput{MaxResults: sdk.Int32(1)}),
				func(o *guardduty.ListDetectorsOutput) []string { return o.DetectorIds })
		}, [][]string{{"d0"}, {"d1"}, {"d2"}, {"d3"}, {"d4"}}},
		"a limit above the page size": {func() [][]string {
			return pages(t, guardduty.NewListDetectorsPaginator(guardduty.NewFromConfig(c), &guardduty.ListDetectorsInput{MaxResults: sdk.Int32(50)}),
				func(o *guardduty.ListDetectorsOutput) []string { return o.DetectorIds })
		}, [][]string{{"d0", "d1"}, {"d2", "d3"}, {"d4"}}},
		"query, which the model does not call paged": {func() [][]string {
			return pages(t, elasticloadbalancingv2.NewDescribeRulesPaginator(elasticloadbalancingv2.NewFromConfig(c), nil), func(o *elasticloadbalancingv2.DescribeRulesOutput) []string {
				return mappedNames(o.Rules, func(r elbtypes.Rule) *string { return r.RuleArn })
			})
		}, [][]string{{"r0", "r1"}, {"r2", "r3"}, {"r4"}}},
		"query, several lists and IsTruncated": {func() [][]string {
			return pages(t, iam.NewGetAccountAuthorizationDetailsPaginator(iam.NewFromConfig(c), nil), func(o *iam.GetAccountAuthorizationDetailsOutput) []string {
				return append(mappedNames(o.UserDetailList, func(u iamtypes.UserDetail) *string { return u.UserName }),
					mappedNames(o.RoleDetailList, func(r iamtypes.RoleDetail) *string { return r.RoleName })...)
			})
		}, [][]string{{"u0", "u1"}, {"u2", "r0"}, {"r1"}}},
		"cbor, and no page after a full last one": {func() [][]string {
			return pages(t, cloudwatch.NewDescribeAlarmsPaginator(cloudwatch.NewFromConfig(c), nil), func(o *cloudwatch.DescribeAlarmsOutput) []string {
				return mappedNames(o.MetricAlarms, func(m cwtypes.MetricAlarm) *string { return m.AlarmName })
			})
		}, [][]string{{"m0", "m1"}, {"m2", "m3"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, test.got()); diff != "" {
				t.Errorf("pages differ (-want +got):\n%s", diff)
			}
		})
	}
}

func mappedNames[T any](list []T, name func(T) *string) []string {
	var out []string
	for _, item := range list {
		out = append(out, *name(item))
	}
	return out
}

func TestTokenIsGoodForItsOperationOnly(t *testing.T) {
	c := inMemory(pageServer(t))
	list, err := guardduty.NewFromConfig(c).ListDetectors(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = kms.NewFromConfig(c).ListKeys(t.Context(), &kms.ListKeysInput{Marker: list.NextToken})
	if code, _ := apiError(t, err); code != "InvalidMarkerException" {
		t.Errorf("code is %s", code)
	}
}

// An operation whose output has a token is cut into pages: the tables name where.
func TestEveryPagedOperationIsCut(t *testing.T) {
	s := newServer(t)
	for service, names := range declared.Operations() {
		for _, name := range names {
			if service == "guardduty" && name == "GetFindingsStatistics" {
				continue // its statistics lie one level deeper, and without groupBy there are no pages
			}
			output := reflect.ValueOf(client(service, inMemory(s))).MethodByName(name).Type().Out(0).Elem()
			for _, token := range []string{"NextToken", "NextMarker", "Marker", "ContinuationToken"} {
				if _, has := output.FieldByName(token); has && s.models[service].Operations[name].Paging == nil {
					t.Errorf("%s %s has a %s and no paging", service, name, token)
				}
			}
		}
	}
}

func TestHandlerMayHandOutTheSameListAgain(t *testing.T) {
	s := newServer(t)
	all := &guardduty.ListDetectorsOutput{DetectorIds: names("d", 5)}
	Handle(s, func(Call[*guardduty.ListDetectorsInput]) (*guardduty.ListDetectorsOutput, error) { return all, nil })
	api := guardduty.NewFromConfig(inMemory(s))
	got := pages(t, guardduty.NewListDetectorsPaginator(api, nil), func(o *guardduty.ListDetectorsOutput) []string { return o.DetectorIds })
	if diff := cmp.Diff([][]string{{"d0", "d1"}, {"d2", "d3"}, {"d4"}}, got); diff != "" {
		t.Errorf("pages differ (-want +got):\n%s", diff)
	}
}

func TestTruncationIsFlagged(t *testing.T) {
	api := kms.NewFromConfig(inMemory(pageServer(t)))
	var got []bool
	input := new(kms.ListKeysInput)
	for range 3 {
		page, err := api.ListKeys(t.Context(), input)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, page.Truncated)
		input.Marker = page.NextMarker
	}
	if diff := cmp.Diff([]bool{true, true, false}, got); diff != "" {
		t.Errorf("flags differ (-want +got):\n%s", diff)
	}
}

func TestHandlerMayCutItsOwnPages(t *testing.T) {
	s := newServer(t)
	Handle(s, func(c Call[*kms.ListKeysInput]) (*kms.ListKeysOutput, error) {
		return &kms.ListKeysOutput{
			Keys:       slices.Repeat([]kmstypes.KeyListEntry{{KeyId: sdk.String("k")}}, 5),
			NextMarker: sdk.String("mine"), Truncated: true,
		}, nil
	})
	page, err := kms.NewFromConfig(inMemory(s)).ListKeys(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(page.Keys) != 5 || *page.NextMarker != "mine" {
		t.Errorf("%d keys, next %s", len(page.Keys), *page.NextMarker)
	}
}
