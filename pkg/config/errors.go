package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Error is one thing wrong with the settings.
type Error struct {
	File     string `json:"file,omitempty"`
	Line     int    `json:"line,omitempty"`
	Variable string `json:"variable,omitempty"` // the environment variable at fault, in place of file and line
	Setting  string `json:"setting"`            // "schedules[nightly].cron"
	Value    string `json:"value,omitempty"`    // never a secret
	Problem  string `json:"problem"`
	Fix      string `json:"fix"`

	misshapen bool // nothing inside the setting could be decoded
}

// Error reads `plumbline.yaml:12: schedules[nightly].cron: "daily": not a cron expression; write five fields …`.
func (e Error) Error() string {
	at := e.Variable
	if at == "" {
		at = fmt.Sprintf("%s:%d", e.File, e.Line)
	}
	parts := []string{at}
	if e.Setting != "" {
		parts = append(parts, e.Setting)
	}
	if e.Value != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Value))
	}
	return strings.Join(append(parts, e.Problem), ": ") + "; " + e.Fix
}

// Errors are all that is wrong with the settings, those of the file first, by line. It is posture.ErrInvalid.
type Errors []Error

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, one := range e {
		lines[i] = one.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap makes errors.Is find posture.ErrInvalid.
func (Errors) Unwrap() error { return posture.ErrInvalid }

func (e Errors) sort() {
	slices.SortStableFunc(e, func(a, b Error) int { return cmp.Or(cmp.Compare(a.Variable, b.Variable), cmp.Compare(a.Line, b.Line)) })
}

// nearest returns the candidate that looks most like name, or "" when none does.
func nearest(name string, candidates []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete or replace to make a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal
			} else {
				row[j+1] = 1 + min(diagonal, above, row[j])
			}
			diagonal = above
		}
	}
	return row[len(b)]
}
