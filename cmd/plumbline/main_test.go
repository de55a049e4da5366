package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

// command runs one command line in this process.
func command(t *testing.T, args ...string) (code int, out, errors string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	misspelt := write(t, "aws/s3/bad.yaml", "id: aws-s3-bad\nresource: aws.s3.bucket\npasses_when: resource.versionning == \"Enabled\"\n")
	for name, test := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"help has examples":                     {[]string{"--help"}, 0, "plumbline demo", ""},
		"a command's help has examples":         {[]string{"scan", "--help"}, 0, "--role-arn arn:aws", ""},
		"version":                               {[]string{"version"}, 0, "dev", ""},
		"an unknown command is a usage error":   {[]string{"scam"}, 2, "", "unknown command"},
		"an unknown flag is a usage error":      {[]string{"scan", "--nope"}, 2, "", "See plumbline scan --help"},
		"an unknown form is a usage error":      {[]string{"version", "-o", "xml"}, 2, "", "want table, json or csv"},
		"missing arguments are a usage error":   {[]string{"rules", "show"}, 2, "", "See plumbline rules show --help"},
		"a rule that does not exist":            {[]string{"rules", "show", "aws-none"}, 2, "", `rule "aws-none": not found`},
		"a rule is shown with what it leaves":   {[]string{"rules", "show", "aws-s3-bucket-not-public"}, 0, "leaves unproved", ""},
		"the rules are well written":            {[]string{"rules", "lint"}, 0, "nothing to complain about", ""},
		"the rules do as their examples say":    {[]string{"rules", "test"}, 0, "all as they should be", ""},
		"a misspelt field is named with a line": {[]string{"rules", "lint", misspelt}, 2, "", "bad.yaml:3"},
		"no region":                             {[]string{"scan"}, 2, "", "no AWS region: set AWS_REGION or pass --regions"},
		"no credentials":                        {[]string{"scan", "--regions", "eu-west-1"}, 2, "", "no usable AWS credentials"},
		"another cloud":                         {[]string{"scan", "--provider", "vax"}, 2, "", `--provider "vax": want aws`},
		"a bad --fail-on":                       {[]string{"scan", "--fail-on", "warn"}, 2, "", "want fail, incomplete or both"},
		"a bad --verdict":                       {[]string{"findings", "list", "--verdict", "bad"}, 2, "", "want pass, fail, unknown, not_applicable or all"},
		"a bad time":                            {[]string{"drift", "--since", "yesterday"}, 2, "", "want a day"},
		"a bad snapshot":                        {[]string{"snapshots", "show", "17"}, 2, "", "want PROVIDER:ACCOUNT/NUMBER"},
		"a database out of reach":               {[]string{"snapshots", "list", "--database-url", "postgres://127.0.0.1:1/x?connect_timeout=1"}, 2, "", "connect to database"},
		"migrate without a database":            {[]string{"migrate"}, 2, "", "migrate needs --database-url"},
		"permissions of an unknown cloud":       {[]string{"permissions", "vax"}, 2, "", "want aws"},
		"a simulated cloud on a public address": {[]string{"simcloud", "--listen", "0.0.0.0:0"}, 2, "", "loopback"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(t, test.args...)
			if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(errs, test.err) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, test.code, out, errs)
			}
			if strings.Count(strings.TrimSpace(errs), "\n") > 1 {
				t.Errorf("more than two lines of error:\n%s", errs)
			}
		})
	}
}

func TestRulesListAndPermissionsForScripts(t *testing.T) {
	var list []listedRule
	_, out, _ := command(t, "rules", "list", "--output", "json")
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int{}
	for _, r := range list {
		counts[r.Provider]++
		if r.Title == "" || !strings.HasPrefix(r.ID, r.Provider+"-") || r.Severity == "" || r.Control == "" || len(r.Criteria) == 0 {
			t.Errorf("%+v lacks something", r)
		}
	}
	if len(counts) != 3 || counts["aws"] < 150 || counts["azure"] < 250 || counts["gcp"] < 130 {
		t.Errorf("rules by provider: %v", counts)
	}
	var policy struct {
		Statement []struct{ Action []string }
	}
	_, out, _ = command(t, "permissions", "aws")
	if err := json.Unmarshal([]byte(out), &policy); err != nil {
		t.Fatal(err)
	}
	for _, action := range policy.Statement[0].Action {
		_, verb, _ := strings.Cut(action, ":")
		read := slices.ContainsFunc([]string{"Get", "BatchGet", "List", "Describe", "Generate", "Lookup"}, func(p string) bool { return strings.HasPrefix(verb, p) })
		if !read || action == "s3:GetObject" {
			t.Errorf("%s is no reading of settings", action)
		}
	}
	var definition struct{ Actions, DataActions []string }
	_, out, _ = command(t, "permissions", "azure")
	if err := json.Unmarshal([]byte(out), &definition); err != nil {
		t.Fatal(err)
	}
	if len(definition.Actions) < 100 || len(definition.DataActions) > 0 {
		t.Errorf("%d actions and data actions %v", len(definition.Actions), definition.DataActions)
	}
	for _, action := range definition.Actions {
		if !strings.HasSuffix(action, "/read") {
			t.Errorf("%s is no reading of settings", action)
		}
	}
	var custom struct {
		Permissions []string `yaml:"includedPermissions"`
	}
	_, out, _ = command(t, "permissions", "gcp")
	if err := yaml.Unmarshal([]byte(out), &custom); err != nil {
		t.Fatal(err)
	}
	if len(custom.Permissions) < 80 {
		t.Errorf("%d permissions", len(custom.Permissions))
	}
	for _, permission := range custom.Permissions {
		verb := permission[strings.LastIndex(permission, ".")+1:]
		read := slices.ContainsFunc([]string{"get", "list", "query", "searchAll"}, func(p string) bool { return strings.HasPrefix(verb, p) })
		if !read || strings.HasSuffix(permission, "versions.access") || permission == "storage.objects.get" {
			t.Errorf("%s is no reading of settings", permission)
		}
	}
}

// simulated points the environment at a simulated account and returns the cloud.
func simulated(t *testing.T) *simcloud.Cloud {
	t.Helper()
	cloud, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Stop() })
	cloud.SetTick(40)
	keys := simaws.Credentials("111122223333")
	t.Setenv("AWS_ENDPOINT_URL", "http://"+cloud.Addr)
	t.Setenv("AWS_REGION", "eu-west-1")
	t.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
	t.Setenv("AWS_SESSION_TOKEN", "")
	t.Setenv("PLUMBLINE_DATA_DIR", t.TempDir())
	return cloud
}

func TestScanFindDiffer(t *testing.T) {
	cloud := simulated(t)
	_, url := plumbtest.Store(t)
	on := func(args ...string) []string { return append(args, "--database-url", url) }

	code, out, errs := command(t, on("scan", "--quota-share", "100", "--output", "json")...)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var first struct {
		posture.Snapshot
		Gaps []gap `json:"gaps"`
	}
	if err := json.Unmarshal([]byte(out), &first); err != nil {
		t.Fatal(err)
	}
	if first.Seq != 1 || first.Resources < 100 || first.Verdicts.Fail == 0 || len(first.Gaps) != 0 {
		t.Errorf("first snapshot %+v", first)
	}

	// The next day one call is refused: gaps, exit code 3, and nothing ends.
	cloud.SetTick(41)
	cloud.Faults.Set([]fault.Rule{{Call: fault.Call{Service: "ec2", Operation: "DescribeSecurityGroups"}, Kind: fault.Denied}})
	code, out, _ = command(t, on("scan", "--quota-share", "100", "--fail-on", "incomplete")...)
	if code != exitIncomplete || !strings.Contains(out, "ec2:DescribeSecurityGroups") {
		t.Errorf("exit code %d, output %s", code, out)
	}
	var unknown []verdictRow
	_, out, _ = command(t, on("findings", "list", "--verdict", "unknown", "--type", "aws.ec2.security_group", "--output", "json")...)
	if err := json.Unmarshal([]byte(out), &unknown); err != nil {
		t.Fatal(err)
	}
	if len(unknown) == 0 {
		t.Fatal("no unknown verdicts")
	}
	for _, f := range unknown {
		if len(f.Unread) == 0 || f.Unread[0].Permission != "ec2:DescribeSecurityGroups" || f.Provider != "aws" || f.Account != "111122223333" || f.FirstSeen.IsZero() || f.ObservedAt.IsZero() {
			t.Errorf("%+v", f)
		}
	}
	code, out, _ = command(t, on("snapshots", "diff", "aws:111122223333/1", "aws:111122223333/2", "--output", "json")...)
	var changes []posture.Change
	if err := json.Unmarshal([]byte(out), &changes); err != nil || code != exitFound {
		t.Fatalf("exit code %d, %v", code, err)
	}
	for _, c := range changes {
		if c.Resource.Type == "aws.ec2.security_group" && c.Cause != posture.CauseCoverage {
			t.Errorf("a refused call is called %s: %+v", c.Cause, c)
		}
	}
	if code, out, _ := command(t, on("findings", "list", "--output", "csv")...); code != 0 || !strings.HasPrefix(out, "severity,rule,account") {
		t.Errorf("exit code %d: %.80s", code, out)
	}
	if code, out, _ := command(t, on("drift")...); code != 0 || !strings.Contains(out, "coverage") {
		t.Errorf("exit code %d: %.200s", code, out)
	}
	if code, out, _ := command(t, on("findings", "show", unknown[0].RuleID, unknown[0].ResourceID)...); code != 0 || !strings.Contains(out, "UNKNOWN") || !strings.Contains(out, "Fix") {
		t.Errorf("exit code %d: %.200s", code, out)
	}
}

// TestKilledScans kills the program at 20 moments of a scan: the last sealed snapshot stays as it was, and the next scan is
// clean.
func TestKilledScans(t *testing.T) {
	cloud := simulated(t)
	db, url := plumbtest.Store(t)
	binary := filepath.Join(t.TempDir(), "plumbline")
	if out, err := exec.Command("go", "build", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	start := func() *exec.Cmd {
		cmd := exec.Command(binary, "scan", "--quota-share", "100", "--database-url", url)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		return cmd
	}
	began := time.Now()
	if err := start().Wait(); err != nil {
		t.Fatal(err)
	}
	whole := time.Since(began)
	sealed, err := db.Latest(t.Context(), "aws:111122223333")
	if err != nil {
		t.Fatal(err)
	}
	killed := 0
	for i := range 20 {
		cloud.SetTick(41 + i)
		cmd := start()
		time.Sleep(whole * time.Duration(i*7%20+1) / 20) // spread over the whole scan
		_ = cmd.Process.Kill()
		if cmd.Wait() != nil {
			killed++
		}
		latest, err := db.Latest(t.Context(), "aws:111122223333")
		if err != nil {
			t.Fatal(err)
		}
		if latest.Seq == sealed.Seq {
			if diff := cmp.Diff(sealed, latest); diff != "" {
				t.Errorf("kill %d: the sealed snapshot changed (-before +now):\n%s", i, diff)
			}
		} else if latest.Seq != sealed.Seq+1 {
			t.Errorf("kill %d: snapshot %d follows %d", i, latest.Seq, sealed.Seq)
		}
		sealed = latest
		resources, err := db.State(context.Background(), "aws:111122223333")
		if err != nil || len(resources.Resources) != latest.Resources {
			t.Errorf("kill %d: %d resources stored, the snapshot says %d (%v)", i, len(resources.Resources), latest.Resources, err)
		}
	}
	if killed < 10 {
		t.Errorf("only %d of 20 scans were killed in time", killed)
	}
	if err := start().Wait(); err != nil {
		t.Errorf("the scan after: %v", err)
	}
	if latest, _ := db.Latest(t.Context(), "aws:111122223333"); latest.Seq != sealed.Seq+1 {
		t.Errorf("snapshot %d follows %d", latest.Seq, sealed.Seq)
	}
	t.Logf("%d of 20 scans killed, each scan about %v", killed, whole.Round(time.Millisecond))
}

// TestShape: cloud SDKs are reached by their readers, the simulator and this program alone, and nothing keeps the linker from
// dropping methods that nobody calls.
func TestShape(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}}{{range .Deps}} {{.}}{{end}}`, "github.com/plumbline-dev/plumbline/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	const module = "github.com/plumbline-dev/plumbline/"
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		if name == "collectors/aws" || name == "collectors/gcp" || name == "collectors/gcp/routegen" || name == "collectors/azure" || name == "collectors/azure/routegen" || name == "deploy/rolegen" || name == "cmd/plumbline" || strings.HasPrefix(name, "pkg/simcloud") && name != "pkg/simcloud/world" && name != "pkg/simcloud/fault" && name != "pkg/simcloud/trial" {
			continue
		}
		for _, dep := range fields[1:] {
			if strings.HasPrefix(dep, "github.com/aws/") || strings.HasPrefix(dep, "github.com/Azure/") || strings.HasPrefix(dep, "google.golang.org/api/") || strings.HasPrefix(dep, "cloud.google.com/go/") {
				t.Errorf("%s reaches %s", name, dep)
				break
			}
		}
	}
	dump, err := exec.Command("go", "build", "-tags=grpcnotrace", "-ldflags=-dumpdep", "-o", filepath.Join(t.TempDir(), "plumbline"), ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, dump)
	}
	for line := range strings.Lines(string(dump)) {
		if strings.Contains(line, "ReflectMethod") {
			t.Error(strings.TrimSpace(line))
		}
	}
}

// TestDemo runs the whole demo and checks that its story is in what it prints.
func TestDemo(t *testing.T) {
	db, url := plumbtest.Store(t)
	code, out, errs := command(t, "demo", "--once", "--output", "json", "--database-url", url)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, errs)
	}
	var s demoSummary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		t.Fatal(err)
	}
	days := simcloud.DemoDays - 9
	if len(s.Accounts) != 9 || s.Snapshots != 9*days || s.Rules < 150 || s.Resources < 400 || s.Controls < 40 || s.Criteria < 20 {
		t.Errorf("%+v", s)
	}
	if s.Verdicts.Pass == 0 || s.Verdicts.Fail == 0 || s.Verdicts.Unknown == 0 || s.Verdicts.DoesNotApply == 0 {
		t.Errorf("verdicts %+v", s.Verdicts)
	}
	if s.Drift[posture.CauseConfiguration] == 0 || s.Drift[posture.CauseCoverage] == 0 || s.Drift[posture.CauseRuleset] != 0 || s.Drift[posture.CauseException] != 0 {
		t.Errorf("drift %v", s.Drift)
	}
	fmt.Printf("demo: %d snapshots in %d ms\n", s.Snapshots, s.DurationMS)

	// The story plays in each cloud: days are those of the simulated clouds, the first is 0.
	start := time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, 1-simcloud.DemoDays).Add(6 * time.Hour)
	day := func(at time.Time) int { return int(at.Sub(start) / (24 * time.Hour)) }
	type step struct {
		Kind finding.Kind
		Day  int
	}
	for name, test := range map[string]struct {
		account, rule string
		want          []step // among others
	}{
		"AWS: log validation is off for six days":            {"aws:111122223333", "aws-cloudtrail-trail-log-validation-enabled", []step{{finding.KindOpened, 31}, {finding.KindResolved, 37}}},
		"Google: SSH is open for three days":                 {"gcp:acme-production", "gcp-firewall-no-open-ssh", []step{{finding.KindOpened, 33}, {finding.KindResolved, 36}}},
		"Azure: plain HTTP is found after the outage":        {"azure:aaaaaaaa-0000-4000-8000-000000000001", "azure-storage-account-https-only", []step{{finding.KindOpened, 56}, {finding.KindResolved, 60}}},
		"AWS: a contact goes missing and stays so":           {"aws:444455556666", "aws-account-security-contact-set", []step{{finding.KindOpened, 82}}},
		"AWS: the refused region is unverified for six days": {"aws:111122223333", "", []step{{finding.KindUnverified, 62}, {finding.KindVerified, 68}}},
		"Google: SQL is down for three days":                 {"gcp:acme-staging", "", []step{{finding.KindUnverified, 20}, {finding.KindVerified, 23}}},
		"Azure: key vaults are unread for four days":         {"azure:aaaaaaaa-0000-4000-8000-000000000002", "", []step{{finding.KindUnverified, 71}, {finding.KindVerified, 75}}},
		"people accept a finding":                            {"aws:444455556666", "", []step{{finding.KindRequested, demoExceptionDay}, {finding.KindExcepted, demoExceptionDay}}},
	} {
		t.Run(name, func(t *testing.T) {
			list, err := db.Findings(t.Context(), store.FindingFilter{Account: test.account, Rule: test.rule})
			if err != nil {
				t.Fatal(err)
			}
			got := map[step]int{}
			for _, f := range list {
				events, err := db.FindingEvents(t.Context(), f.ID, time.Time{})
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range events {
					got[step{e.Kind, day(e.At)}]++
				}
			}
			for _, want := range test.want {
				if got[want] == 0 {
					t.Errorf("%v did not happen, but %v", want, got)
				}
			}
		})
	}
}
