package check

import (
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/schema"
	sigs "sigs.k8s.io/yaml"
)

type composeService struct {
	Command     []string          `json:"command"`
	Environment map[string]string `json:"environment"`
	HealthCheck *struct {
		Test []string `json:"test"`
	} `json:"healthcheck"`
	ReadOnly    bool     `json:"read_only"`
	CapDrop     []string `json:"cap_drop"`
	SecurityOpt []string `json:"security_opt"`
	Image       string   `json:"image"`
	Ports       []string `json:"ports"`
	Secrets     []string `json:"secrets"`
	Volumes     []string `json:"volumes"`
	DependsOn   map[string]struct {
		Condition string `json:"condition"`
	} `json:"depends_on"`
}

func TestComposeFollowsItsSchema(t *testing.T) {
	var all map[string]any
	if err := sigs.Unmarshal(read(t, "docker-compose.yml"), &all); err != nil { // resolves anchors and merges
		t.Fatal(err)
	}
	if err := schema.Validate(all); err != nil {
		t.Error(err)
	}
	all["services"].(map[string]any)["worker"].(map[string]any)["helthcheck"] = map[string]any{}
	if schema.Validate(all) == nil {
		t.Error("the schema takes a misspelt key: it checks nothing")
	}
}

func TestCompose(t *testing.T) {
	var file struct {
		Services map[string]composeService `json:"services"`
		Volumes  map[string]any            `json:"volumes"`
		Secrets  map[string]any            `json:"secrets"`
	}
	if err := sigs.Unmarshal(read(t, "docker-compose.yml"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Services) != 4 || !strings.HasPrefix(file.Services["postgres"].Image, "postgres:17") {
		t.Fatalf("services %v, want migrate, service, worker and Postgres 17", file.Services)
	}
	for name, s := range file.Services {
		if name != "migrate" && s.HealthCheck == nil {
			t.Errorf("%s has no health check", name)
		}
		for on, d := range s.DependsOn {
			if _, ok := file.Services[on]; !ok || d.Condition == "service_started" {
				t.Errorf("%s waits for %s to be %s", name, on, d.Condition)
			}
		}
		for _, secret := range s.Secrets {
			if _, ok := file.Secrets[secret]; !ok {
				t.Errorf("%s: no secret %s", name, secret)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, ok := file.Volumes[from]; !ok && !strings.HasPrefix(from, ".") {
				t.Errorf("%s: no volume %s", name, from)
			}
		}
		for variable, value := range s.Environment {
			if strings.Contains(variable, "PASSWORD") && !strings.HasSuffix(variable, "_FILE") || strings.Contains(value, ":plumbline@") {
				t.Errorf("%s: %s is in the open", name, variable)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: port %s is open to the network", name, p)
			}
		}
		if name == "postgres" {
			continue
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
			t.Errorf("%s has privileges", name)
		}
		if !slices.Equal(s.Command, []string{map[string]string{"migrate": "migrate", "service": "serve", "worker": "worker"}[name]}) {
			t.Errorf("%s runs %v", name, s.Command)
		}
	}
}
