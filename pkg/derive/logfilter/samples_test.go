package logfilter

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// named returns a pattern for the event names, each in the spelling given: bare, quoted, in parentheses or without.
func named(format string, names ...string) string {
	var parts []string
	for _, n := range names {
		parts = append(parts, strings.ReplaceAll(format, "NAME", n))
	}
	return strings.Join(parts, " || ")
}

// The fifteen monitoring items of the CIS AWS Foundations Benchmark, and the samples each must match.
func TestMonitoringPatterns(t *testing.T) {
	const bare, quoted = `($.eventName=NAME)`, `$.eventName = "NAME"`
	policies := []string{"AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy", "CreatePolicy", "CreatePolicyVersion",
		"DeleteGroupPolicy", "DeletePolicy", "DeletePolicyVersion", "DeleteRolePolicy", "DeleteUserPolicy", "DetachGroupPolicy",
		"DetachRolePolicy", "DetachUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"}
	trails := []string{"CreateTrail", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"}
	keys := []string{"DisableKey", "ScheduleKeyDeletion"}
	buckets := []string{"DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketPolicy", "DeleteBucketReplication", "PutBucketAcl",
		"PutBucketCors", "PutBucketLifecycle", "PutBucketPolicy", "PutBucketReplication"}
	config := []string{"DeleteDeliveryChannel", "PutConfigurationRecorder", "PutDeliveryChannel", "StopConfigurationRecorder"}
	groups := []string{"AuthorizeSecurityGroupEgress", "AuthorizeSecurityGroupIngress", "CreateSecurityGroup", "DeleteSecurityGroup",
		"RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"}
	acls := []string{"CreateNetworkAcl", "CreateNetworkAclEntry", "DeleteNetworkAcl", "DeleteNetworkAclEntry",
		"ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry"}
	gateways := []string{"AttachInternetGateway", "CreateCustomerGateway", "CreateInternetGateway", "DeleteCustomerGateway",
		"DeleteInternetGateway", "DetachInternetGateway"}
	routes := []string{"CreateRoute", "CreateRouteTable", "DeleteRoute", "DeleteRouteTable", "DisassociateRouteTable", "ReplaceRoute",
		"ReplaceRouteTableAssociation"}
	networks := []string{"AcceptVpcPeeringConnection", "CreateVpc", "CreateVpcPeeringConnection", "DeleteVpc",
		"DeleteVpcPeeringConnection", "ModifyVpcAttribute", "RejectVpcPeeringConnection"}
	organization := []string{"AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit",
		"CreatePolicy.organizations", "DeleteOrganization", "DeleteOrganizationalUnit", "DeletePolicy.organizations", "DetachPolicy",
		"DisablePolicyType", "EnablePolicyType", "InviteAccountToOrganization", "LeaveOrganization", "MoveAccount",
		"RemoveAccountFromOrganization", "UpdateOrganizationalUnit", "UpdatePolicy"}
	organizationNames := strings.Split(strings.ReplaceAll(strings.Join(organization, " "), ".organizations", ""), " ")

	for name, test := range map[string]struct {
		pattern string
		want    []string
	}{
		"unauthorized calls": {`{ ($.errorCode = "*UnauthorizedOperation") || ($.errorCode = "AccessDenied*") }`,
			[]string{"error.AccessDenied", "error.UnauthorizedOperation"}},
		"unauthorized calls, noise left out": {`{ ($.errorCode="*UnauthorizedOperation" || $.errorCode="AccessDenied*") && ($.sourceIPAddress!="delivery.logs.amazonaws.com") && ($.eventName!="HeadBucket") }`,
			[]string{"error.AccessDenied", "error.UnauthorizedOperation"}},
		"sign-in without MFA": {`{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`,
			[]string{"signin.failure", "signin.no_mfa"}},
		"successful sign-in without MFA": {`{ ($.eventName = ConsoleLogin) && ($.additionalEventData.MFAUsed != Yes) && ($.userIdentity.type = "IAMUser") && ($.responseElements.ConsoleLogin = "Success") }`,
			[]string{"signin.no_mfa"}},
		"root": {`{ $.userIdentity.type = "Root" && $.userIdentity.invokedBy NOT EXISTS && $.eventType != "AwsServiceEvent" }`,
			[]string{"root.activity"}},
		"IAM policies": {`{ ($.eventSource = iam.amazonaws.com) && (` + named(bare, policies...) + `) }`, policies},
		"IAM policies, whatever the service": {`{` + named(bare, policies...) + `}`,
			append(slices.Clone(policies), "CreatePolicy.organizations", "DeletePolicy.organizations")},
		"trails":                 {`{ ` + named(bare, trails...) + ` }`, trails},
		"sign-in failures":       {`{ ($.eventName = ConsoleLogin) && ($.errorMessage = "Failed authentication") }`, []string{"signin.failure"}},
		"keys":                   {`{($.eventSource = kms.amazonaws.com) && (($.eventName=DisableKey)||($.eventName=ScheduleKeyDeletion)) }`, keys},
		"bucket policies":        {`{ ($.eventSource = s3.amazonaws.com) && (` + named(bare, buckets...) + `) }`, buckets},
		"Config":                 {`{ ($.eventSource = "config.amazonaws.com") && (` + named(quoted, config...) + `) }`, config},
		"security groups":        {`{ ` + named(bare, groups...) + ` }`, groups},
		"network ACLs":           {`{ ` + named(quoted, acls...) + ` }`, acls},
		"gateways":               {`{ ` + named(bare, gateways...) + ` }`, gateways},
		"routes":                 {`{ ($.eventSource = ec2.amazonaws.com) && (` + named(bare, routes...) + `) }`, routes},
		"networks":               {`{ ` + named(bare, networks...) + ` }`, networks},
		"organization":           {`{ ($.eventSource = organizations.amazonaws.com) && (` + named(quoted, organizationNames...) + `) }`, organization},
		"one event name missing": {`{ ` + named(bare, trails[1:]...) + ` }`, trails[1:]},
		"parentheses left out, so that the service limits the first name only": {`{ $.eventSource = x.amazonaws.com && ` + named(quoted, keys...) + ` }`, keys[1:]},
		"no event": {`{ $.eventName = "NoSuchEvent" }`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := SampleMatches(test.pattern)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(test.want)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("matches differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSampleMatchesOfAnUnreadablePattern(t *testing.T) {
	if got, err := SampleMatches(`{ $.eventName == "DeleteTrail" }`); err == nil {
		t.Errorf("matches %v", got)
	}
}

func TestSamples(t *testing.T) {
	samples := Samples()
	if len(samples) != 90 {
		t.Errorf("%d samples", len(samples))
	}
	for key, event := range samples {
		for _, field := range []string{"eventName", "eventSource", "eventType", "sourceIPAddress", "userIdentity", "recipientAccountId"} {
			if event[field] == nil {
				t.Errorf("%s lacks %s", key, field)
			}
		}
		text, err := json.Marshal(event)
		if err != nil {
			t.Fatal(err)
		}
		name, _, _ := strings.Cut(key, ".")
		if p, err := Parse(`{ $.eventName = "` + name + `" }`); err != nil || p.Matches(text) != (event["eventName"] == name) {
			t.Errorf("%s is not named so: %v, %v", key, event["eventName"], err)
		}
	}
	samples["CreateVpc"]["eventName"] = "changed"
	if Samples()["CreateVpc"]["eventName"] != "CreateVpc" {
		t.Error("a caller's change shows in the samples of the next")
	}
}
