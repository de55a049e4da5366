package wire

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type configuration interface{ isConfiguration() }

type configurationMemberUnusedAccess struct{ Value unusedAccess }

func (*configurationMemberUnusedAccess) isConfiguration() {}

type unusedAccess struct{ AgeDays int32 }

type analyzer struct{ Configuration configuration }

func TestUnionIsWrittenAsItsVariant(t *testing.T) {
	m := &Model{Metadata: Metadata{Protocol: restJSON, Lower: true}}
	got := m.tree(reflect.ValueOf(analyzer{&configurationMemberUnusedAccess{unusedAccess{90}}}), nil, field.wireName)
	want := map[string]any{"configuration": map[string]any{"unusedAccess": map[string]any{"ageDays": int64(90)}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tree differs (-want +got):\n%s", diff)
	}
}

func TestCBORKeepsScalars(t *testing.T) {
	for name, value := range map[string]any{
		"a negative number": int64(-7),
		"a blob":            []byte("blob"),
		"a fraction":        1.5,
		"an empty list":     []any{},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := decodeCBOR(encodeCBOR(value))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(value, got); diff != "" {
				t.Errorf("value differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBucketPath(t *testing.T) {
	for name, test := range map[string]struct{ host, want string }{
		"path style on an address":        {"127.0.0.1:8080", "/key"},
		"path style at AWS":               {"s3.eu-central-1.amazonaws.com", "/key"},
		"virtual host at AWS":             {"logs.s3.eu-central-1.amazonaws.com", "/logs/key"},
		"virtual host with dots":          {"my.logs.s3.eu-central-1.amazonaws.com", "/my.logs/key"},
		"virtual host on the own machine": {"logs.localhost:8080", "/logs/key"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := bucketPath(test.host, "/key"); got != test.want {
				t.Errorf("path is %q, want %q", got, test.want)
			}
		})
	}
}
