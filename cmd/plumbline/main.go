// Plumbline reads cloud accounts, keeps sealed snapshots of what it saw, and judges them against SOC 2 rules.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// version is set by the linker.
var version = "dev"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr})
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	exitDone       = 0
	exitFound      = 1 // something was found, with --fail-on, or two things differ
	exitSetup      = 2 // usage, settings or credentials
	exitIncomplete = 3 // coverage gaps, with --fail-on
	exitInternal   = 4
)

// exit is an error that only sets the exit code: what there is to say has been printed.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// run runs one command line and returns its exit code.
func run(ctx context.Context, args []string, s streams) int {
	root := newRoot(s)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	var code exit
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &code):
		return int(code)
	}
	text := strings.ReplaceAll(err.Error(), ":\n\t", ": ") // a library's list of addresses tried
	text, _, _ = strings.Cut(text, "\n\t")
	fmt.Fprintln(s.err, "plumbline:", text)
	var usage usageError
	if errors.As(err, &usage) || strings.HasPrefix(text, "unknown command") || errors.Is(err, posture.ErrSetup) || errors.Is(err, posture.ErrInvalid) || errors.Is(err, posture.ErrNotFound) {
		return exitSetup
	}
	return exitInternal
}
