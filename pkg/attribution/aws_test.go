package attribution

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	aws "github.com/plumbline-dev/plumbline/collectors/aws/schema"
	azure "github.com/plumbline-dev/plumbline/collectors/azure/schema"
	gcp "github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// trailRecord is a CloudTrail event of account 111122223333 in eu-west-1; more are members in place of the usual ones.
func trailRecord(source, name string, more string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventID":"e-1","eventTime":"2026-05-01T09:30:00Z","eventSource":"%s.amazonaws.com","eventName":"%s","awsRegion":"eu-west-1",
		"recipientAccountId":"111122223333","sourceIPAddress":"198.51.100.7","userAgent":"aws-cli/2","readOnly":false,
		"userIdentity":{"type":"IAMUser","userName":"dora","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/dora"},%s}`, source, name, more)
}

func TestCloudTrailEffects(t *testing.T) {
	raw := func(s string) map[string]json.RawMessage {
		out := map[string]json.RawMessage{}
		for name, value := range map[string]string{"log_file_validation_enabled": s} {
			out[name] = json.RawMessage(value)
		}
		return out
	}
	for name, test := range map[string]struct {
		source, event, more string
		want                []Effect
	}{
		"a bucket by its name": {"s3", "PutBucketPolicy", `"requestParameters":{"bucketName":"logs"}`,
			[]Effect{{Type: "aws.s3.bucket", ID: "arn:aws:s3:::logs", Fields: []string{"policy", "policy_status_public"}}}},
		"a security group by its id": {"ec2", "AuthorizeSecurityGroupIngress", `"requestParameters":{"groupId":"sg-1","ipPermissions":{"items":[{"groups":{}}]}}`,
			[]Effect{{Type: "aws.ec2.security_group", ID: "sg-1", Fields: []string{"ingress"}}}},
		"a security group by name is any": {"ec2", "RevokeSecurityGroupIngress", `"requestParameters":{"groupName":"web"}`,
			[]Effect{{Type: "aws.ec2.security_group", Fields: []string{"ingress"}}}},
		"what was made is named in the answer": {"ec2", "CreateSecurityGroup", `"requestParameters":{"groupName":"web"},"responseElements":{"groupId":"sg-2"}`,
			[]Effect{{Type: "aws.ec2.security_group", ID: "sg-2", Act: Creates}}},
		"several resources in one request": {"ec2", "CreateTags", `"requestParameters":{"resourcesSet":{"items":[{"resourceId":"sg-1"},{"resourceId":"acl-1"}]}}`,
			[]Effect{
				{Type: "aws.ec2.security_group", ID: "sg-1", Fields: []string{"tags", "name"}}, {Type: "aws.ec2.security_group", ID: "acl-1", Fields: []string{"tags", "name"}},
				{Type: "aws.ec2.network_acl", ID: "sg-1", Fields: []string{"tags", "name"}}, {Type: "aws.ec2.network_acl", ID: "acl-1", Fields: []string{"tags", "name"}},
			}},
		"a trail by its name": {"cloudtrail", "StopLogging", `"requestParameters":{"name":"main"}`,
			[]Effect{{Type: "aws.cloudtrail.trail", ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", Fields: []string{"is_logging"}}}},
		"a trail by its ARN": {"cloudtrail", "StopLogging", `"requestParameters":{"name":"arn:aws:cloudtrail:us-east-1:111122223333:trail/main"}`,
			[]Effect{{Type: "aws.cloudtrail.trail", ID: "arn:aws:cloudtrail:us-east-1:111122223333:trail/main", Fields: []string{"is_logging"}}}},
		"only what the request names is set": {"cloudtrail", "UpdateTrail", `"requestParameters":{"name":"main","enableLogFileValidation":false}`,
			[]Effect{{Type: "aws.cloudtrail.trail", ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", Fields: []string{"log_file_validation_enabled"}, Values: raw("false")}}},
		"a member nobody knows may set anything": {"cloudtrail", "UpdateTrail", `"requestParameters":{"name":"main","novelty":1}`,
			[]Effect{{Type: "aws.cloudtrail.trail", ID: "arn:aws:cloudtrail:eu-west-1:111122223333:trail/main", Unsure: true}}},
		"a key by its id, its ARN beside": {"kms", "DisableKeyRotation", `"requestParameters":{"keyId":"11-22"},"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:alias/x"},{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/11-22"}]`,
			[]Effect{{Type: "aws.kms.key", ID: "arn:aws:kms:eu-west-1:111122223333:key/11-22", Fields: []string{"rotation_enabled", "rotation_period_days"}}}},
		"a user without their path": {"iam", "DeleteUser", `"requestParameters":{"userName":"dora"}`,
			[]Effect{{Type: "aws.iam.user", ID: "arn:aws:iam::111122223333:user/~dora", Act: Deletes}}},
		"a user who names nobody means themselves": {"iam", "CreateAccessKey", `"requestParameters":null`,
			[]Effect{{Type: "aws.iam.user", ID: "arn:aws:iam::111122223333:user/dora", Fields: []string{"access_keys"}}}},
		"an attachment changes both": {"iam", "AttachRolePolicy", `"requestParameters":{"roleName":"app","policyArn":"arn:aws:iam::aws:policy/ReadOnlyAccess"}`,
			[]Effect{{Type: "aws.iam.role", ID: "arn:aws:iam::111122223333:role/~app", Fields: []string{"attached_policy_arns"}}, {Type: "aws.iam.policy", ID: "arn:aws:iam::aws:policy/ReadOnlyAccess", Fields: []string{"attachment_count"}}}},
		"an inline policy is a resource of its own": {"iam", "PutRolePolicy", `"requestParameters":{"roleName":"app","policyName":"adhoc"}`,
			[]Effect{{Type: "aws.iam.role", ID: "arn:aws:iam::111122223333:role/~app", Fields: []string{"inline_policy_names"}}, {Type: "aws.iam.inline_policy", ID: "arn:aws:iam::111122223333:role/~app/inline-policy/adhoc", Act: Puts, Every: true}}},
		"a database by its name": {"rds", "DeleteDBInstance", `"requestParameters":{"dBInstanceIdentifier":"orders"}`,
			[]Effect{{Type: "aws.rds.instance", ID: "arn:aws:rds:eu-west-1:111122223333:db:orders", Act: Deletes}}},
		"a name that touches nothing that is read": {"s3", "PutBucketCors", `"requestParameters":{"bucketName":"logs"}`,
			[]Effect{{Type: "aws.s3.bucket", ID: "arn:aws:s3:::logs"}}},
	} {
		t.Run(name, func(t *testing.T) {
			e, err := ParseCloudTrail([]byte(trailRecord(test.source, test.event, test.more)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Effects, cmp.Transformer("fields", func(f []string) string { return strings.Join(f, ",") })); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(e.Mentions) > 0 {
				t.Errorf("what is known needs no mentions: %v", e.Mentions)
			}
		})
	}
}

func TestCloudTrailNamesNobodyKnowsMentionResources(t *testing.T) {
	e, err := ParseCloudTrail([]byte(trailRecord("s3", "PutBucketNovelty", `"requestParameters":{"bucketName":"logs","password":"correct horse"},"resources":[{"ARN":"arn:aws:s3:::logs"}]`)))
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Effects) > 0 || !slices.Contains(e.Mentions, "logs") || !slices.Contains(e.Mentions, "arn:aws:s3:::logs") {
		t.Errorf("%+v", e)
	}
	written, err := json.Marshal(e)
	if err != nil || strings.Contains(string(written), "logs") {
		t.Errorf("what a request holds is not written down: %s, %v", written, err)
	}
}

func TestCloudTrailActors(t *testing.T) {
	for name, test := range map[string]struct {
		identity string
		want     Actor
	}{
		"a user": {`{"type":"IAMUser","userName":"dora","arn":"arn:aws:iam::111122223333:user/dora"}`, Actor{Kind: User, Name: "dora", ID: "arn:aws:iam::111122223333:user/dora"}},
		"root":   {`{"type":"Root","arn":"arn:aws:iam::111122223333:root"}`, Actor{Kind: Root, Name: "root", ID: "arn:aws:iam::111122223333:root"}},
		"a session, its role and the person behind": {
			`{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/deploy/ci-7","sessionContext":{"sourceIdentity":"alice@acme.example","sessionIssuer":{"type":"Role","userName":"deploy","arn":"arn:aws:iam::111122223333:role/ops/deploy"}}}`,
			Actor{Kind: Session, Name: "deploy/ci-7", ID: "arn:aws:sts::111122223333:assumed-role/deploy/ci-7", Behind: "arn:aws:iam::111122223333:role/ops/deploy", Session: "ci-7", Person: "alice@acme.example"}},
		"a service through a session": {
			`{"type":"AssumedRole","invokedBy":"cloudformation.amazonaws.com","arn":"arn:aws:sts::111122223333:assumed-role/deploy/AWSCloudFormation","sessionContext":{"sessionIssuer":{"userName":"deploy","arn":"arn:aws:iam::111122223333:role/deploy"}}}`,
			Actor{Kind: Session, Name: "deploy/AWSCloudFormation", ID: "arn:aws:sts::111122223333:assumed-role/deploy/AWSCloudFormation", Behind: "arn:aws:iam::111122223333:role/deploy", Session: "AWSCloudFormation", Via: "cloudformation.amazonaws.com"}},
		"a service-linked role": {
			`{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForConfig/x","sessionContext":{"sessionIssuer":{"userName":"AWSServiceRoleForConfig","arn":"arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig"}}}`,
			Actor{Kind: Service, Name: "config.amazonaws.com", ID: "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForConfig/x", Behind: "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig", Session: "x"}},
		"a service":                   {`{"type":"AWSService","invokedBy":"kms.amazonaws.com"}`, Actor{Kind: Service, Name: "kms.amazonaws.com"}},
		"somebody of Identity Center": {`{"type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1"}}`, Actor{Kind: User, Name: "u-1", ID: "u-1", Person: "u-1"}},
		"another account":             {`{"type":"AWSAccount","accountId":"999900001111","principalId":"AIDA"}`, Actor{Kind: Other, Name: "999900001111"}},
		"nobody told":                 {`null`, Actor{Kind: Other, Name: "s3.amazonaws.com"}},
	} {
		t.Run(name, func(t *testing.T) {
			record := strings.Replace(trailRecord("s3", "PutBucketAcl", `"requestParameters":{"bucketName":"logs"}`), `{"type":"IAMUser","userName":"dora","accountId":"111122223333","arn":"arn:aws:iam::111122223333:user/dora"}`, test.identity, 1)
			e, err := ParseCloudTrail([]byte(record))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, e.Actor); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloudTrailRecords(t *testing.T) {
	e, err := ParseCloudTrail([]byte(trailRecord("iam", "DeleteUser", `"errorCode":"AccessDenied","requestParameters":{"userName":"dora"}`)))
	want := Event{ID: "e-1", Name: "DeleteUser", Source: "iam.amazonaws.com", Time: time.Date(2026, 5, 1, 9, 30, 0, 0, time.UTC), Region: "eu-west-1", Address: "198.51.100.7", Client: "aws-cli/2", Failed: true,
		Actor: Actor{Kind: User, Name: "dora", ID: "arn:aws:iam::111122223333:user/dora"}}
	if diff := cmp.Diff(want, e); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, record := range map[string]string{"nothing": "", "no JSON": "<html>", "a list": "[]", "no time": `{"eventName":"X","eventID":"1"}`, "no id": `{"eventName":"X","eventTime":"2026-05-01T09:30:00Z"}`} {
		if _, err := ParseCloudTrail([]byte(record)); err == nil {
			t.Errorf("%s is taken for an event", name)
		}
	}
}

// TestTablesFitTheSchema: what events are said to set exists.
func TestTablesFitTheSchema(t *testing.T) {
	types := map[string]*posture.Type{}
	for _, list := range [][]*posture.Type{aws.Types(), azure.Types(), gcp.Types()} {
		for _, typ := range list {
			types[typ.Name] = typ
		}
	}
	for _, table := range tables {
		for name, list := range table {
			for _, k := range list {
				typ := types[k.on]
				if k.on == anyType {
					continue
				}
				if typ == nil {
					t.Errorf("%s: there is no type %q", name, k.on)
					continue
				}
				fields := slices.Clone(k.fields)
				for _, field := range k.params {
					fields = append(fields, strings.Fields(field)...)
				}
				for _, field := range fields {
					first, _, _ := strings.Cut(field, ".")
					if f, ok := typ.Field(first); field != "" && (!ok || f.Derived) {
						t.Errorf("%s: %s has no attribute %s that is read", name, k.on, field)
					}
				}
			}
		}
	}
}

func FuzzParseCloudTrail(f *testing.F) {
	f.Add([]byte(trailRecord("ec2", "CreateTags", `"requestParameters":{"resourcesSet":{"items":[{"resourceId":"sg-1"},[{"resourceId":5}]]}}`)))
	f.Add([]byte(trailRecord("iam", "UpdateUser", `"requestParameters":{"userName":["{request.userName}"]}`)))
	f.Fuzz(func(t *testing.T, record []byte) {
		e, err := ParseCloudTrail(record)
		if err == nil && (e.ID == "" || e.Time.IsZero() || len(e.Mentions) > maxMentions) {
			t.Errorf("%+v", e)
		}
	})
}
