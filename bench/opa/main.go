// Command opa compares the time of one evaluation with that of Open Policy Agent: ten of Plumbline's rules against the same
// conditions in Rego, on the same resources. Both are prepared beforehand and take decoded values: records here, OPA's own
// parsed input there. Plumbline's time includes writing the reason; the Rego rules return the bare result.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/rule"
	"github.com/plumbline-dev/plumbline/rules"
)

//go:embed rules.rego
var policy string

const rounds = 5

const (
	bucket = `{"name":"ledger","versioning":"Enabled","encryption":{"algorithm":"aws:kms"},"is_log_bucket":false,
		"lifecycle_rules":[{"id":"old","enabled":false},{"id":"archive","enabled":true}],"logging":{"target_bucket":"access-logs"},
		"effective_block":{"block_public_acls":true,"ignore_public_acls":true,"block_public_policy":true,"restrict_public_buckets":true}}`
	database = `{"name":"orders","cluster_id":"","read_replica_source":"","backup_retention_days":14,"publicly_accessible":false}`
	instance = `{"state":"running","live":true,"metadata":{"http_tokens":"required","http_endpoint":"enabled"}}`
	trail    = `{"name":"main","kms_key_id":"arn:aws:kms:eu-west-1:111122223333:key/1"}`
	exposed  = `{"name":"old","public_ingress":[{"protocol":"tcp","from_port":443,"to_port":443},{"protocol":"tcp","from_port":0,"to_port":1024}]}`
)

// pair is a rule in both languages, with a resource for it.
type pair struct {
	id, rego, resource string
	want               posture.Result
}

func pairs() []pair {
	return []pair{
		{"aws-s3-bucket-versioning-enabled", "bucket_versioning", bucket, posture.Pass},
		{"aws-s3-bucket-kms-encrypted", "bucket_kms", bucket, posture.Pass},
		{"aws-s3-bucket-lifecycle-configured", "bucket_lifecycle", bucket, posture.Pass},
		{"aws-s3-bucket-public-access-blocked", "bucket_blocked", bucket, posture.Pass},
		{"aws-s3-bucket-access-logging-enabled", "bucket_logging", bucket, posture.Pass},
		{"aws-rds-instance-backup-enabled", "database_backup", database, posture.Pass},
		{"aws-rds-instance-not-public", "database_private", database, posture.Pass},
		{"aws-ec2-instance-imdsv2-required", "instance_imds", instance, posture.Pass},
		{"aws-ec2-security-group-no-open-ssh", "group_ssh", exposed, posture.Fail},
		{"aws-cloudtrail-trail-kms-encrypted", "trail_kms", trail, posture.Pass},
	}
}

func main() {
	testing.Init()
	if err := flag.Set("test.benchtime", "100ms"); err != nil {
		log.Fatal(err)
	}
	if err := compare(context.Background()); err != nil {
		log.Fatal(err)
	}
}

func compare(ctx context.Context) error {
	set, err := rules.Load()
	if err != nil {
		return err
	}
	var ours, theirs float64 // nanoseconds, summed over the pairs
	list := pairs()
	for _, p := range list {
		a, b := math.Inf(1), math.Inf(1)
		for range rounds { // in turn, and the quickest counts: what else the machine does only ever adds
			once, err := plumbline(set, p)
			if err != nil {
				return fmt.Errorf("%s: %w", p.id, err)
			}
			a = min(a, once)
			if once, err = opa(ctx, p); err != nil {
				return fmt.Errorf("%s: %w", p.rego, err)
			}
			b = min(b, once)
		}
		fmt.Printf("%-40s ours %6.2f µs, OPA %6.2f µs\n", p.id, a/1000, b/1000)
		ours, theirs = ours+a, theirs+b
	}
	n := 1000 * float64(len(list))
	fmt.Printf("evaluation against OPA: ours %.2f µs, OPA %.2f µs, ratio %.3f\n", ours/n, theirs/n, ours/theirs)
	return nil
}

// plumbline returns the nanoseconds of one evaluation.
func plumbline(set *rule.Set, p pair) (float64, error) {
	program, err := set.Program(p.id)
	if err != nil {
		return 0, err
	}
	key := posture.Key{Type: program.Resource, Region: "eu-west-1", ID: "sample"}
	record, err := set.Compiler.Types().Decode(key, "111122223333", []byte(`{"attributes":`+p.resource+`,"unread":[]}`))
	if err != nil {
		return 0, err
	}
	subject, collected := rule.Subject{Key: key, Resource: record}, time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	if v := program.Evaluate(subject, collected); v.Result != p.want {
		return 0, fmt.Errorf("is %s (%s), want %s", v.Result, v.Reason, p.want)
	}
	return perOperation(func() error { program.Evaluate(subject, collected); return nil })
}

// opa returns the nanoseconds of one evaluation.
func opa(ctx context.Context, p pair) (float64, error) {
	query, err := rego.New(rego.Query("data.plumbline."+p.rego), rego.Module("rules.rego", policy)).PrepareForEval(ctx)
	if err != nil {
		return 0, err
	}
	var document any
	if err := json.Unmarshal([]byte(p.resource), &document); err != nil {
		return 0, err
	}
	input, err := ast.InterfaceToValue(document)
	if err != nil {
		return 0, err
	}
	evaluate := func() error {
		set, err := query.Eval(ctx, rego.EvalParsedInput(input))
		if err != nil {
			return err
		}
		if got := set[0].Expressions[0].Value; got != string(p.want) {
			return fmt.Errorf("is %v, want %s", got, p.want)
		}
		return nil
	}
	return perOperation(evaluate)
}

func perOperation(f func() error) (float64, error) {
	var failed error
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if failed = f(); failed != nil {
				b.FailNow()
			}
		}
	})
	if failed != nil {
		return 0, failed
	}
	return float64(result.T.Nanoseconds()) / float64(result.N), nil
}
