package check

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	sigs "sigs.k8s.io/yaml"
)

// measures are what the service exports, by name with their labels: what pkg/web/metrics.go registers.
func measures(t *testing.T) map[string][]string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root(), "pkg", "web", "metrics.go"), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch called, ok := call.Fun.(*ast.SelectorExpr); {
		case !ok:
		case called.Sel.Name == "NewDesc":
			out[text(call.Args[0])] = texts(call.Args[2])
		case called.Sel.Name == "NewHistogramVec":
			for _, e := range call.Args[0].(*ast.CompositeLit).Elts {
				if pair := e.(*ast.KeyValueExpr); pair.Key.(*ast.Ident).Name == "Name" {
					labels := texts(call.Args[1])
					out[text(pair.Value)+"_bucket"] = append(slices.Clone(labels), "le")
					out[text(pair.Value)+"_count"], out[text(pair.Value)+"_sum"] = labels, labels
				}
			}
		}
		return true
	})
	if len(out) < 10 {
		t.Fatalf("found only %v in pkg/web/metrics.go", out)
	}
	return out
}

func text(e ast.Expr) string {
	s, _ := strconv.Unquote(e.(*ast.BasicLit).Value)
	return s
}

func texts(e ast.Expr) (out []string) {
	if list, ok := e.(*ast.CompositeLit); ok {
		for _, l := range list.Elts {
			out = append(out, text(l))
		}
	}
	return out
}

type panel struct {
	Title   string `json:"title"`
	ID      int    `json:"id"`
	GridPos struct{ X, Y, W, H int }
	Targets []struct {
		Expr, LegendFormat, RefID string
	} `json:"targets"`
}

type dashboard struct {
	UID        string  `json:"uid"`
	Panels     []panel `json:"panels"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
}

// expressions are what rules and dashboard ask Prometheus, by where they stand.
func expressions(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	if err := sigs.Unmarshal(read(t, "deploy", "prometheus", "plumbline.rules.yaml"), &rules); err != nil {
		t.Fatal(err)
	}
	for _, r := range rules.Groups[0].Rules {
		out[r.Alert] = r.Expr
		if r.Labels["severity"] == "" || r.Annotations["summary"] == "" || r.Annotations["runbook"] == "" {
			t.Errorf("%s says not enough", r.Alert)
		}
	}
	var d dashboard
	if err := json.Unmarshal(read(t, "deploy", "grafana", "plumbline.json"), &d); err != nil {
		t.Fatal(err)
	}
	variables := strings.NewReplacer("$__rate_interval", "5m", "$account", ".*")
	for _, p := range d.Panels {
		if len(p.Targets) == 0 {
			t.Errorf("panel %s shows nothing", p.Title)
		}
		for _, target := range p.Targets {
			out[fmt.Sprintf("panel %d %s %s", p.ID, p.Title, target.RefID)] = variables.Replace(target.Expr)
		}
	}
	if len(out) < 20 {
		t.Fatalf("only %d expressions", len(out))
	}
	return out
}

var (
	measureName = regexp.MustCompile(`\bplumbline_[a-z_]+\b`)
	selector    = regexp.MustCompile(`(plumbline_[a-z_]+)\{([^}]*)\}`)
	matcher     = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
)

func TestRulesAndDashboardAskForWhatIsExported(t *testing.T) {
	known := measures(t)
	asked := map[string]bool{}
	for where, e := range expressions(t) {
		for _, name := range measureName.FindAllString(e, -1) {
			if _, ok := known[name]; !ok {
				t.Errorf("%s: %s is not exported", where, name)
			}
			asked[name] = true
		}
		for _, s := range selector.FindAllStringSubmatch(e, -1) {
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				if !slices.Contains(known[s[1]], m[1]) {
					t.Errorf("%s: %s has no label %s", where, s[1], m[1])
				}
			}
		}
	}
	for name := range known {
		if !asked[name] && !strings.HasSuffix(name, "_sum") {
			t.Errorf("%s is exported, and neither rules nor dashboard show it", name)
		}
	}
}

func TestDashboardPanelsDoNotOverlap(t *testing.T) {
	var d dashboard
	if err := json.Unmarshal(read(t, "deploy", "grafana", "plumbline.json"), &d); err != nil {
		t.Fatal(err)
	}
	taken, ids := map[[2]int]string{}, map[int]bool{}
	for _, p := range d.Panels {
		if ids[p.ID] || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %s: id taken, or wider than the page", p.Title)
		}
		ids[p.ID] = true
		for x := range p.GridPos.W {
			for y := range p.GridPos.H {
				at := [2]int{p.GridPos.X + x, p.GridPos.Y + y}
				if taken[at] != "" {
					t.Fatalf("panels %s and %s overlap", p.Title, taken[at])
				}
				taken[at] = p.Title
			}
		}
	}
}

// promtool is Prometheus's own checker: on the path, or where deploy/scripts/promtool.sh puts it.
func promtool(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("PLUMBLINE_PROMTOOL"), "promtool", filepath.Join(root(), ".cache", "promtool", "usr", "bin", "promtool")} {
		if path, err := exec.LookPath(name); name != "" && err == nil {
			return path
		}
	}
	missing(t, "promtool is missing: ./deploy/scripts/promtool.sh fetches it on Debian and Ubuntu")
	return ""
}

func TestPromtool(t *testing.T) {
	program := promtool(t)
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	folder := filepath.Join(root(), "deploy", "prometheus")
	run("check", "rules", filepath.Join(folder, "plumbline.rules.yaml"))
	run("test", "rules", filepath.Join(folder, "plumbline.test.yaml"))
	var panels bytes.Buffer // the dashboard's expressions, as rules that promtool can parse
	panels.WriteString("groups:\n- name: panels\n  rules:\n")
	for where, e := range expressions(t) {
		fmt.Fprintf(&panels, "  - {record: panel, labels: {at: %q}, expr: %q}\n", where, e)
	}
	path := filepath.Join(t.TempDir(), "panels.yaml")
	if err := os.WriteFile(path, panels.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	run("check", "rules", path)
	if err := os.WriteFile(path, []byte("groups: [{name: x, rules: [{alert: x, expr: 'sum('}]}]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if exec.Command(program, "check", "rules", path).Run() == nil {
		t.Error("promtool takes what is no expression")
	}
}
