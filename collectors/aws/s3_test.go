package aws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
)

// elsewhere is S3 with one bucket, which lies in home; other regions answer every call about it as refusal says.
type elsewhere struct {
	home, listed string // listed: the region in the list of buckets
	refusal      func(header http.Header) (status int, code string)

	mu    sync.Mutex
	hosts map[string]int // calls about the bucket, by host
}

func (e *elsewhere) Do(req *http.Request) (*http.Response, error) {
	header := http.Header{"Content-Type": {"application/xml"}}
	answer := func(status int, body string) (*http.Response, error) {
		if req.Method == http.MethodHead {
			body = ""
		}
		return &http.Response{StatusCode: status, Header: header, Request: req, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
	operation := wire{}.Identify(req).Operation
	if operation == "S3.ListBuckets" {
		region := ""
		if e.listed != "" {
			region = "<BucketRegion>" + e.listed + "</BucketRegion>"
		}
		return answer(200, "<ListAllMyBucketsResult><Buckets><Bucket><Name>data</Name>"+region+"</Bucket></Buckets></ListAllMyBucketsResult>")
	}
	e.mu.Lock()
	e.hosts[req.URL.Host]++
	e.mu.Unlock()
	if !strings.HasPrefix(req.URL.Host, "data.s3."+e.home+".") {
		status, code := e.refusal(header)
		return answer(status, "<Error><Code>"+code+"</Code></Error>")
	}
	switch operation {
	case "S3.HeadBucket":
		header.Set("X-Amz-Bucket-Region", e.home)
		return answer(200, "")
	case "S3.GetBucketVersioning":
		return answer(200, "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>")
	}
	return answer(403, "<Error><Code>AccessDenied</Code></Error>")
}

func TestBucketRegion(t *testing.T) {
	named := func(status int, code string) func(http.Header) (int, string) {
		return func(header http.Header) (int, string) {
			header.Set("X-Amz-Bucket-Region", "eu-central-1")
			return status, code
		}
	}
	type outcome struct {
		Location, Versioning string
		Unread               bool // the location
		Elsewhere            int  // calls to a region without the bucket
	}
	for name, test := range map[string]struct {
		listed  string
		refusal func(http.Header) (int, string)
		want    outcome
	}{
		"the list knows the region": {
			"eu-central-1", named(301, "PermanentRedirect"),
			outcome{Location: "eu-central-1", Versioning: "Enabled"},
		},
		"a permanent redirect is followed once, and later calls go straight there": {
			"eu-west-1", named(301, "PermanentRedirect"),
			outcome{Location: "eu-central-1", Versioning: "Enabled", Elsewhere: 1},
		},
		"a request signed for the wrong region is sent again": {
			"eu-west-1", named(400, "AuthorizationHeaderMalformed"),
			outcome{Location: "eu-central-1", Versioning: "Enabled", Elsewhere: 1},
		},
		"a list without regions makes HeadBucket name it in its refusal": {
			"", named(403, "AccessDenied"),
			outcome{Location: "eu-central-1", Versioning: "Enabled", Elsewhere: 1},
		},
		"a refusal that names no region leaves the location unread": {
			"", func(http.Header) (int, string) { return 403, "AccessDenied" },
			outcome{Unread: true, Elsewhere: 14},
		},
	} {
		t.Run(name, func(t *testing.T) {
			cloud := &elsewhere{home: "eu-central-1", listed: test.listed, refusal: test.refusal, hosts: map[string]int{}}
			var got outcome
			err := collectBuckets(context.Background(), testClient(cloud, buckets.Operations), func(_ string, attributes any, gaps ...collectors.Gap) {
				bucket := attributes.(*schema.Bucket)
				got.Location, got.Versioning = bucket.Location, bucket.Versioning
				for _, g := range gaps {
					got.Unread = got.Unread || g.Paths[0] == "location"
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for host, calls := range cloud.hosts {
				if !strings.HasPrefix(host, "data.s3.eu-central-1.") {
					got.Elsewhere += calls
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("outcome differs (-want +got):\n%s", diff)
			}
		})
	}
}

// TestReplicaRegion looks up a destination that is in no list, twice.
func TestReplicaRegion(t *testing.T) {
	cloud := &elsewhere{home: "eu-west-1", hosts: map[string]int{}}
	r := newBucketRegions(testClient(cloud, buckets.Operations))
	for range 2 {
		region, err := r.of(context.Background(), "data")
		if region != "eu-west-1" || err != nil {
			t.Errorf("region %q, %v", region, err)
		}
	}
	if calls := cloud.hosts["data.s3.eu-west-1.amazonaws.com"]; calls != 1 {
		t.Errorf("%d calls, want 1", calls)
	}
	if region := regionInAnswer(errors.New("no answer")); region != "" {
		t.Errorf("region %q of no answer", region)
	}
}
