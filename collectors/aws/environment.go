package aws

import (
	"maps"
	"regexp"
	"slices"
)

var (
	secretName = regexp.MustCompile(`(?i)passw(or)?d|passphrase|secret|token|credential|api_?key|access_?key|private_?key|signing_?key|conn(ection)?_?str`)
	// secretValue: access keys of AWS, private keys, tokens of code hosts and chats, and addresses with a password in them.
	secretValue = regexp.MustCompile(`\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY|\bgh[pousr]_\w{36}|\bglpat-[\w-]{20}|\bxox[abprs]-\w|\w+://[^/\s:@]+:[^/\s@]+@`)
	// harmless values say where a secret is, or are settings about one: ARNs, references, paths, numbers, switches.
	harmless = regexp.MustCompile(`(?i)^(|arn:.*|\{\{resolve:.*|/.*|https?://[^@]*|[\d.]+\w?|true|false|yes|no|on|off|none|null|enabled|disabled)$`)
)

// suspiciousNames returns the variables, sorted, whose value looks like a credential, or whose name says that it is one.
func suspiciousNames(variables map[string]string) []string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(variables)) {
		value := variables[name]
		if secretValue.MatchString(value) || secretName.MatchString(name) && !harmless.MatchString(value) {
			out = append(out, name)
		}
	}
	return out
}
