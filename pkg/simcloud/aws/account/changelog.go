package account

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// changelogService is CloudTrail's event history.
var changelogService = service{
	handle: func(s *aws.Server, w *states) {
		aws.Handle(s, func(c aws.Call[*cloudtrail.LookupEventsInput]) (*cloudtrail.LookupEventsOutput, error) {
			from, to := sdk.ToTime(c.Input.StartTime), c.Now
			if c.Input.EndTime != nil {
				to = *c.Input.EndTime
			}
			writes := slices.ContainsFunc(c.Input.LookupAttributes, func(a types.LookupAttribute) bool {
				return a.AttributeKey == types.LookupAttributeKeyReadOnly && sdk.ToString(a.AttributeValue) == "false"
			})
			out := &cloudtrail.LookupEventsOutput{}
			for _, e := range changelog.Between(w.world, w.tick(c.Account), deeds, from, to) {
				if regionOf(e) != c.Region || e.Arrives.After(c.Now) || e.Lost || e.Reads && writes {
					continue
				}
				source, name := sourceOf(e)
				out.Events = append(out.Events, types.Event{
					EventId: sdk.String(e.UUID()), EventName: sdk.String(name), EventSource: sdk.String(source), EventTime: sdk.Time(e.Time),
					ReadOnly: sdk.String(fmt.Sprint(e.Reads)), Username: sdk.String(actorOf(e).name), CloudTrailEvent: sdk.String(record(e)),
				})
			}
			return out, nil
		})
	},
}

// Log returns what happened in an account, in and out of the log, from one time to another.
func Log(w *world.World, account string, from, to time.Time) []changelog.Entry {
	states := &states{world: w, cached: map[cacheKey]*world.State{}}
	return changelog.Between(w, states.tick(account), deeds, from, to)
}

// tick is an account at its ticks.
func (w *states) tick(account string) func(int) *world.State {
	return func(tick int) *world.State {
		return w.get(account, w.world.Start.Add(time.Duration(tick)*cmp.Or(w.world.Step, 24*time.Hour)))
	}
}

// regionOf is where an event is logged.
func regionOf(e changelog.Entry) string {
	switch {
	case strings.HasPrefix(e.Name, "iam:"):
		return "us-east-1"
	case e.Item.Region == posture.Global:
		return e.Item.Account.Home()
	}
	return e.Item.Region
}

// sourceOf splits "s3:PutBucketPolicy". Whoever only looked called something else.
func sourceOf(e changelog.Entry) (source, name string) {
	service, name, _ := strings.Cut(e.Name, ":")
	if e.Reads {
		name = "Get" + strings.TrimPrefix(name, "Put")
	}
	return service + ".amazonaws.com", name
}

// deeds are what the log tells of.
var deeds = func() []changelog.Deed {
	bucket := func(more map[string]any) func(*world.State, *world.Item, bool) map[string]any {
		return func(_ *world.State, it *world.Item, _ bool) map[string]any {
			out := map[string]any{"bucketName": bucketName(it), "Host": bucketName(it) + ".s3.amazonaws.com"}
			for k, v := range more {
				out[k] = v
			}
			return out
		}
	}
	group := func(_ *world.State, it *world.Item, _ bool) map[string]any {
		return map[string]any{"groupId": ec2ID(it, "sg"), "ipPermissions": map[string]any{"items": []any{map[string]any{"ipProtocol": "tcp"}}}}
	}
	trail := func(member string) func(*world.State, *world.Item, bool) map[string]any {
		return func(_ *world.State, it *world.Item, has bool) map[string]any {
			out := map[string]any{"name": "organization"}
			switch member {
			case "kmsKeyId":
				out[member] = ""
			case "trailName":
				out = map[string]any{"trailName": trailARN(it), "eventSelectors": []any{map[string]any{"readWriteType": "All"}}}
			case "":
				out["name"] = trailARN(it)
			default:
				out[member] = !has
			}
			return out
		}
	}
	key := func(_ *world.State, it *world.Item, _ bool) map[string]any { return map[string]any{"keyId": keyID(it)} }
	instance := func(member string, given, taken any) func(*world.State, *world.Item, bool) map[string]any {
		return func(_ *world.State, it *world.Item, has bool) map[string]any {
			value := taken
			if has {
				value = given
			}
			return map[string]any{"dBInstanceIdentifier": it.Name(), "applyImmediately": true, member: value}
		}
	}
	cluster := func(member string, given, taken any) func(*world.State, *world.Item, bool) map[string]any {
		return func(_ *world.State, _ *world.Item, has bool) map[string]any {
			value := taken
			if has {
				value = given
			}
			return map[string]any{"dBClusterIdentifier": "ledger", member: value}
		}
	}
	user := func(more string) func(*world.State, *world.Item, bool) map[string]any {
		return func(_ *world.State, it *world.Item, _ bool) map[string]any {
			return map[string]any{"userName": it.Name(), more: "arn:aws:iam::aws:policy/ReadOnlyAccess"}
		}
	}
	role := func(s *world.State, it *world.Item, _ bool) map[string]any {
		_, name := rolePath(s, it)
		return map[string]any{"roleName": name}
	}
	policy := func(_ *world.State, it *world.Item, _ bool) map[string]any {
		return map[string]any{"policyArn": policyARN(it), "setAsDefault": true}
	}
	inline := func(s *world.State, _ *world.Item, _ bool) map[string]any {
		_, name := rolePath(s, s.Find("iam.role", posture.Global, roleApp))
		return map[string]any{"roleName": name, "policyName": "adhoc"}
	}
	only := func(index int) func(*world.Item) bool { return func(it *world.Item) bool { return it.Index == index } }
	behind := func(it *world.Item) bool { return it.Index >= groupApp }
	out := []changelog.Deed{
		{Kind: "cloudtrail.trail", Defect: "no-validation", Gives: "cloudtrail:UpdateTrail", Takes: "cloudtrail:UpdateTrail", Request: trail("enableLogFileValidation")},
		{Kind: "cloudtrail.trail", Defect: "no-key", Gives: "cloudtrail:UpdateTrail", Takes: "cloudtrail:UpdateTrail", Request: trail("kmsKeyId")},
		{Kind: "cloudtrail.trail", Defect: "one-region", Gives: "cloudtrail:UpdateTrail", Takes: "cloudtrail:UpdateTrail", Request: trail("isMultiRegionTrail")},
		{Kind: "cloudtrail.trail", Defect: "stopped", Gives: "cloudtrail:StopLogging", Takes: "cloudtrail:StartLogging", Request: trail("")},
		{Kind: "cloudtrail.trail", Defect: "excludes-kms", Gives: "cloudtrail:PutEventSelectors", Takes: "cloudtrail:PutEventSelectors", Request: trail("trailName")},
		{Kind: "cloudtrail.trail", Defect: "no-write-data-events", Gives: "cloudtrail:PutEventSelectors", Takes: "cloudtrail:PutEventSelectors", Request: trail("trailName")},
		{Kind: "s3control.block", Defect: "off", Gives: "s3:DeleteAccountPublicAccessBlock", Takes: "s3:PutAccountPublicAccessBlock"},
		{Kind: "s3.bucket", Defect: world.Absent, Gives: "s3:DeleteBucket", Takes: "s3:CreateBucket", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "no-block", Gives: "s3:DeleteBucketPublicAccessBlock", Takes: "s3:PutBucketPublicAccessBlock", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "acl-read", Gives: "s3:PutBucketAcl", Takes: "s3:PutBucketAcl", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "acl-write", Gives: "s3:PutBucketAcl", Takes: "s3:PutBucketAcl", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "policy-public", Gives: "s3:PutBucketPolicy", Takes: "s3:PutBucketPolicy", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "no-tls", Gives: "s3:PutBucketPolicy", Takes: "s3:PutBucketPolicy", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "no-versioning", Gives: "s3:PutBucketVersioning", Takes: "s3:PutBucketVersioning", Request: bucket(nil)},
		{Kind: "s3.bucket", Defect: "no-access-log", Gives: "s3:PutBucketLogging", Takes: "s3:PutBucketLogging", Request: bucket(nil), Concerns: func(it *world.Item) bool { return it.Index > 0 }},
		{Kind: "ec2.security_group", Defect: "default-open", Gives: "ec2:AuthorizeSecurityGroupIngress", Takes: "ec2:RevokeSecurityGroupIngress", Request: group, Concerns: only(groupDefault)},
		{Kind: "kms.key", Defect: world.Absent, Gives: "kms:DeleteKey", Takes: "kms:CreateKey", Request: key},
		{Kind: "kms.key", Defect: "no-rotation", Gives: "kms:DisableKeyRotation", Takes: "kms:EnableKeyRotation", Request: key},
		{Kind: "kms.key", Defect: "pending-deletion", Gives: "kms:ScheduleKeyDeletion", Takes: "kms:CancelKeyDeletion", Request: key},
		{Kind: "kms.key", Defect: "public-policy", Gives: "kms:PutKeyPolicy", Takes: "kms:PutKeyPolicy", Request: key},
		{Kind: "kms.key", Defect: "unattested", Gives: "kms:PutKeyPolicy", Takes: "kms:PutKeyPolicy", Request: key},
		{Kind: "rds.instance", Defect: world.Absent, Gives: "rds:DeleteDBInstance", Takes: "rds:CreateDBInstance", Request: instance("dBInstanceClass", "db.t4g.medium", "db.t4g.medium")},
		{Kind: "rds.instance", Defect: "public", Gives: "rds:ModifyDBInstance", Takes: "rds:ModifyDBInstance", Request: instance("publiclyAccessible", true, false)},
		{Kind: "rds.instance", Defect: "no-backup", Gives: "rds:ModifyDBInstance", Takes: "rds:ModifyDBInstance", Request: instance("backupRetentionPeriod", 0, 14)},
		{Kind: "rds.instance", Defect: "deletable", Gives: "rds:ModifyDBInstance", Takes: "rds:ModifyDBInstance", Request: instance("deletionProtection", false, true)},
		{Kind: "rds.cluster", Defect: "deletable", Gives: "rds:ModifyDBCluster", Takes: "rds:ModifyDBCluster", Request: cluster("deletionProtection", false, true)},
		{Kind: "rds.cluster", Defect: "no-logs", Gives: "rds:ModifyDBCluster", Takes: "rds:ModifyDBCluster", Request: cluster("cloudwatchLogsExportConfiguration", map[string]any{"disableLogTypes": []any{"postgresql"}}, map[string]any{"enableLogTypes": []any{"postgresql"}})},
		{Kind: "iam.password_policy", Defect: "unset", Gives: "iam:DeleteAccountPasswordPolicy", Takes: "iam:UpdateAccountPasswordPolicy"},
		{Kind: "iam.password_policy", Defect: "weak", Gives: "iam:UpdateAccountPasswordPolicy", Takes: "iam:UpdateAccountPasswordPolicy"},
		{Kind: "iam.user", Defect: world.Absent, Gives: "iam:DeleteUser", Takes: "iam:CreateUser", Request: user("path")},
		{Kind: "iam.user", Defect: "no-mfa", Gives: "iam:DeactivateMFADevice", Takes: "iam:EnableMFADevice", Request: user("serialNumber")},
		{Kind: "iam.user", Defect: "direct-policy", Gives: "iam:AttachUserPolicy", Takes: "iam:DetachUserPolicy", Request: user("policyArn")},
		{Kind: "iam.role", Defect: "public-trust", Gives: "iam:UpdateAssumeRolePolicy", Takes: "iam:UpdateAssumeRolePolicy", Request: role, Concerns: only(roleApp)},
		{Kind: "iam.role", Defect: "no-external-id", Gives: "iam:UpdateAssumeRolePolicy", Takes: "iam:UpdateAssumeRolePolicy", Request: role, Concerns: only(roleVendor)},
		{Kind: "iam.policy", Defect: "full-admin", Gives: "iam:CreatePolicyVersion", Takes: "iam:SetDefaultPolicyVersion", Request: policy},
		{Kind: "iam.policy", Defect: "escalation", Gives: "iam:CreatePolicyVersion", Takes: "iam:SetDefaultPolicyVersion", Request: policy},
		{Kind: "iam.inline_policy", Defect: world.Absent, Gives: "iam:DeleteRolePolicy", Takes: "iam:PutRolePolicy", Request: inline},
		{Kind: "iam.inline_policy", Defect: "full-admin", Gives: "iam:PutRolePolicy", Takes: "iam:PutRolePolicy", Request: inline},
		{Kind: "iam.inline_policy", Defect: "marketplace", Gives: "iam:PutRolePolicy", Takes: "iam:PutRolePolicy", Request: inline},
	}
	for _, defect := range []string{"open-ssh", "open-rdp", "open-data", "open-legacy", "open-8080", "open-all", "wide"} {
		out = append(out, changelog.Deed{Kind: "ec2.security_group", Defect: defect, Gives: "ec2:AuthorizeSecurityGroupIngress", Takes: "ec2:RevokeSecurityGroupIngress", Request: group, Concerns: behind})
	}
	return out
}()

// actor is who does something in the simulated account.
type actor struct {
	name     string
	identity map[string]any
}

// actorOf is one of the people and programs that work in the account.
func actorOf(e changelog.Entry) actor {
	id := e.Item.Account.ID
	session := func(role, path, session string) map[string]any {
		return map[string]any{
			"type": "AssumedRole", "accountId": id, "principalId": "AROAEXAMPLE:" + session, "arn": "arn:aws:sts::" + id + ":assumed-role/" + role + "/" + session,
			"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "userName": role, "arn": "arn:aws:iam::" + id + ":role/" + path + role}},
		}
	}
	switch e.Pick(8, "actor") {
	case 0, 1, 2:
		return actor{"ci-4711", session("deploy", "", "ci-4711")}
	case 3, 4:
		person := []string{"alice@acme.example", "bruno@acme.example", "chen@acme.example"}[e.Pick(3, "person")]
		identity := session("AWSReservedSSO_Administrator_0a1b2c3d4e5f6071", "aws-reserved/sso.amazonaws.com/", person)
		identity["sessionContext"].(map[string]any)["sourceIdentity"] = person
		return actor{person, identity}
	case 5:
		return actor{"dora", map[string]any{"type": "IAMUser", "accountId": id, "principalId": "AIDAEXAMPLE", "arn": "arn:aws:iam::" + id + ":user/dora", "userName": "dora"}}
	case 6:
		identity := session("deploy", "", "AWSCloudFormation")
		identity["invokedBy"] = "cloudformation.amazonaws.com"
		return actor{"AWSCloudFormation", identity}
	default:
		return actor{"root", map[string]any{"type": "Root", "accountId": id, "principalId": id, "arn": "arn:aws:iam::" + id + ":root"}}
	}
}

// record is the event as CloudTrail writes it.
func record(e changelog.Entry) string {
	source, name := sourceOf(e)
	who := actorOf(e)
	out := map[string]any{
		"eventVersion": "1.11", "eventID": e.UUID(), "eventName": name, "eventSource": source, "eventTime": e.Time.Format(time.RFC3339),
		"awsRegion": regionOf(e), "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "readOnly": e.Reads,
		"recipientAccountId": e.Item.Account.ID, "userIdentity": who.identity, "sourceIPAddress": cmp.Or(text(who.identity["invokedBy"]), fmt.Sprint("198.51.100.", 10+len(who.name))),
		"userAgent": "aws-cli/2.31.0", "requestParameters": e.Request, "responseElements": nil, "requestID": e.UUID(),
	}
	if source == "kms.amazonaws.com" {
		out["resources"] = []any{map[string]any{"accountId": e.Item.Account.ID, "type": "AWS::KMS::Key", "ARN": e.Done.ID}}
	}
	if e.Failed {
		out["errorCode"], out["errorMessage"], out["responseElements"] = "AccessDenied", "not authorized to perform this action", nil
	}
	data, _ := json.Marshal(out) // of maps, lists and text: never fails
	return string(data)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
