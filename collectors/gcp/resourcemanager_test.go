package gcp

import (
	"testing"

	crm "google.golang.org/api/cloudresourcemanager/v3"
)

func TestFoldersHold(t *testing.T) {
	seen := folders{"organizations/123", map[string]*crm.Folder{
		"folders/1": {Parent: "organizations/123"}, "folders/2": {Parent: "folders/1"}, "folders/3": {Parent: "organizations/999"},
		"folders/4": {Parent: "folders/3"}, "folders/5": {Parent: "folders/77"}, "folders/6": {Parent: "folders/6"},
	}}
	for name, test := range map[string]struct {
		parent      string
		ours, known bool
	}{
		"right below the organization":            {"organizations/123", true, true},
		"in a folder of its":                      {"folders/1", true, true},
		"in a folder within":                      {"folders/2", true, true},
		"below another organization":              {"organizations/999", false, true},
		"in a folder of another":                  {"folders/3", false, true},
		"in a folder within that":                 {"folders/4", false, true},
		"in none":                                 {"", false, true},
		"in a folder that is not shown":           {"folders/88", false, false},
		"in a folder whose parent is not shown":   {"folders/5", false, false},
		"in a folder that says it lies in itself": {"folders/6", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			ours, known := seen.hold(test.parent)
			if ours != test.ours || known != test.known {
				t.Errorf("ours %v, known %v", ours, known)
			}
		})
	}
}
