package logfilter

import (
	"slices"
)

// Sample accounts, times and addresses are invented; the shape is that of CloudTrail's record, version 1.08.
const sampleAccount = "111122223333"

// SampleMatches returns the sorted keys of the built-in sample events which the pattern matches. An error is a
// *SyntaxError: the pattern could not be read, and nothing is known about what it matches.
func SampleMatches(pattern string) ([]string, error) {
	p, err := Parse(pattern)
	if err != nil {
		return nil, err
	}
	var keys []string
	for key, event := range Samples() {
		if p.Matches(event) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys, nil
}

// Samples returns the built-in CloudTrail events by key: one per event name that the monitoring rules ask for ("CreateVpc"),
// the two policy events of Organizations whose names IAM uses too ("CreatePolicy.organizations"), and error.AccessDenied,
// error.UnauthorizedOperation, signin.no_mfa, signin.failure and root.activity. Each call builds them anew.
func Samples() map[string]map[string]any {
	samples := map[string]map[string]any{}
	for source, names := range sampleCalls() {
		for _, name := range names {
			samples[name] = call(source, name)
		}
	}
	for _, name := range []string{"CreatePolicy", "DeletePolicy"} {
		samples[name+".organizations"] = call("organizations.amazonaws.com", name)
	}

	denied := call("iam.amazonaws.com", "ListUsers")
	denied["errorCode"], denied["errorMessage"] = "AccessDenied", "User is not authorized to perform: iam:ListUsers"
	samples["error.AccessDenied"] = denied

	unauthorized := call("ec2.amazonaws.com", "RunInstances")
	unauthorized["errorCode"] = "Client.UnauthorizedOperation"
	unauthorized["errorMessage"] = "You are not authorized to perform this operation."
	samples["error.UnauthorizedOperation"] = unauthorized

	samples["signin.no_mfa"] = signIn("Success")
	failure := signIn("Failure")
	failure["errorMessage"] = "Failed authentication"
	samples["signin.failure"] = failure

	root := call("iam.amazonaws.com", "GetAccountSummary")
	root["userIdentity"] = map[string]any{"type": "Root", "principalId": sampleAccount, "accountId": sampleAccount,
		"arn": "arn:aws:iam::" + sampleAccount + ":root", "accessKeyId": "ASIAEXAMPLE"}
	samples["root.activity"] = root
	return samples
}

// sampleCalls lists event names by the service that records them.
func sampleCalls() map[string][]string {
	return map[string][]string{
		"iam.amazonaws.com": {"AttachGroupPolicy", "AttachRolePolicy", "AttachUserPolicy", "CreatePolicy", "CreatePolicyVersion",
			"DeleteGroupPolicy", "DeletePolicy", "DeletePolicyVersion", "DeleteRolePolicy", "DeleteUserPolicy",
			"DetachGroupPolicy", "DetachRolePolicy", "DetachUserPolicy", "PutGroupPolicy", "PutRolePolicy", "PutUserPolicy"},
		"cloudtrail.amazonaws.com": {"CreateTrail", "DeleteTrail", "StartLogging", "StopLogging", "UpdateTrail"},
		"kms.amazonaws.com":        {"DisableKey", "ScheduleKeyDeletion"},
		"s3.amazonaws.com": {"DeleteBucketCors", "DeleteBucketLifecycle", "DeleteBucketPolicy", "DeleteBucketReplication",
			"PutBucketAcl", "PutBucketCors", "PutBucketLifecycle", "PutBucketPolicy", "PutBucketReplication"},
		"config.amazonaws.com": {"DeleteDeliveryChannel", "PutConfigurationRecorder", "PutDeliveryChannel",
			"StopConfigurationRecorder"},
		"ec2.amazonaws.com": {"AcceptVpcPeeringConnection", "AttachInternetGateway", "AuthorizeSecurityGroupEgress",
			"AuthorizeSecurityGroupIngress", "CreateCustomerGateway", "CreateInternetGateway", "CreateNetworkAcl",
			"CreateNetworkAclEntry", "CreateRoute", "CreateRouteTable", "CreateSecurityGroup", "CreateVpc",
			"CreateVpcPeeringConnection", "DeleteCustomerGateway", "DeleteInternetGateway", "DeleteNetworkAcl",
			"DeleteNetworkAclEntry", "DeleteRoute", "DeleteRouteTable", "DeleteSecurityGroup", "DeleteVpc",
			"DeleteVpcPeeringConnection", "DetachInternetGateway", "DisassociateRouteTable", "ModifyVpcAttribute",
			"RejectVpcPeeringConnection", "ReplaceNetworkAclAssociation", "ReplaceNetworkAclEntry", "ReplaceRoute",
			"ReplaceRouteTableAssociation", "RevokeSecurityGroupEgress", "RevokeSecurityGroupIngress"},
		"organizations.amazonaws.com": {"AcceptHandshake", "AttachPolicy", "CreateAccount", "CreateOrganizationalUnit",
			"DeleteOrganization", "DeleteOrganizationalUnit", "DetachPolicy", "DisablePolicyType", "EnablePolicyType",
			"InviteAccountToOrganization", "LeaveOrganization", "MoveAccount", "RemoveAccountFromOrganization",
			"UpdateOrganizationalUnit", "UpdatePolicy"},
	}
}

// call returns the event of an API call that an administrator's session made.
func call(source, name string) map[string]any {
	region := "eu-west-1"
	if source == "iam.amazonaws.com" || source == "organizations.amazonaws.com" {
		region = "us-east-1"
	}
	return map[string]any{
		"eventVersion": "1.08",
		"userIdentity": map[string]any{
			"type": "AssumedRole", "principalId": "AROAEXAMPLE:alex", "accountId": sampleAccount, "accessKeyId": "ASIAEXAMPLE",
			"arn": "arn:aws:sts::" + sampleAccount + ":assumed-role/admin/alex",
			"sessionContext": map[string]any{
				"sessionIssuer": map[string]any{"type": "Role", "principalId": "AROAEXAMPLE", "userName": "admin",
					"accountId": sampleAccount, "arn": "arn:aws:iam::" + sampleAccount + ":role/admin"},
				"attributes": map[string]any{"creationDate": "2025-03-04T09:12:00Z", "mfaAuthenticated": "true"},
			},
		},
		"eventTime": "2025-03-04T09:30:00Z", "eventSource": source, "eventName": name, "awsRegion": region,
		"sourceIPAddress": "192.0.2.10", "userAgent": "aws-cli/2.15.0", "requestParameters": nil, "responseElements": nil,
		"requestID": "5f0c1d3e-0000-4000-8000-000000000001", "eventID": "5f0c1d3e-0000-4000-8000-000000000002",
		"readOnly": false, "eventType": "AwsApiCall", "managementEvent": true, "recipientAccountId": sampleAccount,
		"eventCategory": "Management",
	}
}

// signIn returns the event of a user's sign-in to the console with a password alone.
func signIn(outcome string) map[string]any {
	event := call("signin.amazonaws.com", "ConsoleLogin")
	event["eventType"], event["awsRegion"] = "AwsConsoleSignIn", "us-east-1"
	event["userAgent"] = "Mozilla/5.0"
	event["userIdentity"] = map[string]any{"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": sampleAccount,
		"arn": "arn:aws:iam::" + sampleAccount + ":user/sam", "userName": "sam"}
	event["responseElements"] = map[string]any{"ConsoleLogin": outcome}
	event["additionalEventData"] = map[string]any{"LoginTo": "https://console.aws.amazon.com/", "MobileVersion": "No",
		"MFAUsed": "No"}
	return event
}
