package gcp

import (
	"github.com/plumbline-dev/plumbline/collectors"
)

// reader is a collectors.Reader and the API that must be switched on in a project for there to be anything to read. Readers
// of APIs that belong to the caller rather than to what is read have none.
type reader struct {
	collectors.Reader[*client]
	api string
}

// projectReaders lists every reader of projects.
func projectReaders() []reader {
	return []reader{
		{project, ""},
		{services, ""},
		{buckets, "storage.googleapis.com"},
	}
}

// organizationReaders lists every reader of organizations.
func organizationReaders() []reader {
	return []reader{
		{organization, ""},
	}
}

// opening are the calls that prove what can be read.
var opening = []collectors.Operation{
	{Name: "cloudresourcemanager.projects.get", Permission: "resourcemanager.projects.get", Body: collectors.Store},
	{Name: "cloudresourcemanager.projects.getAncestry", Permission: "resourcemanager.projects.get", Body: collectors.Store},
	{Name: "cloudresourcemanager.organizations.get", Permission: "resourcemanager.organizations.get", Body: collectors.Store},
}

// Operations lists every method that a scan may call, once each, and what it needs.
func Operations() []collectors.Operation {
	var out []collectors.Operation
	seen := map[string]bool{}
	add := func(operations []collectors.Operation) {
		for _, op := range operations {
			if !seen[op.Name] {
				seen[op.Name] = true
				out = append(out, op)
			}
		}
	}
	add(opening)
	for _, r := range append(projectReaders(), organizationReaders()...) {
		add(r.Operations)
	}
	return out
}
