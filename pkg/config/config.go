// Package config is every setting of the service: one YAML file, every value of it also an environment variable, checked as a
// whole before anything uses it.
package config

import "time"

//go:generate go run ./refgen

// Config is the whole file. An empty one is a service without accounts. The tag "default" is the value of a setting that is
// given nowhere; `key:"true"` marks the setting that names an element of a list.
type Config struct {
	Database    Database     `yaml:"database"`
	DataDir     string       `yaml:"data_dir"` // keys and the private Postgres live here; empty: /var/lib/plumbline for root, else below the home directory
	Server      Server       `yaml:"server"`
	Worker      Worker       `yaml:"worker"`
	Connections []Connection `yaml:"connections"`
	Schedules   []Schedule   `yaml:"schedules"`
	Rules       Rules        `yaml:"rules"`
	Controls    []Control    `yaml:"controls"`
	Alerts      Alerts       `yaml:"alerts"`
	SignIn      SignIn       `yaml:"sign_in"`
	Retention   Retention    `yaml:"retention"`
	Checkpoints Checkpoints  `yaml:"checkpoints"`
	Log         Log          `yaml:"log"`
	Tracing     Tracing      `yaml:"tracing"`
}

// Database is where snapshots are kept; an empty URL means a private Postgres in DataDir.
type Database struct {
	URL Secret `yaml:"url"`
}

// Server is how pages and API are reached.
type Server struct {
	Listen string `yaml:"listen" default:"127.0.0.1:8080"` // host:port
	URL    string `yaml:"url"`                             // as people reach it; in links of alerts; empty: http and the address listened on
	// TrustedProxies are the networks of proxies whose X-Forwarded-For says who asks, such as 10.0.0.0/8.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// Worker says how much one process does at once.
type Worker struct {
	Scans       int           `yaml:"scans" default:"4"`         // accounts read at once
	Deliveries  int           `yaml:"deliveries" default:"8"`    // alerts delivered at once
	ScanTimeout time.Duration `yaml:"scan_timeout" default:"2h"` // of one account
	// RedactionKeyFile holds the secret behind the digests of redacted values; all processes on one database need the same. Empty:
	// redaction.key in the data directory.
	RedactionKeyFile string  `yaml:"redaction_key_file"`
	QuotaShare       float64 `yaml:"quota_share" default:"0.5"` // part of each service's published request rate that one process uses, above 0 and at most 1
}

// Connection is credentials that read one or several accounts of one cloud. Exactly one of AWS, GCP and Azure is set.
type Connection struct {
	Name       string     `yaml:"name" key:"true"`
	AWS        *AWS       `yaml:"aws"`
	GCP        *GCP       `yaml:"gcp"`
	Azure      *Azure     `yaml:"azure"`
	QuotaShare float64    `yaml:"quota_share"` // zero: that of the worker
	Exclude    []Excluded `yaml:"exclude"`
	Trusted    []string   `yaml:"trusted_accounts"` // accounts that are not external, such as those of vendors
	Reconcile  bool       `yaml:"reconcile"`        // hold lists against Cloud Asset Inventory and Azure Resource Graph, where the two lag is waited for
}

// Provider is the cloud that the connection reads: aws, azure or gcp.
func (c Connection) Provider() string {
	switch {
	case c.AWS != nil:
		return "aws"
	case c.GCP != nil:
		return "gcp"
	}
	return "azure"
}

// AWS names accounts, or an organization with every active account of it. Without either it is the account behind the ambient
// credentials.
type AWS struct {
	Organization string   `yaml:"organization"` // id of its management account, which the ambient credentials are of
	Accounts     []string `yaml:"accounts"`     // ids of 12 digits
	Role         string   `yaml:"role"`         // name or path of the role to assume in each account but the management account
	ExternalID   string   `yaml:"external_id"`  // that the role's trust policy asks for
	Regions      []string `yaml:"regions"`      // empty: every enabled one
	Partition    string   `yaml:"partition" default:"aws"`
}

// GCP names projects, or an organization with every active project below it.
type GCP struct {
	Organization   string   `yaml:"organization"`    // its number
	Projects       []string `yaml:"projects"`        // their ids
	Impersonate    string   `yaml:"impersonate"`     // e-mail of the service account to act as
	QuotaProject   string   `yaml:"quota_project"`   // whose quota counts; empty: that of the credentials
	AssetInventory bool     `yaml:"asset_inventory"` // read grants and locations from Cloud Asset Inventory: faster, minutes behind
}

// Azure names subscriptions, or a tenant with every enabled subscription below it.
type Azure struct {
	Tenant        string   `yaml:"tenant"`                 // its id
	Subscriptions []string `yaml:"subscriptions"`          // their ids
	Cloud         string   `yaml:"cloud" default:"public"` // public, government or china
	ResourceGraph bool     `yaml:"resource_graph"`         // take lists from Resource Graph where it holds all of them: fewer calls, minutes behind
}

// Excluded is an account left out on purpose.
type Excluded struct {
	Account string `yaml:"account" key:"true"`
	Reason  string `yaml:"reason"` // shown with the coverage
}

// Schedule says when connections are scanned.
type Schedule struct {
	Name        string   `yaml:"name" key:"true"`
	Cron        string   `yaml:"cron"`                    // five fields, or @daily and its like
	TimeZone    string   `yaml:"time_zone" default:"UTC"` // IANA name
	Connections []string `yaml:"connections"`             // their names
}

// Rules switches rules off and sets their parameters.
type Rules struct {
	Off        []SwitchedOff             `yaml:"off"`
	Parameters map[string]map[string]any `yaml:"parameters"` // by rule id
}

// SwitchedOff is a rule that is not judged, and why; reports list it.
type SwitchedOff struct {
	Rule   string `yaml:"rule" key:"true"` // its id
	Reason string `yaml:"reason"`
}

// Control says who answers for a control and what people have to attach to it.
type Control struct {
	ID       string     `yaml:"id" key:"true"`
	Owner    string     `yaml:"owner"`    // e-mail
	Evidence []Evidence `yaml:"evidence"` // manual slots
}

// Evidence is a slot for something that people attach.
type Evidence struct {
	Name      string `yaml:"name" key:"true"`
	Frequency string `yaml:"frequency" default:"yearly"` // once, weekly, monthly, quarterly or yearly
	Due       int    `yaml:"due_days" default:"30"`      // days after the end of the period
}

// Alerts says who hears of what.
type Alerts struct {
	Receivers []Receiver `yaml:"receivers"`
	Routes    []Route    `yaml:"routes"`   // the first that matches, and those after it while continue is set
	Damping   Damping    `yaml:"damping"`  // a finding that flips more often than this is held back
	Escalate  []Escalate `yaml:"escalate"` // by severity
	Digests   []Digest   `yaml:"digests"`
}

// Receiver is one channel. Exactly one of its kinds is set; secrets may be read from a file (…_file).
type Receiver struct {
	Name         string        `yaml:"name" key:"true"`
	Slack        *Slack        `yaml:"slack"`
	PagerDuty    *PagerDuty    `yaml:"pagerduty"`
	Alertmanager *Alertmanager `yaml:"alertmanager"`
	Email        *Email        `yaml:"email"`
	Webhook      *Webhook      `yaml:"webhook"`
}

// Slack posts to an incoming webhook.
type Slack struct {
	URL Secret `yaml:"url"`
}

// PagerDuty sends Events API v2 events.
type PagerDuty struct {
	URL        string `yaml:"url" default:"https://events.pagerduty.com"`
	RoutingKey Secret `yaml:"routing_key"` // integration key of the service
}

// Alertmanager posts to /api/v2/alerts.
type Alertmanager struct {
	URL   string `yaml:"url"`   // without the path; plain http only without a token
	Token Secret `yaml:"token"` // bearer token, if it asks for one
}

// Email is an SMTP server.
type Email struct {
	Server   string   `yaml:"server"`                 // host:port
	TLS      string   `yaml:"tls" default:"starttls"` // starttls, implicit or none
	Username string   `yaml:"username"`
	Password Secret   `yaml:"password"`
	From     string   `yaml:"from"`
	To       []string `yaml:"to"`
}

// Webhook posts JSON, signed with HMAC-SHA256.
type Webhook struct {
	URL    string `yaml:"url"`
	Secret Secret `yaml:"secret"` // key of the signature
}

// Route sends what matches to receivers. Empty matchers match everything; several values of one are alternatives.
type Route struct {
	Name       string            `yaml:"name" key:"true"`
	Severities []string          `yaml:"severities"` // critical, high, medium, low
	Controls   []string          `yaml:"controls"`   // ids
	Criteria   []string          `yaml:"criteria"`   // "CC6.1"
	Accounts   []string          `yaml:"accounts"`   // "aws:111122223333", "aws:*"
	Tags       map[string]string `yaml:"tags"`       // of the resource; every one has to match
	Classes    []string          `yaml:"classes"`    // finding, expiry, coverage, monitoring; empty: finding and monitoring
	Receivers  []string          `yaml:"receivers"`  // their names
	Continue   bool              `yaml:"continue"`   // look at the routes below as well
}

// Damping holds back a finding that changes state more than Flips times within Window.
type Damping struct {
	Flips  int           `yaml:"flips" default:"4"` // 0: never held back
	Window time.Duration `yaml:"window" default:"24h"`
}

// Escalate tells further receivers of an alert that nobody acknowledged.
type Escalate struct {
	Severities []string      `yaml:"severities"` // empty: all
	After      time.Duration `yaml:"after"`      // without acknowledgement
	Receivers  []string      `yaml:"receivers"`  // their names
}

// Digest is a summary on a schedule.
type Digest struct {
	Name      string   `yaml:"name" key:"true"`
	Cron      string   `yaml:"cron"`                    // five fields, or @daily and its like
	TimeZone  string   `yaml:"time_zone" default:"UTC"` // IANA name
	Receivers []string `yaml:"receivers"`               // their names
}

// SignIn is who may come in. Without OIDC only the bootstrap administrator and API tokens can.
type SignIn struct {
	OIDC       *OIDC         `yaml:"oidc"`
	SessionTTL time.Duration `yaml:"session_ttl" default:"12h"` // how long a sign-in lasts
}

// OIDC is an identity provider; groups of its users become roles.
type OIDC struct {
	Issuer       string              `yaml:"issuer"` // its URL, as its discovery document writes it
	ClientID     string              `yaml:"client_id"`
	ClientSecret Secret              `yaml:"client_secret"`
	GroupsClaim  string              `yaml:"groups_claim" default:"groups"` // claim of the id token that lists a user's groups
	Roles        map[string][]string `yaml:"roles"`                         // role: groups
}

// Retention is how long things are kept. The defaults, 25 months and 7 years, are also the least: a period of 12 months, its
// fieldwork and an overlap have to fit in.
type Retention struct {
	Bodies    time.Duration `yaml:"bodies" default:"762d"`   // raw answers in no package
	Records   time.Duration `yaml:"records" default:"2557d"` // everything else
	Shortened string        `yaml:"shortened_because"`       // allows less than the defaults; every package discloses this reason
}

// Checkpoints are signed heads of the log of snapshots and audit entries. The process that answers requests signs them; each then goes
// where this installation's administrators cannot rewrite it.
type Checkpoints struct {
	Every   time.Duration `yaml:"every" default:"24h"`
	Publish []string      `yaml:"publish"` // URLs that take POST, or folders
}

// Log is the program's own log.
type Log struct {
	Level  string `yaml:"level" default:"info"`  // debug, info, warn or error
	Format string `yaml:"format" default:"text"` // text or json
}

// Tracing sends OpenTelemetry traces when an endpoint is set.
type Tracing struct {
	Endpoint string `yaml:"endpoint"` // URL of an OTLP collector
}

// Secret is a value that never shows when it is printed, logged or written as JSON. The setting NAME_file reads it from a file,
// without the line break at its end.
type Secret string

// String hides the value.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[hidden]"
}

// MarshalText hides the value.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
