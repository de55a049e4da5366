package attribution

import (
	"fmt"
	"strings"
	"time"
)

// CloudTrailDelay is within what time an event is in CloudTrail's event history, CloudTrailWindow how long it stays there.
const (
	CloudTrailDelay  = 15 * time.Minute
	CloudTrailWindow = 90 * 24 * time.Hour
)

// reportAge is how old IAM's credential report may be: what it says of users may have changed that long before it was read.
const reportAge = 4 * time.Hour

// lag is how long after a change a scan may still have read the value before it.
func lag(typeName, path string) time.Duration {
	switch typeName {
	case "aws.iam.user":
		for _, field := range []string{"password_enabled", "password_changed_at", "mfa_active", "access_keys"} {
			if covers(field, path) {
				return reportAge
			}
		}
	case "aws.iam.root":
		return reportAge
	}
	return 0
}

// awsServices are the services whose resource types are named otherwise than their event source.
var awsServices = map[string]string{
	"elasticloadbalancing": "elbv2", "logs": "cloudwatchlogs", "monitoring": "cloudwatch", "config": "configservice",
}

// serviceOf is how the types of an event source's resources begin.
func serviceOf(source string) string {
	if name, ok := strings.CutSuffix(source, ".amazonaws.com"); ok {
		if other, ok := awsServices[name]; ok {
			name = other
		}
		return "aws." + name
	}
	if name, ok := strings.CutSuffix(source, ".googleapis.com"); ok {
		if other, ok := gcpServices[name]; ok {
			name = other
		}
		return "gcp." + name
	}
	if name, ok := strings.CutPrefix(strings.ToLower(source), "microsoft."); ok {
		return "azure." + name
	}
	return source
}

// ParseCloudTrail reads one event as CloudTrail writes it.
func ParseCloudTrail(record []byte) (Event, error) {
	d, err := decode(record)
	if err != nil {
		return Event{}, fmt.Errorf("read CloudTrail event: %w", err)
	}
	at, err := time.Parse(time.RFC3339, d.text("eventTime"))
	if err != nil || d.text("eventName") == "" || d.text("eventID") == "" {
		return Event{}, fmt.Errorf("read CloudTrail event %q: it lacks its time, name or id", d.text("eventID"))
	}
	readOnly, _ := d["readOnly"].(bool)
	e := Event{
		ID: d.text("eventID"), Name: d.text("eventName"), Source: d.text("eventSource"), Time: at.UTC(), Region: d.text("awsRegion"),
		Actor: cloudTrailActor(d), Address: d.text("sourceIPAddress"), Client: d.text("userAgent"),
		ReadOnly: readOnly, Failed: d.text("errorCode") != "",
	}
	if e.ReadOnly || e.Failed {
		return e, nil
	}
	account := d.text("recipientAccountId")
	if account == "" {
		account = d.text("userIdentity.accountId")
	}
	find := func(path string) []string {
		switch path {
		case "account":
			return []string{account}
		case "region":
			return []string{e.Region}
		case "partition":
			return []string{partitionOf(e.Region)}
		}
		if name, ok := strings.CutPrefix(path, "request."); ok {
			return d.all("requestParameters." + name)
		}
		if name, ok := strings.CutPrefix(path, "response."); ok {
			return d.all("responseElements." + name)
		}
		return d.all(path)
	}
	service := strings.TrimSuffix(e.Source, ".amazonaws.com")
	list, known := cloudTrail[service+":"+e.Name]
	e.Effects = effects(list, d, find, d.object("requestParameters"))
	if !known {
		e.Mentions = mentions(d["resources"], mentions(d["responseElements"], mentions(d["requestParameters"], nil)))
	}
	return e, nil
}

// partitionOf is the partition of a region.
func partitionOf(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func cloudTrailActor(d document) Actor {
	id := func(path string) string { return d.text("userIdentity." + path) }
	a := Actor{ID: id("arn"), Via: id("invokedBy"), Person: id("sessionContext.sourceIdentity")}
	if a.Person == "" {
		a.Person = id("onBehalfOf.userId")
	}
	switch kind := id("type"); kind {
	case "Root":
		a.Kind, a.Name = Root, "root"
	case "IAMUser":
		a.Kind, a.Name = User, id("userName")
	case "AssumedRole", "Role":
		a.Kind, a.Behind = Session, id("sessionContext.sessionIssuer.arn")
		role := id("sessionContext.sessionIssuer.userName")
		if _, session, found := strings.Cut(a.ID, ":assumed-role/"); found {
			var name string
			name, a.Session, _ = strings.Cut(session, "/")
			if role == "" {
				role = name
			}
		}
		a.Name = strings.Trim(role+"/"+a.Session, "/")
		if _, path, linked := strings.Cut(a.Behind, ":role/aws-service-role/"); linked {
			service, _, _ := strings.Cut(path, "/")
			a.Kind, a.Name = Service, service
		}
	case "AWSService":
		a.Kind, a.Name, a.Via = Service, a.Via, ""
	case "SAMLUser", "WebIdentityUser", "FederatedUser", "IdentityCenterUser", "Directory":
		a.Kind, a.Name = User, id("userName")
		if a.Behind = id("sessionContext.sessionIssuer.arn"); kind == "IdentityCenterUser" {
			a.ID = id("onBehalfOf.userId")
		}
	default: // AWSAccount: somebody of another account
		a.Kind, a.Name = Other, id("accountId")
	}
	for _, other := range []string{id("userName"), id("principalId"), a.ID, id("invokedBy"), id("type"), d.text("eventSource")} {
		if a.Name == "" {
			a.Name = other
		}
	}
	return a
}
