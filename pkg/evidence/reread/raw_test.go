package reread

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// cloud is the demo's clouds, and how their accounts are opened.
type cloud struct {
	*simcloud.Cloud
	t *testing.T
}

func start(t *testing.T, tick int) cloud {
	t.Helper()
	c, err := simcloud.Start("127.0.0.1:0", simcloud.Demo(still{}.at.AddDate(2026, 0, 0)))
	if err != nil {
		t.Fatal(err)
	}
	c.SetTick(tick)
	t.Cleanup(func() { _ = c.Stop() })
	t.Setenv("AWS_ENDPOINT_URL", "http://"+c.Addr)
	t.Setenv("PLUMBLINE_GCP_ENDPOINT", "http://"+c.Addr)
	t.Setenv("PLUMBLINE_AZURE_ENDPOINT", "http://"+c.Addr)
	return cloud{c, t}
}

// open opens an account through doer, nil for the simulated cloud itself.
func (c cloud) open(ctx context.Context, account posture.Account, regions []string, doer transport.Doer, options transport.Options) (collectors.Account, error) {
	name, organization := account.ID, strings.HasPrefix(account.ID, "organizations/")
	switch account.Provider {
	case "aws":
		keys := simaws.Credentials(account.ID)
		c.t.Setenv("AWS_ACCESS_KEY_ID", keys.AccessKeyID)
		c.t.Setenv("AWS_SECRET_ACCESS_KEY", keys.SecretAccessKey)
		return aws.Open(ctx, aws.Options{Doer: doer, Region: regions[0], Transport: options})
	case "gcp":
		o := gcp.Options{Doer: doer, Transport: options}
		if organization {
			o.Organization = name
		} else {
			o.Project = name
		}
		return gcp.Open(ctx, o)
	}
	o := azure.Options{Doer: doer, Transport: options}
	if tenant, ok := strings.CutPrefix(name, "tenants/"); ok {
		o.Tenant = tenant
	} else {
		o.Subscription = name
	}
	return azure.Open(ctx, o)
}

// scanned is a scan of an account as a package has it, and the bodies.
func (c cloud) scanned(t *testing.T, account world.Account) (Recorded, map[string][]byte) {
	t.Helper()
	journal := transport.NewJournal()
	opened, err := c.open(t.Context(), account.Account, account.Regions, nil, transport.Options{Clock: c, Attempts: 2, Journal: journal, Rate: unlimited, RedactKey: []byte("secret")})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(t.Context(), opened, c, nil)
	if err != nil {
		t.Fatal(err)
	}
	read, err := readOf(collected)
	if err != nil {
		t.Fatal(err)
	}
	out := Recorded{Cells: collected.Cells, Calls: journal.Calls()}
	out.Snapshot.Account, out.Snapshot.Seq, out.Snapshot.Started = opened.Account, 1, collected.Started
	for _, key := range sortedKeys(read.settings) {
		out.resources = append(out.resources, evidence.Resource{Account: opened.Account.String(), Type: key.Type, Region: key.Region, ID: key.ID, Document: read.settings[key]})
	}
	bodies := map[string][]byte{}
	for _, b := range journal.Bodies() {
		bodies[b.SHA256] = b.Data
	}
	return out, bodies
}

// reread reads a scan again from bodies.
func (c cloud) reread(t *testing.T, account world.Account, recorded Recorded, bodies map[string][]byte) (Raw, map[Lack]int) {
	t.Helper()
	var out Raw
	lacks := map[Lack]int{}
	one := raw{scan: recorded, out: &out, lacks: lacks, body: func(digest string) ([]byte, error) {
		if b, ok := bodies[digest]; ok {
			return slices.Clone(b), nil
		}
		return nil, fs.ErrNotExist
	}, open: func(ctx context.Context, r Recorded, recording transport.Doer, options transport.Options) (collectors.Account, error) {
		return c.open(ctx, r.Snapshot.Account, account.Regions, recording, options)
	}}
	if err := one.read(t.Context()); err != nil {
		t.Fatal(err)
	}
	return out, lacks
}

// TestRecordedAnswersDecodeAsRecorded also on days on which calls are refused and fail.
func TestRecordedAnswersDecodeAsRecorded(t *testing.T) {
	for name, test := range map[string]struct {
		tick     int
		accounts []int
	}{
		"all is well":                     {40, []int{0, 3, 4, 6, 7}},
		"a Google service is down":        {21, []int{5}},
		"reads of a region are refused":   {64, []int{0}},
		"reads of key vaults are refused": {72, []int{8}},
	} {
		t.Run(name, func(t *testing.T) {
			c := start(t, test.tick)
			c.Faults.Set(simcloud.DemoFaults(test.tick))
			for _, i := range test.accounts {
				account := c.World.Accounts[i]
				recorded, bodies := c.scanned(t, account)
				out, lacks := c.reread(t, account, recorded, bodies)
				for _, d := range out.Differences {
					t.Errorf("%s: %s %s %s: recorded %.200s, again %.200s", account.ID, d.Kind, d.Resource, d.Path, d.Recorded, d.Again)
				}
				if out.Resources < 20 || out.Attributes < 10*out.Resources/2 || len(lacks) == 0 {
					t.Errorf("%s: %d resources, %d attributes as recorded, lacking %v", account.ID, out.Resources, out.Attributes, lacks)
				}
			}
		})
	}
}

// TestWhatIsNotRecordedIsNoMatch: each cloud has answers of which a digest alone is kept, and answers from which something was removed.
func TestWhatIsNotRecordedIsNoMatch(t *testing.T) {
	c := start(t, 40)
	for i, want := range map[int][]Lack{
		0: {{Type: "aws.account.contact", Path: "security_contact_set", Operation: "Account.GetAlternateContact", Why: onlyDigest}, {Type: "aws.iam.user", Path: "mfa_active", Operation: "IAM.GetCredentialReport", Why: removedFrom}},
		4: {{Type: "gcp.monitoring.notification_channel", Operation: "monitoring.projects.notificationChannels.list", Why: onlyDigest}, {Type: "gcp.compute.instance", Path: "metadata_suspect_keys", Why: removedFrom}},
		7: {{Type: "azure.containerapps.app", Operation: "armappcontainers.ContainerAppsClient.NewListBySubscriptionPager", Why: onlyDigest}, {Type: "azure.keyvault.key", Path: "tags.team", Why: removedFrom}},
	} {
		account := c.World.Accounts[i]
		recorded, bodies := c.scanned(t, account)
		_, lacks := c.reread(t, account, recorded, bodies)
		for _, l := range want {
			if lacks[l] == 0 {
				t.Errorf("%s: %+v is not among %v", account.ID, l, lacks)
			}
		}
	}
}

func TestWhatDiffersIsNamed(t *testing.T) {
	c := start(t, 40)
	// forge changes one answer as somebody would who also writes the digests anew.
	forge := func(operation, from, to string) func(*testing.T, *Recorded, map[string][]byte) {
		return func(t *testing.T, r *Recorded, bodies map[string][]byte) {
			forged := false
			for i, call := range r.Calls { // several readers may have asked the same
				body := bodies[call.Stored]
				if call.Operation != operation || !strings.Contains(string(body), from) {
					continue
				}
				body = []byte(strings.Replace(string(body), from, to, 1))
				sum := sha256.Sum256(body)
				r.Calls[i].Stored = hex.EncodeToString(sum[:])
				bodies[r.Calls[i].Stored], forged = body, true
			}
			if !forged {
				t.Fatalf("no answer to %s has %s", operation, from)
			}
		}
	}
	for name, test := range map[string]struct {
		account int
		tamper  func(*testing.T, *Recorded, map[string][]byte)
		want    []string // kind, type and path
	}{
		"a setting in an answer of AWS":    {0, forge("CloudTrail.DescribeTrails", `"LogFileValidationEnabled":true`, `"LogFileValidationEnabled":false`), []string{"changed aws.cloudtrail.trail log_file_validation_enabled"}},
		"a setting in an answer of Google": {4, forge("storage.buckets.list", `"publicAccessPrevention":"inherited"`, `"publicAccessPrevention":"enforced"`), []string{"changed gcp.storage.bucket public_access_prevention"}},
		"a setting in an answer of Azure":  {7, forge("armstorage.AccountsClient.NewListPager", `"supportsHttpsTrafficOnly":true`, `"supportsHttpsTrafficOnly":false`), []string{"changed azure.storage.account https_only"}},
		"an answer that does not fit its digest": {0, func(t *testing.T, r *Recorded, bodies map[string][]byte) {
			for _, call := range r.Calls {
				if call.Operation == "CloudTrail.DescribeTrails" {
					bodies[call.Stored] = append(bodies[call.Stored], ' ')
				}
			}
		}, []string{"answer  "}},
		"an answer that is not there": {0, func(t *testing.T, r *Recorded, bodies map[string][]byte) {
			for _, call := range r.Calls {
				if call.Operation == "CloudTrail.DescribeTrails" {
					delete(bodies, call.Stored)
				}
			}
		}, []string{"cell aws.cloudtrail.trail ", "missing aws.cloudtrail.trail ", "answer  "}},
		"a call that is not there": {0, func(t *testing.T, r *Recorded, _ map[string][]byte) {
			r.Calls = slices.DeleteFunc(r.Calls, func(c posture.Call) bool { return c.Operation == "CloudTrail.GetTrailStatus" })
		}, []string{
			"changed aws.cloudtrail.trail is_logging", "changed aws.cloudtrail.trail latest_cloudwatch_delivery_at", "changed aws.cloudtrail.trail latest_cloudwatch_delivery_error",
			"changed aws.cloudtrail.trail latest_delivery_at", "changed aws.cloudtrail.trail latest_delivery_error", "call  "}},
		"a resource that is not there": {0, func(t *testing.T, r *Recorded, _ map[string][]byte) {
			i := slices.IndexFunc(r.resources, func(r evidence.Resource) bool { return r.Type == "aws.cloudtrail.trail" })
			r.resources = slices.Delete(r.resources, i, i+1)
		}, []string{"added aws.cloudtrail.trail "}},
		"a setting that is said to be unread": {0, func(t *testing.T, r *Recorded, _ map[string][]byte) {
			for i, row := range r.resources {
				if row.Type == "aws.cloudtrail.trail" {
					var d document
					if err := json.Unmarshal(row.Document, &d); err != nil {
						t.Fatal(err)
					}
					delete(d.Attributes, "is_logging")
					d.Unread = append(d.Unread, posture.Unread{Path: "is_logging", Cause: posture.Cause{Reason: posture.ReasonDenied}})
					r.resources[i].Document, _ = json.Marshal(d)
				}
			}
		}, []string{"changed aws.cloudtrail.trail is_logging"}},
		"a list that is said to be refused": {0, func(t *testing.T, r *Recorded, _ map[string][]byte) {
			for i, cell := range r.Cells {
				if cell.Type == "aws.cloudtrail.trail" {
					r.Cells[i].State = posture.Denied
				}
			}
		}, []string{"cell aws.cloudtrail.trail "}},
	} {
		t.Run(name, func(t *testing.T) {
			account := c.World.Accounts[test.account]
			recorded, bodies := c.scanned(t, account)
			test.tamper(t, &recorded, bodies)
			out, _ := c.reread(t, account, recorded, bodies)
			var got []string
			for _, d := range out.Differences {
				if line := d.Kind + " " + d.Resource.Type + " " + d.Path; !slices.Contains(got, line) {
					got = append(got, line)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("differences differ (-want +got):\n%s", diff)
			}
		})
	}
}
