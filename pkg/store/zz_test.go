package store_test

import (
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

func BenchmarkZZ(b *testing.B) {
	s, _ := plumbtest.Store(b)
	first, same := large(0, 0), large(1, 0)
	seal(b, s, first)
	for b.Loop() {
		seal(b, s, same)
	}
}
