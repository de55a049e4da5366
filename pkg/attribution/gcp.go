package attribution

import (
	"fmt"
	"strings"
	"time"
)

// AuditLogDelay is within what time an entry is in Cloud Logging, AuditLogWindow how long those of administrators' acts stay there.
const (
	AuditLogDelay  = 10 * time.Minute
	AuditLogWindow = 400 * 24 * time.Hour
)

// gcpServices are the services whose resource types are named otherwise than the service that logs what is done to them.
var gcpServices = map[string]string{"cloudsql": "sql", "cloudresourcemanager": "resourcemanager", "cloudkms": "kms"}

// ParseAuditLog reads one entry of Cloud Logging that holds an audit log.
func ParseAuditLog(entry []byte) (Event, error) {
	d, err := decode(entry)
	if err != nil {
		return Event{}, fmt.Errorf("read audit log: %w", err)
	}
	at, err := time.Parse(time.RFC3339, d.text("timestamp"))
	payload := d.object("protoPayload")
	if err != nil || d.text("insertId") == "" || payload.text("methodName") == "" {
		return Event{}, fmt.Errorf("read audit log %q: it lacks its time, id or method", d.text("insertId"))
	}
	code := payload.text("status.code")
	e := Event{
		ID: d.text("insertId"), Name: payload.text("methodName"), Source: payload.text("serviceName"), Time: at.UTC(),
		Actor: auditLogActor(payload), Address: payload.text("requestMetadata.callerIp"), Client: payload.text("requestMetadata.callerSuppliedUserAgent"),
		Failed: code != "" && code != "0", Operation: d.text("operation.id"),
	}
	operation := d.object("operation")
	e.First, _ = operation["first"].(bool)
	e.Last, _ = operation["last"].(bool)
	if strings.HasSuffix(d.text("logName"), "%2Fdata_access") {
		e.ReadOnly = true
	}
	if e.Failed || e.ReadOnly {
		return e, nil
	}
	resource := payload.text("resourceName")
	last := resource[strings.LastIndex(resource, "/")+1:]
	find := func(path string) []string {
		switch path {
		case "resource":
			return some(resource)
		case "last":
			return some(last)
		case "project":
			_, rest, _ := strings.Cut(d.text("logName"), "projects/")
			project, _, _ := strings.Cut(rest, "/")
			return some(project)
		case "key": // of a version, its key
			key, _, _ := strings.Cut(resource, "/cryptoKeyVersions/")
			return some(key)
		}
		if name, ok := strings.CutPrefix(path, "entry."); ok {
			return d.all(name)
		}
		return payload.all(path)
	}
	list, named := auditLog[strings.TrimSuffix(e.Source, ".googleapis.com")+":"+verbOf(e.Name)]
	e.Effects = effects(list, payload, find, payload.object("request"))
	if !named {
		e.Mentions = mentions(payload["response"], mentions(payload["request"], mentions(d.object("resource")["labels"], some(resource))))
	}
	return e, nil
}

func some(text string) []string {
	if text == "" {
		return nil
	}
	return []string{text}
}

// verbOf is a method's name without version and service: "firewalls.patch" of v1.compute.firewalls.patch, "UpdateSink" of
// google.logging.v2.ConfigServiceV2.UpdateSink.
func verbOf(method string) string {
	if strings.HasPrefix(method, "google.") {
		return method[strings.LastIndex(method, ".")+1:]
	}
	first, rest, found := strings.Cut(method, ".")
	if found && (first == "beta" || first == "alpha" || len(first) > 1 && first[0] == 'v' && first[1] >= '0' && first[1] <= '9') {
		first, rest, found = strings.Cut(rest, ".")
	}
	if !found {
		return first
	}
	return rest
}

// auditLogActor: a service account that somebody impersonates is the actor, and who did so the person.
func auditLogActor(payload document) Actor {
	email, subject := payload.text("authenticationInfo.principalEmail"), payload.text("authenticationInfo.principalSubject")
	a := Actor{Kind: User, Name: email, ID: subject}
	if a.Name == "" {
		a.Name, a.Kind = subject, Other
	}
	switch {
	case strings.HasSuffix(email, "@system.gserviceaccount.com"), email == "system@google.com", strings.Contains(email, "@gcp-sa-"),
		strings.HasSuffix(email, "@cloudservices.gserviceaccount.com"):
		a.Kind = Service
	case strings.HasSuffix(email, ".gserviceaccount.com"):
		a.Kind = Machine
	}
	if chain := payload.all("authenticationInfo.serviceAccountDelegationInfo.firstPartyPrincipal.principalEmail"); len(chain) > 0 {
		a.Person, a.Behind = chain[0], chain[len(chain)-1]
	} else if chain := payload.all("authenticationInfo.serviceAccountDelegationInfo.principalSubject"); len(chain) > 0 {
		a.Person, a.Behind = strings.TrimPrefix(chain[0], "user:"), chain[len(chain)-1]
	}
	if a.Name == "" {
		a.Kind, a.Name = Other, payload.text("serviceName")
	}
	return a
}
