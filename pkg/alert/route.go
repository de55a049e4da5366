package alert

import (
	"cmp"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/access"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// Settings are what decides about alerts.
type Settings struct {
	config.Alerts
	URL   string          // of the pages, for links
	Rules map[string]Rule // by id
}

// Rule is what alerts say and routes ask about a rule.
type Rule struct {
	Message  string // what is wrong when it fails
	Severity string
	Control  string
	Criteria []string
	Fields   []string // attributes it reads: "aws.cloudtrail.trail.is_logging"
}

// severities from worst to least.
var severities = []string{"critical", "high", "medium", "low"}

// worse returns the worse of two severities; one without a name is the least.
func worse(a, b string) string {
	if rank(b) < rank(a) {
		return b
	}
	return a
}

// rank orders severities, the worst first.
func rank(s string) int {
	if i := slices.Index(severities, s); i >= 0 {
		return i
	}
	return len(severities)
}

// route returns the routes that match an alert, and their receivers. accounts and tags are those of its members.
func (s Settings) route(a Alert, accounts []string, tags []map[string]string) (routes, receivers []string) {
	for _, r := range s.Routes {
		if !matches(r, a, accounts, tags) {
			continue
		}
		routes = append(routes, r.Name)
		receivers = union(receivers, r.Receivers)
		if !r.Continue {
			break
		}
	}
	return routes, receivers
}

func matches(r config.Route, a Alert, accounts []string, tags []map[string]string) bool {
	classes := r.Classes
	if len(classes) == 0 {
		classes = []string{string(Findings), string(Monitoring)}
	}
	return slices.Contains(classes, string(a.Class)) &&
		(len(r.Accounts) == 0 || slices.ContainsFunc(accounts, func(account string) bool { return access.InScope(r.Accounts, account) })) &&
		(len(r.Severities) == 0 || slices.Contains(r.Severities, a.Severity)) &&
		(len(r.Controls) == 0 || overlap(r.Controls, a.Controls)) &&
		(len(r.Criteria) == 0 || overlap(r.Criteria, a.Criteria)) &&
		(len(r.Tags) == 0 || slices.ContainsFunc(tags, func(have map[string]string) bool {
			for name, want := range r.Tags {
				if value, ok := have[name]; !ok || value != want {
					return false
				}
			}
			return true
		}))
}

func overlap(a, b []string) bool {
	return slices.ContainsFunc(a, func(s string) bool { return slices.Contains(b, s) })
}

// union appends those of more that list does not hold.
func union(list, more []string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// judge adds what the rules say of an alert: severity, controls, criteria.
func (s Settings) judge(a *Alert, rules ...string) {
	a.Rules = union(a.Rules, rules)
	for _, id := range rules {
		r := s.Rules[id]
		a.Severity = worse(a.Severity, r.Severity)
		if r.Control != "" {
			a.Controls = union(a.Controls, []string{r.Control})
		}
		a.Criteria = union(a.Criteria, r.Criteria)
	}
}

// message is what is wrong when a rule fails, without the full stop.
func (s Settings) message(rule string) string {
	return strings.TrimSuffix(cmp.Or(strings.TrimSpace(s.Rules[rule].Message), rule), ".")
}
