// Package check is the command line that checks packages: verify, reperform and trace, the same in plumbline-verify and in plumbline.
package check

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Usage says how the command is called.
const Usage = `usage:
  NAME verify PACKAGE [--key FILE] [--head FILE]   is it as it was signed, whole, and in the log?
  NAME reperform PACKAGE [--rule ID]               judge the recorded settings again and compare
  NAME trace PACKAGE RESULT                        follow a result back to its calls; RESULT is RULE/RESOURCE or a line number of results.jsonl

PACKAGE is a directory, a .tar.gz or a .zip. --key is a keys.json, a key or a PEM file that you got by another way than the package;
--head is a signed head of the log that you got earlier. --json prints JSON.

exit code of verify: 0 good, 1 altered or added to, 2 not trusted (key or head), 3 a file is missing
exit code of reperform: 0 the same results, 1 differences
`

// badUsage is the exit code of a mistake on the command line, and of what cannot be read at all.
const badUsage = 4

// Run runs one command line and returns its exit code.
func Run(name string, args []string, out, errs io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(errs, strings.ReplaceAll(Usage, "NAME", name))
		return badUsage
	}
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.Usage = func() { fmt.Fprint(errs, strings.ReplaceAll(Usage, "NAME", name)) }
	key, head := flags.String("key", "", ""), flags.String("head", "", "")
	rule, asJSON := flags.String("rule", "", ""), flags.Bool("json", false, "")
	var rest []string
	for left := args[1:]; ; { // flags may stand anywhere
		if err := flags.Parse(left); err != nil {
			return badUsage
		}
		if flags.NArg() == 0 {
			break
		}
		rest, left = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
	c := command{out, errs, *asJSON}
	var code int
	var err error
	switch {
	case args[0] == "verify" && len(rest) == 1:
		code, err = c.verify(rest[0], *key, *head)
	case args[0] == "reperform" && len(rest) == 1:
		code, err = c.reperform(rest[0], *rule)
	case args[0] == "trace" && len(rest) == 2:
		code, err = c.trace(rest[0], rest[1])
	default:
		flags.Usage()
		return badUsage
	}
	if err != nil {
		fmt.Fprintf(errs, "%s: %v\n", name, err)
		if errors.Is(err, posture.ErrInvalid) {
			return evidence.Altered
		}
		return badUsage
	}
	return code
}

type command struct {
	out, errs io.Writer
	json      bool
}

func (c command) show(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (c command) verify(name, key, head string) (int, error) {
	var trust evidence.Trust
	if key != "" {
		data, err := os.ReadFile(key)
		if err != nil {
			return 0, err
		}
		if trust.Keys, err = evidence.ParseKeys(data); err != nil {
			return 0, fmt.Errorf("%s: %w", key, err)
		}
	}
	if head != "" {
		var err error
		if trust.Head, err = os.ReadFile(head); err != nil {
			return 0, err
		}
	}
	r, err := evidence.VerifyPath(name, trust)
	if err != nil {
		return 0, err
	}
	if c.json {
		return r.Code(), c.show(r)
	}
	for _, p := range r.Problems {
		fmt.Fprintf(c.out, "%s: %s\n", p.Path, printable(p.Text))
	}
	for _, note := range r.Notes {
		fmt.Fprintf(c.out, "note: %s\n", note)
	}
	if r.Code() == evidence.Good {
		m := r.Manifest
		fmt.Fprintf(c.out, "good: package %s, %d files, root %s\nsigned by %s; head of the log %d of %s\n", m.ID, len(m.Files), m.Root, r.Key, m.Log.Size, m.Log.At.Format("2006-01-02 15:04:05Z"))
	}
	return r.Code(), nil
}

func (c command) reperform(name, rule string) (int, error) {
	p, err := evidence.Open(name)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	r, err := p.Reperform(rule)
	if err != nil {
		return 0, err
	}
	code := evidence.Good
	if len(r.Differences) > 0 {
		code = evidence.Altered
	}
	if c.json {
		return code, c.show(r)
	}
	for _, d := range r.Differences {
		fmt.Fprintf(c.out, "%s/%d %s %s %s\n  recorded: %s\n  again:    %s\n", d.Account, d.Snapshot, d.Rule, d.Resource.Region, printable(d.Resource.ID), printable(d.Recorded), printable(d.Again))
	}
	fmt.Fprintf(c.out, "%d results of %d snapshots judged again, %d differ\n", r.Judged, r.Snapshots, len(r.Differences))
	if r.Unjudged > 0 {
		fmt.Fprintf(c.out, "note: %d results were judged by versions of rules whose text the package does not hold\n", r.Unjudged)
	}
	return code, nil
}

func (c command) trace(name, result string) (int, error) {
	p, err := evidence.Open(name)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	list, err := p.Trace(result)
	if err != nil {
		return 0, err
	}
	if c.json {
		return 0, c.show(list)
	}
	for _, t := range list {
		fmt.Fprintf(c.out, "%s on %s %s %s: %s\n  %s\n", t.Result.RuleID, t.Result.Resource.Type, t.Result.Resource.Region, printable(t.Result.Resource.ID), t.Result.Result, printable(t.Result.Reason))
		fmt.Fprintf(c.out, "rule     %s (version %.12s, %s)\n  %s\n", t.Rule.Title, t.Rule.Version, t.Rule.File, printable(t.Rule.Reading))
		for _, field := range slices.Sorted(maps.Keys(t.Result.Inputs)) {
			fmt.Fprintf(c.out, "input    %s = %s\n", field, printable(string(t.Result.Inputs[field])))
		}
		if t.Settings != nil {
			fmt.Fprintf(c.out, "settings sha256 %s\n", t.Settings.SHA256)
		}
		fmt.Fprintf(c.out, "snapshot %s/%d, root %s, in the log of %d records\n", t.Snapshot.Account, t.Snapshot.Seq, t.Snapshot.Root, t.Log.Size)
		for _, cell := range t.Cells {
			fmt.Fprintf(c.out, "cell     %s %s %s, %d calls\n", cell.Type, cell.Region, cell.State, cell.Calls)
		}
		for _, call := range t.Calls {
			fmt.Fprintf(c.out, "call     %d %s %s at %s: %d, request %s\n", call.Seq, call.Operation, call.Region, call.Started.Format("2006-01-02 15:04:05.000Z"), call.Status, printable(call.RequestID))
			if call.Fragment != "" {
				fmt.Fprintf(c.out, "  %s: … %s …\n", call.Raw, printable(call.Fragment))
			}
			if call.Repeat != "" {
				fmt.Fprintf(c.out, "  again live: %s\n", printable(call.Repeat))
			}
		}
	}
	return 0, nil
}

// printable keeps text that came from a cloud from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, s)
}
