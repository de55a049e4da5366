package rule

import (
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// BenchmarkEvaluate measures one verdict with its reason, and one leaf alone as CEL computes it.
func BenchmarkEvaluate(b *testing.B) {
	c := newTestCompiler(b)
	record := decode(b, c, "i-1", full)
	blind := decode(b, c, "i-1", full, unreadAt("size", "ports[]")...)
	for name, test := range map[string]struct {
		condition string
		record    *Record
	}{
		"one field":                {`resource.public`, record},
		"three conjuncts":          {`resource.size >= 1 && resource.role != "" && resource.days != null`, record},
		"a loop of two":            {`resource.ports.all(p, !p.open || p.from == 443)`, record},
		"an unread field":          {`resource.size >= 1`, blind},
		"a loop over a part":       {`resource.ports.all(p, p.from > 1)`, blind},
		"three conjuncts and ages": {`resource.role != "" && resource.seen_at != null && age_days(resource.seen_at) < 9`, record},
	} {
		p := compile(b, c, ruleFile(test.condition))
		subject := Subject{Key: test.record.Key(), Resource: test.record}
		b.Run(name+"/verdict", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p.Evaluate(subject, collected)
			}
		})
		b.Run(name+"/condition", func(b *testing.B) {
			b.ReportAllocs()
			vars := &variables{program: p, subject: subject}
			for b.Loop() {
				p.passes.evaluate(vars)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	c := newTestCompiler(b)
	content := []byte(`{"attributes":` + full + `,"schema":1,"unread":[]}`)
	key := posture.Key{Type: serverType, Region: "eu-west-1", ID: "i-1"}
	b.ReportAllocs()
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		if _, err := c.Types().Decode(key, "111122223333", content); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	c := newTestCompiler(b)
	r, err := Parse("x.yaml", []byte(goodRule))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := c.Compile(r, nil); err != nil {
			b.Fatal(err)
		}
	}
}
