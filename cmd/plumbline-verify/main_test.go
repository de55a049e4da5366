package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestItStandsAlone: no network, no database, no cloud, nothing of the service.
func TestItStandsAlone(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	list := strings.Fields(string(out))
	for _, dep := range list {
		for _, bad := range []string{"net", "net/http", "database/sql", "os/exec", "plugin", "html/template"} {
			if dep == bad {
				t.Errorf("it depends on %s", dep)
			}
		}
		for _, bad := range []string{
			"github.com/aws/", "github.com/Azure/", "google.golang.org/api", "cloud.google.com/", "github.com/jackc/", "github.com/plumbline-dev/plumbline/collectors",
			"github.com/plumbline-dev/plumbline/pkg/store", "github.com/plumbline-dev/plumbline/pkg/evidence/pack", "google.golang.org/grpc",
		} {
			if strings.HasPrefix(dep, bad) {
				t.Errorf("it depends on %s", dep)
			}
		}
	}
	if len(list) < 50 {
		t.Errorf("only %d dependencies were listed", len(list))
	}
}
