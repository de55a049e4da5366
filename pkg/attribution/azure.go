package attribution

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// ActivityLogDelay is within what time an event is in the Activity Log, ActivityLogWindow how long it stays there.
const (
	ActivityLogDelay  = 20 * time.Minute
	ActivityLogWindow = 90 * 24 * time.Hour
)

// looks are operations that change nothing although they are no reads: they hand out keys, or try what a change would do.
var looks = regexp.MustCompile(`/(list|get|check|validate|test|verify|export|query|read)[a-z0-9]*/action$`)

// ParseActivity reads one event of the Activity Log. Ids are compared in small letters.
func ParseActivity(event []byte) (Event, error) {
	d, err := decode(event)
	if err != nil {
		return Event{}, fmt.Errorf("read activity log: %w", err)
	}
	at, err := time.Parse(time.RFC3339, d.text("eventTimestamp"))
	name := d.text("operationName.value")
	if err != nil || name == "" || d.text("eventDataId") == "" {
		return Event{}, fmt.Errorf("read activity log %q: it lacks its time, operation or id", d.text("eventDataId"))
	}
	resource, operation := strings.ToLower(d.text("resourceId")), strings.ToLower(name)
	provider, _, _ := strings.Cut(name, "/")
	status := d.text("status.value")
	e := Event{
		ID: d.text("eventDataId"), Name: name, Source: provider, Time: at.UTC(), Actor: activityActor(d), Address: d.text("httpRequest.clientIpAddress"),
		Failed: status == "Failed" || status == "Canceled", First: status == "Started", Last: status == "Succeeded" || status == "Failed" || status == "Canceled",
	}
	claims, _ := d["claims"].(map[string]any)
	if e.Address == "" {
		e.Address = claim(claims, "ipaddr")
	}
	if e.Address == "" {
		e.Address = e.Source // the cloud itself
	}
	if id := d.text("operationId"); id != "" { // a deployment has one for all that it does
		e.Operation = strings.Join([]string{id, operation, resource}, " ")
	}
	switch category := d.text("category.value"); {
	case category != "" && category != "Administrative", strings.HasSuffix(operation, "/read"), looks.MatchString(operation):
		e.ReadOnly = true
	}
	if e.ReadOnly || e.Failed {
		return e, nil
	}
	target, _, _ := strings.Cut(resource, "/providers/microsoft.insights/diagnosticsettings/")
	target, _, _ = strings.Cut(target, "/providers/microsoft.resources/tags/")
	find := func(path string) []string {
		switch path {
		case "resource":
			return some(resource)
		case "target": // what a setting or tag is on
			return some(target)
		}
		if kind, ok := strings.CutPrefix(path, "in "); ok { // the resource of a kind that this one is a part of
			before, rest, found := strings.Cut(resource, "/"+kind+"/")
			if !found {
				return nil
			}
			part, _, _ := strings.Cut(rest, "/")
			return some(before + "/" + kind + "/" + part)
		}
		return d.all(path)
	}
	list, known := activityLog[operation]
	e.Effects = effects(list, document{"resource": resource, "target": target}, find, nil)
	if !known {
		for id := resource; strings.Contains(id, "/providers/"); id = id[:max(strings.LastIndex(id, "/"), 0)] {
			e.Mentions = append(e.Mentions, id) // it may be a part of what is read as one
		}
	}
	return e, nil
}

// claim is a claim of the token that a request came with.
func claim(claims map[string]any, names ...string) string {
	for _, name := range names {
		if text, _ := claims[name].(string); text != "" {
			return text
		}
	}
	return ""
}

func activityActor(d document) Actor {
	claims, _ := d["claims"].(map[string]any)
	caller := d.text("caller")
	a := Actor{Kind: Other, Name: caller, ID: claim(claims, "http://schemas.microsoft.com/identity/claims/objectidentifier", "oid")}
	switch kind := claim(claims, "idtyp"); {
	case strings.Contains(caller, "@"), kind == "user":
		a.Kind = User
	case kind == "app", claim(claims, "appid") != "":
		a.Kind = Machine
	case caller == "" || strings.HasPrefix(caller, "Microsoft."):
		a.Kind = Service
	}
	if a.Kind == Machine { // an application is known by its id in the directory; the log has no name for it
		a.Behind = claim(claims, "appid")
	}
	for _, other := range []string{claim(claims, "name"), a.ID, d.text("resourceProviderName.value"), "Azure"} {
		if a.Name == "" {
			a.Name = other
		}
	}
	return a
}
