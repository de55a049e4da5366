package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/plumbline-dev/plumbline/pkg/config"
)

var writeReference = flag.Bool("write-reference", false, "write docs/reference/cli.md anew")

//go:generate go test . -count 1 -run ^TestCommandReference$ -write-reference

const referencePage = "../../docs/reference/cli.md"

// TestCommandReference holds the reference page to the commands as they are.
func TestCommandReference(t *testing.T) {
	for _, name := range []string{"PLUMBLINE_DATABASE_URL", "PLUMBLINE_CONFIG", "PLUMBLINE_SERVER_URL"} { // they are defaults of flags
		t.Setenv(name, "")
	}
	t.Setenv("PLUMBLINE_DATA_DIR", "/var/lib/plumbline")
	var b bytes.Buffer
	b.WriteString("<!-- Written by go generate ./cmd/plumbline; do not edit. -->\n# Commands\n\nExit codes: 0 done, 1 something was found or differs, 2 usage, settings or credentials, 3 not all could be read (`--fail-on`), 4 an error of the program or its database.\n")
	describe(&b, newRoot(streams{}), 2)
	if *writeReference {
		if err := os.WriteFile(referencePage, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	page, err := os.ReadFile(referencePage)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(page), b.String()); diff != "" {
		t.Errorf("docs/reference/cli.md is out of date, run go generate ./cmd/plumbline (-page +commands):\n%s", diff)
	}
}

func describe(b *bytes.Buffer, c *cobra.Command, depth int) {
	fmt.Fprintf(b, "\n%s %s\n\n%s\n", strings.Repeat("#", min(depth, 4)), c.CommandPath(), firstOf(c.Long, c.Short+"."))
	if c.Runnable() {
		fmt.Fprintf(b, "\n```\n%s\n```\n", c.UseLine())
	}
	flags := c.LocalNonPersistentFlags()
	if !c.HasParent() {
		flags = c.PersistentFlags()
	}
	rows := ""
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		name := "--" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", " + name
		}
		if kind != "" {
			name += " " + kind
		}
		value := ""
		if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" {
			value = "`" + f.DefValue + "`"
		}
		rows += fmt.Sprintf("| `%s` | %s | %s |\n", name, strings.ReplaceAll(usage, "|", `\|`), value)
	})
	if rows != "" {
		fmt.Fprintf(b, "\n| flag | | default |\n|---|---|---|\n%s", rows)
	}
	if c.Example != "" && c.Runnable() {
		fmt.Fprintf(b, "\n```sh\n%s\n```\n", strings.TrimRight(regexp.MustCompile(`(?m)^  `).ReplaceAllString(c.Example, ""), "\n"))
	}
	for _, sub := range c.Commands() {
		if !sub.Hidden && sub.Name() != "help" && sub.Name() != "completion" {
			describe(b, sub, depth+1)
		}
	}
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// fence is a block of code in a page, with the name of its language.
var fence = regexp.MustCompile("(?ms)^ *```([a-z]+)\n(.*?)^ *```")

// documents are the pages that people wrote, and files whose comments hold commands.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"../../*.md", "../../docs/*.md", "../../docs/decisions/*.md", "../../deploy/*.md"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			out[strings.TrimPrefix(path, "../../")] = string(text)
		}
	}
	return out
}

// commandLine is a line that runs plumbline, maybe behind variables or after "&&", or in the text as code.
var (
	inBlock = regexp.MustCompile(`(?:^|&& |\| |; |\$\()(?:[A-Z_]+=\S+ )*(?:bin/)?plumbline ((?:[^#|&>;\n'")]|"[^"\n]*"|'[^'\n]*')*)`)
	inText  = regexp.MustCompile("`plumbline ([^`]*)`")
	word    = regexp.MustCompile(`"[^"]*"|'[^']*'|\S+`)
)

// TestDocumentedCommandsExist looks at each command that a page prints: whether it exists, with these flags and this many arguments.
func TestDocumentedCommandsExist(t *testing.T) {
	seen := 0
	for name, text := range documents(t) {
		var lines []string
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			if block[1] != "sh" {
				continue
			}
			code := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(block[2], "")
			for _, line := range strings.Split(code, "\n") {
				for _, m := range inBlock.FindAllStringSubmatch(strings.TrimSpace(line), -1) {
					lines = append(lines, m[1])
				}
			}
		}
		prose := fence.ReplaceAllString(text, "")
		for _, m := range inText.FindAllStringSubmatch(prose, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			seen++
			if problem := wrongCommand(line, strings.Contains(prose, "`plumbline "+line)); problem != "" {
				t.Errorf("%s: plumbline %s: %s", name, line, problem)
			}
		}
	}
	if seen < 40 {
		t.Errorf("only %d commands in the pages", seen)
	}
	for line, want := range map[string]string{
		"scan --provder gcp":        "unknown flag",
		"findings lst":              "unknown command",
		"exceptions approve":        "accepts 1 arg",
		"scan --quota-share many":   "invalid argument",
		"demo --once --output json": "",
	} {
		if got := wrongCommand(line, false); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
}

// wrongCommand says what is wrong with a command line; one that only names a command may leave its arguments out.
func wrongCommand(line string, named bool) string {
	var args []string
	for _, w := range word.FindAllString(line, -1) {
		args = append(args, strings.Trim(w, `"'`))
	}
	if strings.Contains(line, "|") { // "list|show" stands for several
		first, _, _ := strings.Cut(line, "|")
		return wrongCommand(first, true)
	}
	c, rest, err := newRoot(streams{}).Find(args)
	if err != nil {
		return err.Error()
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err.Error()
	}
	rest = c.Flags().Args()
	switch {
	case c.HasSubCommands() && len(rest) > 0:
		return fmt.Sprintf("unknown command %q", rest[0])
	case named && len(rest) == 0, c.HasSubCommands(), c.Args == nil:
		return ""
	}
	if err := c.Args(c, rest); err != nil {
		return strings.SplitN(err.Error(), "\n", 2)[0]
	}
	return ""
}

// TestDocumentedSettingsHold checks every YAML block that is a whole settings file.
func TestDocumentedSettingsHold(t *testing.T) {
	set, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for name, text := range documents(t) {
		for _, block := range fence.FindAllStringSubmatch(text, -1) {
			if block[1] != "yaml" || !strings.HasPrefix(block[2], "# plumbline.yaml") {
				continue
			}
			seen++
			if _, err := config.Parse(name, []byte(block[2]), nil, knownTo(set)); err != nil {
				t.Error(err)
			}
		}
	}
	if seen == 0 {
		t.Error("no page shows settings")
	}
}

// TestLinksLeadSomewhere follows links between pages, to headings as well.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading := regexp.MustCompile(`(?m)^#+ (.*)$`)
	for name, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			path := filepath.Join("../..", filepath.Dir(name), target)
			if target == "" {
				path = filepath.Join("../..", name)
			}
			page, err := os.ReadFile(path)
			if info, e := os.Stat(path); err != nil && (e != nil || !info.IsDir()) {
				t.Errorf("%s: %s is not there", name, m[1])
				continue
			}
			if anchor == "" {
				continue
			}
			found := false
			for _, h := range heading.FindAllStringSubmatch(string(page), -1) {
				slug := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(h[1]), "")
				found = found || strings.ReplaceAll(slug, " ", "-") == anchor
			}
			if !found {
				t.Errorf("%s: %s has no such heading", name, m[1])
			}
		}
	}
}
