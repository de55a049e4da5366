package store_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/plumbtest"
)

func TestZZ(b *testing.T) {
	s, _ := plumbtest.Store(b)
	first, same := large(0, 0), large(1, 0)
	cpu := func(name string, f func()) {
		var x, y syscall.Rusage
		syscall.Getrusage(0, &x)
		t := time.Now()
		f()
		d := time.Since(t)
		syscall.Getrusage(0, &y)
		fmt.Println(name, "wall", d, "cpu", time.Duration(y.Utime.Nano()-x.Utime.Nano()+y.Stime.Nano()-x.Stime.Nano()))
	}
	cpu("first", func() { seal(b, s, first) })
	for range 4 {
		cpu("unchanged", func() { seal(b, s, same) })
	}
}
