package aws_test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	gocmp "github.com/google/go-cmp/cmp"

	collect "github.com/plumbline-dev/plumbline/collectors/aws"
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
func later(account string) time.Duration {
	if account == neglected {
		return 100 * 24 * time.Hour
	}
	return 0
}

// builders build the services one after the other; some name what an earlier one built.
func builders() []func(*builder) {
	return []func(*builder){buildBuckets, buildMonitoring, buildDetection, buildIAM, buildEC2, buildDatabases, buildBalancers, buildApplications}
}

// verdicts says which things pass a rule, fail it, are exempt (not applicable), or are unknown because moto has no answer.
// Things are labels that the builders give, parted by spaces.
type verdicts struct{ pass, fail, exempt, unknown string }

// expected joins the tables of all services, each beside its builder. They are written by hand, from what AWS documents and
// the rules promise. Where moto answers otherwise than AWS would, the entry follows moto's answer, or is left out, and a
// comment says so.
func expected() map[string]verdicts {
	out := map[string]verdicts{}
	for _, table := range []map[string]verdicts{
		s3Verdicts(), monitoringVerdicts(), detectionVerdicts(), iamVerdicts(), ec2Verdicts(), databaseVerdicts(), applicationVerdicts(),
	} {
		maps.Copy(out, table)
	}
	return out
}

// TestMoto compares our verdicts with the tables for accounts that moto, which knows nothing of us, serves.
func TestMoto(t *testing.T) {
	startMoto(t)
	b := &builder{t: t, things: map[string]thing{}}
	b.name("tended", tended, posture.Global, tended)
	b.name("neglected", neglected, posture.Global, neglected)
	for _, build := range builders() {
		build(b)
	}

	set, err := rules.Load()
	if err != nil {
		t.Fatal(err)
	}
	judge := scan.Judge{Types: set.Compiler.Types(), Programs: set.Of("aws"), Derive: derive.Derive}
	found := findings{verdicts: map[string]map[thing]posture.Verdict{}, unread: map[string][]string{}, seen: map[thing]bool{}}
	for _, account := range []string{tended, neglected} {
		found.add(t, account, read(t, account), judge)
	}
	checkUnread(t, found.unread)
	checkPopulation(t, b.things, found.seen)
	checkVerdicts(t, b.things, found.verdicts)
	checkCoverage(t, set.Of("aws"))
}

// findings is what the scans of both accounts brought.
type findings struct {
	verdicts map[string]map[thing]posture.Verdict // by rule
	unread   map[string][]string                  // by operation: what it left unread, and why
	seen     map[thing]bool                       // things of the types in builtTypes
}

func (f findings) add(t *testing.T, account string, c scan.Collected, judge scan.Judge) {
	note := func(cause posture.Cause, what string) { // what no reader fills yet is not moto's to answer
		if cause.Reason != posture.ReasonNotCollected {
			f.unread[cause.Operation] = append(f.unread[cause.Operation], what+": "+string(cause.Reason))
		}
	}
	for _, cell := range c.Cells {
		if cell.Cause != nil && cell.State != posture.NotApplicable {
			note(*cell.Cause, cell.Type)
		}
	}
	for _, r := range c.Resources {
		for _, u := range r.Unread {
			note(u.Cause, r.Type+" "+u.Path)
		}
		if slices.Contains(strings.Fields(builtTypes), r.Type) {
			f.seen[thing{account, r.Region, r.ID}] = true
		}
	}
	sealing, _, err := judge.Judge(c, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range sealing.Verdicts {
		if f.verdicts[v.RuleID] == nil {
			f.verdicts[v.RuleID] = map[thing]posture.Verdict{}
		}
		f.verdicts[v.RuleID][thing{account, v.Resource.Region, v.Resource.ID}] = v
	}
}

func checkUnread(t *testing.T, unread map[string][]string) {
	for operation, what := range unread {
		slices.Sort(what)
		unread[operation] = slices.Compact(what)
	}
	if diff := gocmp.Diff(lacking(), unread); diff != "" {
		t.Errorf("what moto leaves unread differs (-want +got):\n%s", diff)
	}
}

// builtTypes are the types of which an account holds what was built, and nothing else.
const builtTypes = `aws.s3.bucket aws.cloudtrail.trail aws.cloudwatchlogs.log_group
	aws.iam.user aws.iam.group aws.iam.role aws.iam.inline_policy
	aws.ec2.instance aws.ec2.elastic_ip aws.ec2.launch_template aws.ec2.internet_gateway aws.ec2.transit_gateway
	aws.rds.instance aws.rds.cluster aws.elbv2.load_balancer aws.elbv2.listener`

// checkPopulation finds resources that were read and that nobody built, or that two regions report.
func checkPopulation(t *testing.T, things map[string]thing, seen map[thing]bool) {
	built := map[thing]bool{}
	for _, where := range things {
		built[where] = true
	}
	for where := range seen {
		if !built[where] {
			t.Errorf("nobody built %v", where)
		}
	}
	t.Logf("%d things built; %d resources of types with nothing else in them", len(things), len(seen))
}

func checkVerdicts(t *testing.T, things map[string]thing, got map[string]map[thing]posture.Verdict) {
	table, compared := expected(), map[posture.Result]int{}
	for _, id := range slices.Sorted(maps.Keys(table)) {
		for _, row := range table[id].rows() {
			where, built := things[row.label]
			v, judged := got[id][where]
			switch {
			case !built:
				t.Errorf("%s names %q, which is not built", id, row.label)
			case !judged:
				t.Errorf("%s has no verdict on %s (%v)", id, row.label, where)
			case v.Result != row.want:
				t.Errorf("%s on %s is %s, want %s (%s)", id, row.label, v.Result, row.want, v.Reason)
			}
			compared[row.want]++
		}
	}
	t.Logf("%d rules, verdicts compared: %v", len(table), compared)
}

// covered are the services that the builders build for.
const covered = `account acm cloudfront cloudtrail cloudwatch cloudwatchlogs configservice dynamodb ec2 elbv2 guardduty iam kms
	lambda rds route53 s3 secretsmanager securityhub sns sqs ssm`

// checkCoverage asks of every rule of the services covered a thing that passes and one that fails, or a reason.
func checkCoverage(t *testing.T, programs []*rule.Program) {
	table, excuses := expected(), oneSided()
	for _, p := range programs {
		if service := strings.Split(p.ID, "-")[1]; !slices.Contains(strings.Fields(covered), service) {
			continue
		}
		v := table[p.ID]
		both := v.pass != "" && v.fail != ""
		if why, excused := excuses[p.ID]; both == excused {
			t.Errorf("%s: passing %q, failing %q, excuse %q", p.ID, v.pass, v.fail, why)
		}
	}
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

// read scans an account as the program does: the ambient credentials assume its role.
func read(t *testing.T, account string) scan.Collected {
	clock := clock{later(account)}
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
	front, err := url.Parse(os.Getenv("AWS_ENDPOINT_URL"))
	if err != nil {
		b.t.Fatal(err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) { // S3 Control puts the account before the host
		return new(net.Dialer).DialContext(ctx, network, front.Host)
	}
	settings, err := config.LoadDefaultConfig(b.t.Context(), config.WithRegion(region), config.WithHTTPClient(
		awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) { t.DialContext = dial })))
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
		ModifyResponse: correct,
	})
	t.Cleanup(front.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": front.URL, "AWS_REGION": east, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": "", "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

// reportDate is when moto says that every credential report was made; a report older than its users tells nothing of them.
var reportDate = regexp.MustCompile(`<GeneratedTime>2015-02-02T20:02:02Z?</GeneratedTime>`)

// correct sets right two things that AWS never says: that its answers are web pages, and that reports come from 2015.
func correct(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") && bytes.HasPrefix(body, []byte("{")) {
		r.Header.Set("Content-Type", "application/json")
	}
	if reportDate.Match(body) {
		body = reportDate.ReplaceAll(body, []byte("<GeneratedTime>"+time.Now().UTC().Format(time.RFC3339)+"</GeneratedTime>"))
		r.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return nil
}
