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
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// changelogService is CloudTrail's event history: an event for everything that drifts, by somebody, at some time between two
// ticks. Some events arrive after the scan that sees what they did, some are lost, and some things are done by two people.
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
			for _, e := range w.entries(c.Account, from, to) {
				if e.region != c.Region || e.arrives.After(c.Now) || e.Lost || e.Reads && writes {
					continue
				}
				out.Events = append(out.Events, types.Event{
					EventId: sdk.String(e.ID), EventName: sdk.String(e.Name), EventSource: sdk.String(e.source), EventTime: sdk.Time(e.Time),
					ReadOnly: sdk.String(fmt.Sprint(e.Reads)), Username: sdk.String(e.actor.name), CloudTrailEvent: sdk.String(e.record()),
				})
			}
			slices.SortStableFunc(out.Events, func(a, b types.Event) int { return b.EventTime.Compare(*a.EventTime) })
			return out, nil
		})
	},
}

// deed is what somebody calls to give a thing a defect, or to take it away.
type deed struct {
	kind, defect string
	gives, takes string // "s3:DeleteBucketPublicAccessBlock"
	// request and response are the call's, where the cloud's log tells them; has says which way the thing changes.
	request  func(s *world.State, it *world.Item, has bool) map[string]any
	response func(it *world.Item) map[string]any
	concerns func(it *world.Item) bool // of which things of the kind the defect shows; nil: all
}

// Entry is an event of the simulated log.
type Entry struct {
	ID, Name string
	Time     time.Time
	Done     posture.Key // what was changed
	Lost     bool        // it never reaches the log
	Failed   bool
	Reads    bool

	arrives           time.Time
	account           string
	region, source    string
	actor             actor
	request, response map[string]any
}

func deeds() []deed {
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
	out := []deed{
		{kind: "cloudtrail.trail", defect: "no-validation", gives: "cloudtrail:UpdateTrail", takes: "cloudtrail:UpdateTrail", request: trail("enableLogFileValidation")},
		{kind: "cloudtrail.trail", defect: "no-key", gives: "cloudtrail:UpdateTrail", takes: "cloudtrail:UpdateTrail", request: trail("kmsKeyId")},
		{kind: "cloudtrail.trail", defect: "one-region", gives: "cloudtrail:UpdateTrail", takes: "cloudtrail:UpdateTrail", request: trail("isMultiRegionTrail")},
		{kind: "cloudtrail.trail", defect: "stopped", gives: "cloudtrail:StopLogging", takes: "cloudtrail:StartLogging", request: trail("")},
		{kind: "cloudtrail.trail", defect: "excludes-kms", gives: "cloudtrail:PutEventSelectors", takes: "cloudtrail:PutEventSelectors", request: trail("trailName")},
		{kind: "cloudtrail.trail", defect: "no-write-data-events", gives: "cloudtrail:PutEventSelectors", takes: "cloudtrail:PutEventSelectors", request: trail("trailName")},
		{kind: "s3control.block", defect: "off", gives: "s3:DeleteAccountPublicAccessBlock", takes: "s3:PutAccountPublicAccessBlock"},
		{kind: "s3.bucket", defect: world.Absent, gives: "s3:DeleteBucket", takes: "s3:CreateBucket", request: bucket(nil)},
		{kind: "s3.bucket", defect: "no-block", gives: "s3:DeleteBucketPublicAccessBlock", takes: "s3:PutBucketPublicAccessBlock", request: bucket(nil)},
		{kind: "s3.bucket", defect: "acl-read", gives: "s3:PutBucketAcl", takes: "s3:PutBucketAcl", request: bucket(nil)},
		{kind: "s3.bucket", defect: "acl-write", gives: "s3:PutBucketAcl", takes: "s3:PutBucketAcl", request: bucket(nil)},
		{kind: "s3.bucket", defect: "policy-public", gives: "s3:PutBucketPolicy", takes: "s3:PutBucketPolicy", request: bucket(nil)},
		{kind: "s3.bucket", defect: "no-tls", gives: "s3:PutBucketPolicy", takes: "s3:PutBucketPolicy", request: bucket(nil)},
		{kind: "s3.bucket", defect: "no-versioning", gives: "s3:PutBucketVersioning", takes: "s3:PutBucketVersioning", request: bucket(nil)},
		{kind: "s3.bucket", defect: "no-access-log", gives: "s3:PutBucketLogging", takes: "s3:PutBucketLogging", request: bucket(nil), concerns: func(it *world.Item) bool { return it.Index > 0 }},
		{kind: "ec2.security_group", defect: "default-open", gives: "ec2:AuthorizeSecurityGroupIngress", takes: "ec2:RevokeSecurityGroupIngress", request: group, concerns: only(groupDefault)},
		{kind: "kms.key", defect: world.Absent, gives: "kms:DeleteKey", takes: "kms:CreateKey", request: key,
			response: func(it *world.Item) map[string]any {
				return map[string]any{"keyMetadata": map[string]any{"arn": keyARN(it)}}
			}},
		{kind: "kms.key", defect: "no-rotation", gives: "kms:DisableKeyRotation", takes: "kms:EnableKeyRotation", request: key},
		{kind: "kms.key", defect: "pending-deletion", gives: "kms:ScheduleKeyDeletion", takes: "kms:CancelKeyDeletion", request: key},
		{kind: "kms.key", defect: "public-policy", gives: "kms:PutKeyPolicy", takes: "kms:PutKeyPolicy", request: key},
		{kind: "kms.key", defect: "unattested", gives: "kms:PutKeyPolicy", takes: "kms:PutKeyPolicy", request: key},
		{kind: "rds.instance", defect: world.Absent, gives: "rds:DeleteDBInstance", takes: "rds:CreateDBInstance", request: instance("dBInstanceClass", "db.t4g.medium", "db.t4g.medium")},
		{kind: "rds.instance", defect: "public", gives: "rds:ModifyDBInstance", takes: "rds:ModifyDBInstance", request: instance("publiclyAccessible", true, false)},
		{kind: "rds.instance", defect: "no-backup", gives: "rds:ModifyDBInstance", takes: "rds:ModifyDBInstance", request: instance("backupRetentionPeriod", 0, 14)},
		{kind: "rds.instance", defect: "deletable", gives: "rds:ModifyDBInstance", takes: "rds:ModifyDBInstance", request: instance("deletionProtection", false, true)},
		{kind: "rds.cluster", defect: "deletable", gives: "rds:ModifyDBCluster", takes: "rds:ModifyDBCluster", request: cluster("deletionProtection", false, true)},
		{kind: "rds.cluster", defect: "no-logs", gives: "rds:ModifyDBCluster", takes: "rds:ModifyDBCluster", request: cluster("cloudwatchLogsExportConfiguration", map[string]any{"disableLogTypes": []any{"postgresql"}}, map[string]any{"enableLogTypes": []any{"postgresql"}})},
		{kind: "iam.password_policy", defect: "unset", gives: "iam:DeleteAccountPasswordPolicy", takes: "iam:UpdateAccountPasswordPolicy"},
		{kind: "iam.password_policy", defect: "weak", gives: "iam:UpdateAccountPasswordPolicy", takes: "iam:UpdateAccountPasswordPolicy"},
		{kind: "iam.user", defect: world.Absent, gives: "iam:DeleteUser", takes: "iam:CreateUser", request: user("path")},
		{kind: "iam.user", defect: "no-mfa", gives: "iam:DeactivateMFADevice", takes: "iam:EnableMFADevice", request: user("serialNumber")},
		{kind: "iam.user", defect: "direct-policy", gives: "iam:AttachUserPolicy", takes: "iam:DetachUserPolicy", request: user("policyArn")},
		{kind: "iam.role", defect: "public-trust", gives: "iam:UpdateAssumeRolePolicy", takes: "iam:UpdateAssumeRolePolicy", request: role, concerns: only(roleApp)},
		{kind: "iam.role", defect: "no-external-id", gives: "iam:UpdateAssumeRolePolicy", takes: "iam:UpdateAssumeRolePolicy", request: role, concerns: only(roleVendor)},
		{kind: "iam.policy", defect: "full-admin", gives: "iam:CreatePolicyVersion", takes: "iam:SetDefaultPolicyVersion", request: policy},
		{kind: "iam.policy", defect: "escalation", gives: "iam:CreatePolicyVersion", takes: "iam:SetDefaultPolicyVersion", request: policy},
		{kind: "iam.inline_policy", defect: world.Absent, gives: "iam:DeleteRolePolicy", takes: "iam:PutRolePolicy", request: inline},
		{kind: "iam.inline_policy", defect: "full-admin", gives: "iam:PutRolePolicy", takes: "iam:PutRolePolicy", request: inline},
		{kind: "iam.inline_policy", defect: "marketplace", gives: "iam:PutRolePolicy", takes: "iam:PutRolePolicy", request: inline},
	}
	for _, defect := range []string{"open-ssh", "open-rdp", "open-data", "open-legacy", "open-8080", "open-all", "wide"} {
		out = append(out, deed{kind: "ec2.security_group", defect: defect, gives: "ec2:AuthorizeSecurityGroupIngress", takes: "ec2:RevokeSecurityGroupIngress", request: group, concerns: behind})
	}
	return out
}

// Log returns what happened in an account, in and out of the log, from one time to another.
func Log(w *world.World, account string, from, to time.Time) []Entry {
	return (&states{world: w, cached: map[cacheKey]*world.State{}}).entries(account, from, to)
}

// entries are those of the ticks that a time lies in: what differs at a tick was done since the one before.
func (w *states) entries(account string, from, to time.Time) []Entry {
	var out []Entry
	for tick := max(1, w.world.TickAt(from)); tick <= w.world.TickAt(to)+1; tick++ {
		before, after := w.tick(account, tick-1), w.tick(account, tick)
		for _, d := range w.deeds() {
			for _, e := range w.done(d, before, after) {
				if !e.Time.Before(from) && !e.Time.After(to) {
					out = append(out, e)
				}
			}
		}
	}
	return out
}

func (w *states) tick(account string, tick int) *world.State {
	return w.get(account, w.world.Start.Add(time.Duration(tick)*cmp.Or(w.world.Step, 24*time.Hour)))
}

func (w *states) deeds() []deed {
	w.once.Do(func() { w.known = deeds() })
	return w.known
}

// done are the events of one sort of deed at one tick.
func (w *states) done(d deed, before, after *world.State) []Entry {
	var out []Entry
	index := slices.IndexFunc(w.world.Kinds, func(k world.Kind) bool { return k.Name == d.kind })
	if index < 0 {
		return nil
	}
	kind := w.world.Kinds[index]
	was, is := map[string]*world.Item{}, map[string]*world.Item{}
	name := func(it *world.Item) string { return fmt.Sprint(it.Region, "/", it.Index) }
	for _, it := range before.Items(d.kind) {
		was[name(it)] = it
	}
	for _, it := range after.Items(d.kind) {
		is[name(it)] = it
	}
	for _, n := range slices.Sorted(keysOf(was, is)) {
		it, state, has := is[n], after, false
		switch {
		case d.defect == world.Absent && was[n] != nil && is[n] == nil:
			it, state, has = was[n], before, true
		case d.defect == world.Absent && was[n] == nil && is[n] != nil:
		case d.defect != world.Absent && was[n] != nil && is[n] != nil && was[n].Has(d.defect) != is[n].Has(d.defect):
			has = is[n].Has(d.defect)
		default:
			continue
		}
		if d.concerns != nil && !d.concerns(it) {
			continue
		}
		key, _ := kind.Expect(state, it)
		out = append(out, d.entries(after, state, it, key, has)...)
	}
	return out
}

func keysOf(maps ...map[string]*world.Item) func(func(string) bool) {
	return func(yield func(string) bool) {
		seen := map[string]bool{}
		for _, m := range maps {
			for k := range m {
				if !seen[k] && !yield(k) {
					return
				}
				seen[k] = true
			}
		}
	}
}

// entries is one thing done: by whom and when, late, lost, tried in vain before, or done twice.
func (d deed) entries(after, state *world.State, it *world.Item, key posture.Key, has bool) []Entry {
	salt := fmt.Sprint(d.defect, after.Tick)
	call := d.takes
	if has {
		call = d.gives
	}
	service, name, _ := strings.Cut(call, ":")
	e := Entry{
		Name: name, source: service + ".amazonaws.com", account: it.Account.ID, Done: key, region: it.Region, actor: actorOf(it, salt),
		Lost: it.Pick(20, "lost"+salt) == 0,
	}
	switch {
	case service == "iam":
		e.region = "us-east-1"
	case it.Region == posture.Global:
		e.region = it.Account.Home()
	}
	if d.request != nil {
		e.request = d.request(state, it, has)
	}
	if d.response != nil {
		e.response = d.response(it)
	}
	id := func(part string) string {
		h := it.Hex(32, "event"+salt+part)
		return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
	}
	seen := after.Time()
	e.ID, e.Time = id(""), seen.Add(-time.Duration(40+it.Pick(22*60, "minute"+salt))*time.Minute)
	e.arrives = e.Time.Add(5 * time.Minute)
	if it.Pick(8, "late"+salt) == 0 {
		e.Time, e.arrives = seen.Add(-3*time.Minute), seen.Add(9*time.Minute)
	}
	out := []Entry{e}
	if it.Pick(8, "refused"+salt) == 0 { // somebody else tried before
		refused := e
		refused.ID, refused.Failed, refused.Time, refused.actor = id("refused"), true, e.Time.Add(-10*time.Minute), actorOf(it, salt+"refused")
		refused.arrives = refused.Time.Add(5 * time.Minute)
		out = append(out, refused)
	}
	if it.Pick(10, "twice"+salt) == 0 { // and somebody did it again
		again := e
		again.ID, again.Time, again.actor = id("again"), e.Time.Add(2*time.Minute), actorOf(it, salt+"again")
		out = append(out, again)
	}
	if it.Pick(10, "repeated"+salt) == 0 { // the log holds an event twice
		out = append(out, e)
	}
	if it.Pick(6, "looked"+salt) == 0 {
		look := e
		look.ID, look.Name, look.Reads, look.Time = id("looked"), "Get"+strings.TrimPrefix(name, "Put"), true, e.Time.Add(-time.Minute)
		out = append(out, look)
	}
	return out
}

// actor is who does something in the simulated account.
type actor struct {
	name     string
	identity map[string]any
}

// actorOf is one of the people and programs that work in the account.
func actorOf(it *world.Item, salt string) actor {
	id := it.Account.ID
	session := func(role, path, session string) map[string]any {
		return map[string]any{
			"type": "AssumedRole", "accountId": id, "principalId": "AROAEXAMPLE:" + session, "arn": "arn:aws:sts::" + id + ":assumed-role/" + role + "/" + session,
			"sessionContext": map[string]any{"sessionIssuer": map[string]any{"type": "Role", "userName": role, "arn": "arn:aws:iam::" + id + ":role/" + path + role}},
		}
	}
	switch it.Pick(8, "actor"+salt) {
	case 0, 1, 2:
		return actor{"ci-4711", session("deploy", "", "ci-4711")}
	case 3, 4:
		person := []string{"alice@acme.example", "bruno@acme.example", "chen@acme.example"}[it.Pick(3, "person"+salt)]
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
func (e Entry) record() string {
	record := map[string]any{
		"eventVersion": "1.11", "eventID": e.ID, "eventName": e.Name, "eventSource": e.source, "eventTime": e.Time.Format(time.RFC3339),
		"awsRegion": e.region, "eventType": "AwsApiCall", "eventCategory": "Management", "managementEvent": true, "readOnly": e.Reads,
		"recipientAccountId": e.account, "userIdentity": e.actor.identity, "sourceIPAddress": cmp.Or(text(e.actor.identity["invokedBy"]), "198.51.100."+fmt.Sprint(10+len(e.actor.name))),
		"userAgent": "aws-cli/2.31.0", "requestParameters": e.request, "responseElements": e.response, "requestID": e.ID,
	}
	if e.source == "kms.amazonaws.com" {
		record["resources"] = []any{map[string]any{"accountId": e.account, "type": "AWS::KMS::Key", "ARN": e.Done.ID}}
	}
	if e.Failed {
		record["errorCode"], record["errorMessage"], record["responseElements"] = "AccessDenied", "not authorized to perform this action", nil
	}
	data, _ := json.Marshal(record) // of maps, lists and text: never fails
	return string(data)
}

func text(v any) string {
	s, _ := v.(string)
	return s
}
