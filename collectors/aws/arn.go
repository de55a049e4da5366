package aws

import "strings"

// arnParts returns the nth colon-separated part of an ARN, counted from 1 ("arn" itself); the sixth holds all that is left.
// It is "" where there is none.
func arnParts(name string, n int) string {
	parts := strings.SplitN(name, ":", 6)
	if n > len(parts) || parts[0] != "arn" {
		return ""
	}
	return parts[n-1]
}

// accountOf returns the account an ARN belongs to, "" when it names none.
func accountOf(name string) string { return arnParts(name, 5) }
