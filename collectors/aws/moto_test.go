package aws_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	gocmp "github.com/google/go-cmp/cmp"

	collect "github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	derive "github.com/plumbline-dev/plumbline/pkg/derive/aws"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/rules"
)

// The moto server keeps as many accounts as are asked for. Two are built through the AWS API and scanned: one as it should
// be, in which single things are wrong, and one nobody looks after, read 100 days later.
const (
	tended    = "111122223333"
	neglected = "444455556666"
	east      = "us-east-1"
	west      = "eu-west-1"
)

// later is how far ahead the clock is by which an account is read: moto makes everything now.
var later = map[string]time.Duration{tended: 0, neglected: 100 * 24 * time.Hour}

// verdicts says which things pass a rule, fail it, are exempt (not applicable), or are unknown because moto has no answer.
// Things are labels that the builders give, parted by spaces.
type verdicts struct{ pass, fail, exempt, unknown string }

// expected lists the tables of all services, each beside its builder. They are written by hand, from what AWS documents and
// the rules promise: no entry comes from running the program.
func expected() map[string]verdicts {
	out := map[string]verdicts{}
	for _, table := range []map[string]verdicts{accountVerdicts} {
		maps.Copy(out, table)
	}
	return out
}

// TestMoto compares our verdicts with the table for an account that moto, which knows nothing of us, serves.
func TestMoto(t *testing.T) {
	startMoto(t)
	b := &builder{t: t, things: map[string]thing{}}
	b.name("tended", tended, posture.Global, tended)
	b.name("neglected", neglected, posture.Global, neglected)
	for _, build := range []func(*builder){} {
		build(b)
	}

	set, err := rule.Load(rules.FS, schema.Types())
	if err != nil {
		t.Fatal(err)
	}
	judge := scan.Judge{Types: set.Compiler.Types(), Programs: set.Active(), Derive: derive.Derive}
	got := map[string]map[thing]posture.Verdict{}
	unread := map[string]posture.Reason{}
	for _, account := range []string{tended, neglected} {
		collected := read(t, account)
		for _, cause := range causes(collected) {
			unread[cause.Operation+" "+cause.Code] = cause.Reason
		}
		sealing, _, err := judge.Judge(collected, scan.State{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range sealing.Verdicts {
			if got[v.RuleID] == nil {
				got[v.RuleID] = map[thing]posture.Verdict{}
			}
			got[v.RuleID][thing{account, v.Resource.Region, v.Resource.ID}] = v
		}
	}
	if diff := gocmp.Diff(lacking, unread); diff != "" {
		t.Errorf("what moto leaves unread differs (-want +got):\n%s", diff)
	}

	table, rows := expected(), map[posture.Result]int{}
	for _, id := range slices.Sorted(maps.Keys(table)) {
		for _, row := range table[id].rows() {
			where, built := b.things[row.label]
			v, judged := got[id][where]
			switch {
			case !built:
				t.Errorf("%s names %q, which is not built", id, row.label)
			case !judged:
				t.Errorf("%s has no verdict on %s (%v)", id, row.label, where)
			case v.Result != row.want:
				t.Errorf("%s on %s is %s, want %s (%s)", id, row.label, v.Result, row.want, v.Reason)
			}
			rows[row.want]++
		}
	}
	t.Logf("compared %v", rows)
}

type row struct {
	label string
	want  posture.Result
}

func (v verdicts) rows() []row {
	var out []row
	for _, group := range []struct {
		labels string
		want   posture.Result
	}{{v.pass, posture.Pass}, {v.fail, posture.Fail}, {v.exempt, posture.DoesNotApply}, {v.unknown, posture.Unknown}} {
		for _, label := range strings.Fields(group.labels) {
			out = append(out, row{label, group.want})
		}
	}
	return out
}

// causes lists why anything was not read, but for what no reader fills yet.
func causes(c scan.Collected) []posture.Cause {
	var out []posture.Cause
	for _, cell := range c.Cells {
		if cell.Cause != nil && cell.State != posture.NotApplicable {
			out = append(out, *cell.Cause)
		}
	}
	for _, r := range c.Resources {
		for _, u := range r.Unread {
			out = append(out, u.Cause)
		}
	}
	return slices.DeleteFunc(out, func(c posture.Cause) bool { return c.Reason == posture.ReasonNotCollected })
}

// read scans an account as the program does: the ambient credentials assume its role.
func read(t *testing.T, account string) scan.Collected {
	clock := clock{later[account]}
	opened, err := collect.Open(t.Context(), collect.Options{
		RoleARN: "arn:aws:iam::" + account + ":role/plumbline", Regions: []string{east, west},
		Transport: transport.Options{Clock: clock, Attempts: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(t.Context(), opened, clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	return collected
}

// clock is ahead of the wall clock, and does not wait.
type clock struct{ ahead time.Duration }

func (c clock) Now() time.Time                                   { return time.Now().UTC().Add(c.ahead) }
func (c clock) Sleep(ctx context.Context, _ time.Duration) error { return ctx.Err() }

// thing is where a resource is found in the verdicts.
type thing struct{ account, region, id string }

// builder builds the accounts through the AWS API and remembers what it built.
type builder struct {
	t      *testing.T
	things map[string]thing
}

// name gives a thing the label that the tables call it by.
func (b *builder) name(label, account, region, id string) {
	b.t.Helper()
	if _, taken := b.things[label]; taken || id == "" {
		b.t.Fatalf("label %q is taken, or %q is no id", label, id)
	}
	b.things[label] = thing{account, region, id}
}

// config returns the settings of an administrator of the account.
func (b *builder) config(account, region string) sdk.Config {
	b.t.Helper()
	settings, err := config.LoadDefaultConfig(b.t.Context(), config.WithRegion(region))
	if err != nil {
		b.t.Fatal(err)
	}
	settings.Credentials = sdk.NewCredentialsCache(stscreds.NewAssumeRoleProvider(sts.NewFromConfig(settings), "arn:aws:iam::"+account+":role/admin"))
	return settings
}

// do calls an operation that must succeed.
func do[I, O, F any](b *builder, call func(context.Context, *I, ...func(*F)) (*O, error), input *I) *O {
	b.t.Helper()
	answer, err := call(b.t.Context(), input)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer
}

// startMoto runs the moto server until the test ends and points the SDK at it.
func startMoto(t *testing.T) {
	program := cmp.Or(os.Getenv("PLUMBLINE_MOTO"), filepath.Join("..", "..", ".venv", "bin", "moto_server"))
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no moto server: run make venv first, or set PLUMBLINE_MOTO")
		}
		t.Skip("no moto server: run make venv, or set PLUMBLINE_MOTO")
	}
	server := exec.CommandContext(t.Context(), program, "-H", "127.0.0.1", "-p", "0")
	server.Env = append(os.Environ(), "MOTO_IAM_LOAD_MANAGED_POLICIES=true", "MOTO_EC2_LOAD_DEFAULT_AMIS=false")
	output, err := server.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	log := make(chan struct{})
	t.Cleanup(func() { // the server is killed before
		<-log
		_ = server.Wait()
	})
	address := make(chan string, 1)
	go func() {
		defer close(log)
		defer close(address)
		for lines := bufio.NewScanner(output); lines.Scan(); {
			if _, at, found := strings.Cut(lines.Text(), "Running on "); found {
				address <- at
				break
			}
		}
		_, _ = io.Copy(io.Discard, output)
	}()
	at, err := url.Parse(strings.TrimSpace(<-address))
	if err != nil || at.Host == "" {
		t.Fatal("the moto server did not start")
	}
	front := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(at)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: sayWhatItIs,
	})
	t.Cleanup(front.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": front.URL, "AWS_REGION": east, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// sayWhatItIs corrects the content type: moto calls much of what it sends text/html, and the transport lets no page through.
func sayWhatItIs(r *http.Response) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	switch {
	case bytes.HasPrefix(body, []byte("{")):
		r.Header.Set("Content-Type", "application/json")
	case bytes.HasPrefix(body, []byte("<?xml")):
		r.Header.Set("Content-Type", "text/xml")
	case r.Header.Get("Smithy-Protocol") != "" || r.Request.Header.Get("Smithy-Protocol") != "":
		r.Header.Set("Content-Type", "application/cbor")
	}
	if os.Getenv("MOTODBG") != "" {
		println(r.StatusCode, r.Request.URL.String(), r.Request.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), r.Header.Get("Smithy-Protocol"), string(body[:min(len(body), 150)]))
	}
	return err
}
