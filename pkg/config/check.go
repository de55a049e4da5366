package config

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/plumbline-dev/plumbline/pkg/access"
)

// The words that settings may use.
var (
	severities  = []string{"critical", "high", "medium", "low"}
	classes     = []string{"finding", "expiry", "coverage", "monitoring"}
	frequencies = []string{"once", "weekly", "monthly", "quarterly", "yearly"}
	providers   = []string{"aws", "azure", "gcp"}
	roles       = []access.Role{
		access.Viewer, access.OnCall, access.Compliance, access.RuleAuthor, access.RuleLead, access.Admin, access.Auditor, access.Collector,
	}
)

// The shapes of names in the clouds.
var (
	awsAccount      = regexp.MustCompile(`^[0-9]{12}$`)
	awsRegion       = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
	awsPartition    = regexp.MustCompile(`^aws(-[a-z]+)*$`)
	awsRole         = regexp.MustCompile(`^/?([\w+=,.@-]+/)*[\w+=,.@-]{1,64}$`)
	gcpOrganization = regexp.MustCompile(`^(organizations/)?[0-9]+$`)
	gcpProject      = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	azureID         = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
)

// The least retention without a reason given: that of the audit model.
const (
	leastBodies  = 762 * 24 * time.Hour
	leastRecords = 2557 * 24 * time.Hour
)

// checker says what is wrong with settings that could be decoded.
type checker struct {
	*decoder
	known *Known
}

// bad is an error at a setting, or where the part it belongs to begins when it is not there itself. What could not be decoded
// has its error already.
func (k *checker) bad(path, value, problem, fix string) {
	for _, e := range k.errors {
		if e.Setting == path || e.misshapen && strings.HasPrefix(path, e.Setting) {
			return
		}
	}
	for at := path; ; {
		if p, ok := k.places[at]; ok {
			k.fail(p, path, value, problem, fix)
			return
		}
		at = at[:max(strings.LastIndexAny(at, ".["), 0)]
	}
}

func (k *checker) check(c *Config) {
	if c.Server.URL == "" {
		c.Server.URL = localURL(c.Server.Listen)
	}
	text := string(c.Database.URL)
	if scheme, _, found := strings.Cut(text, "://"); found && scheme != "postgres" && scheme != "postgresql" {
		k.bad("database.url", "", "not the address of a PostgreSQL server", "write postgres://USER@HOST/DATABASE")
	}
	k.address("server.listen", c.Server.Listen)
	k.url("server.url", c.Server.URL, false)
	if k.positive("checkpoints.every", c.Checkpoints.Every) && c.Checkpoints.Every > 24*time.Hour {
		k.bad("checkpoints.every", c.Checkpoints.Every.String(), "longer than a day", "sign at least daily: 24h or less")
	}
	for i, network := range c.Server.TrustedProxies {
		if _, err := netip.ParsePrefix(network); err != nil {
			k.bad(fmt.Sprintf("server.trusted_proxies[%d]", i+1), network, "not a network", "write one such as 10.0.0.0/8, or 10.1.2.3/32 for one proxy")
		}
	}
	k.atLeast("worker.scans", c.Worker.Scans, 1)
	k.atLeast("worker.deliveries", c.Worker.Deliveries, 1)
	k.positive("worker.scan_timeout", c.Worker.ScanTimeout)
	k.share("worker.quota_share", c.Worker.QuotaShare)
	k.connections(c.Connections)
	k.schedules(c.Schedules, namesOf(c.Connections, func(c Connection) string { return c.Name }))
	k.rules(c.Rules)
	k.controls(c.Controls)
	k.alerts(c.Alerts)
	k.signIn(c.SignIn)
	k.retention(c.Retention)
	k.oneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	k.oneOf("log.format", c.Log.Format, "text", "json")
	if c.Tracing.Endpoint != "" {
		k.url("tracing.endpoint", c.Tracing.Endpoint, true)
	}
}

func (k *checker) connections(list []Connection) {
	k.named("connections", "name", namesOf(list, func(c Connection) string { return c.Name }))
	read := map[string]string{} // account: where it is listed
	for i, c := range list {
		path := element("connections", i, c.Name)
		var provider string
		var accounts []string
		var listed string
		kinds := 0
		if c.AWS != nil {
			kinds++
			provider, listed, accounts = "aws", path+".aws.accounts", c.AWS.Accounts
			k.aws(path+".aws", *c.AWS)
		}
		if c.GCP != nil {
			kinds++
			provider, listed, accounts = "gcp", path+".gcp.projects", c.GCP.Projects
			k.gcp(path+".gcp", *c.GCP)
		}
		if c.Azure != nil {
			kinds++
			provider, listed, accounts = "azure", path+".azure.subscriptions", c.Azure.Subscriptions
			k.azure(path+".azure", *c.Azure)
		}
		if kinds != 1 {
			k.bad(path, "", "not of one cloud", "set exactly one of aws, gcp and azure")
			continue
		}
		if c.QuotaShare != 0 {
			k.share(path+".quota_share", c.QuotaShare)
		}
		for j, account := range accounts {
			at, name := fmt.Sprintf("%s[%d]", listed, j+1), provider+":"+strings.ToLower(account)
			if other := read[name]; other != "" {
				k.bad(at, account, "already read through "+other, "list every account once")
			}
			read[name] = path
		}
		k.named(path+".exclude", "account", namesOf(c.Exclude, func(e Excluded) string { return e.Account }))
		for j, e := range c.Exclude {
			at := element(path+".exclude", j, e.Account)
			k.account(at+".account", provider, e.Account)
			k.required(at+".reason", e.Reason, "say why it is left out; coverage shows it")
			if slices.Contains(accounts, e.Account) {
				k.bad(at, e.Account, "both listed and excluded", "remove it from one of the two")
			}
		}
		for j, trusted := range c.Trusted {
			k.account(fmt.Sprintf("%s.trusted_accounts[%d]", path, j+1), provider, trusted)
		}
	}
}

func (k *checker) aws(path string, a AWS) {
	for i, account := range a.Accounts {
		k.account(fmt.Sprintf("%s.accounts[%d]", path, i+1), "aws", account)
	}
	if a.Organization != "" {
		k.account(path+".organization", "aws", a.Organization)
		if slices.Contains(a.Accounts, a.Organization) {
			k.bad(path+".accounts", a.Organization, "the management account, which is read anyway", "list the other accounts, or none for all of them")
		}
	}
	if (len(a.Accounts) > 1 || a.Organization != "") && a.Role == "" {
		k.bad(path+".role", "", "several accounts and no role", "name the role that can be assumed in each of them")
	}
	switch {
	case strings.HasPrefix(a.Role, "arn:"):
		k.bad(path+".role", a.Role, "an ARN, which names one account", "write the role's name or path, such as audit/plumbline-read")
	case a.Role != "" && !awsRole.MatchString(a.Role):
		k.bad(path+".role", a.Role, "not the name of a role", "write the role's name or path, such as audit/plumbline-read")
	case a.Role == "" && a.ExternalID != "":
		k.bad(path+".external_id", "", "no role to use it with", "set role as well")
	}
	for i, region := range a.Regions {
		if !awsRegion.MatchString(region) {
			k.bad(fmt.Sprintf("%s.regions[%d]", path, i+1), region, "not a region", "write one such as eu-west-1")
		}
	}
	if !awsPartition.MatchString(a.Partition) {
		k.bad(path+".partition", a.Partition, "not a partition", "write aws, aws-cn or aws-us-gov")
	}
}

func (k *checker) gcp(path string, g GCP) {
	if (g.Organization == "") == (len(g.Projects) == 0) {
		k.bad(path, "", "neither or both of organization and projects", "set one of them")
	}
	if g.Organization != "" && !gcpOrganization.MatchString(g.Organization) {
		k.bad(path+".organization", g.Organization, "not the number of an organization", "write its number, such as 123456789012")
	}
	for i, project := range g.Projects {
		k.account(fmt.Sprintf("%s.projects[%d]", path, i+1), "gcp", project)
	}
	if g.QuotaProject != "" {
		k.account(path+".quota_project", "gcp", g.QuotaProject)
	}
	if g.Impersonate != "" {
		k.email(path+".impersonate", g.Impersonate)
	}
}

func (k *checker) azure(path string, a Azure) {
	if a.Tenant == "" && len(a.Subscriptions) == 0 {
		k.bad(path, "", "nothing to read", "set tenant, subscriptions or both")
	}
	if a.Tenant != "" {
		k.account(path+".tenant", "azure", a.Tenant)
	}
	for i, subscription := range a.Subscriptions {
		k.account(fmt.Sprintf("%s.subscriptions[%d]", path, i+1), "azure", subscription)
	}
	k.oneOf(path+".cloud", a.Cloud, "public", "government", "china")
}

// account checks the id of an account.
func (k *checker) account(path, provider, id string) {
	switch {
	case provider == "aws" && !awsAccount.MatchString(id):
		k.bad(path, id, "not an AWS account", "write its 12 digits")
	case provider == "gcp" && !gcpProject.MatchString(id) && !gcpOrganization.MatchString(id):
		k.bad(path, id, "not a Google Cloud project", "write its id, such as acme-production, not its display name")
	case provider == "azure" && !azureID.MatchString(id):
		k.bad(path, id, "not the id of a subscription or tenant", "write the GUID, such as 11111111-2222-4333-8444-555555555555")
	}
}

func (k *checker) schedules(list []Schedule, connections []string) {
	k.named("schedules", "name", namesOf(list, func(s Schedule) string { return s.Name }))
	for i, s := range list {
		path := element("schedules", i, s.Name)
		k.cron(path, s.Cron, s.TimeZone)
		k.references(path+".connections", s.Connections, "connection", connections)
		k.some(path+".connections", s.Connections, "name the connections to scan")
	}
}

func (k *checker) rules(r Rules) {
	k.named("rules.off", "rule", namesOf(r.Off, func(o SwitchedOff) string { return o.Rule }))
	for i, o := range r.Off {
		path := element("rules.off", i, o.Rule)
		k.required(path+".reason", o.Reason, "say why the rule is not judged; reports list it")
		if k.known != nil && o.Rule != "" {
			k.exists(path+".rule", o.Rule, "rule", k.known.Rules)
		}
	}
	if k.known == nil {
		return
	}
	for _, id := range slices.Sorted(maps.Keys(r.Parameters)) {
		path := "rules.parameters[" + id + "]"
		if !k.exists(path, id, "rule", k.known.Rules) || k.known.Parameters == nil {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(r.Parameters[id])) {
			value := r.Parameters[id][name]
			if err := k.known.Parameters(id, map[string]any{name: value}); err != nil {
				k.bad(path+"["+name+"]", fmt.Sprint(value), err.Error(), "plumbline rules show "+id+" lists the rule's parameters and their defaults")
			}
		}
	}
}

func (k *checker) controls(list []Control) {
	k.named("controls", "id", namesOf(list, func(c Control) string { return c.ID }))
	for i, c := range list {
		path := element("controls", i, c.ID)
		if k.known != nil && c.ID != "" {
			k.exists(path+".id", c.ID, "control", k.known.Controls)
		}
		if c.Owner != "" {
			k.email(path+".owner", c.Owner)
		}
		k.named(path+".evidence", "name", namesOf(c.Evidence, func(e Evidence) string { return e.Name }))
		for j, e := range c.Evidence {
			at := element(path+".evidence", j, e.Name)
			k.oneOf(at+".frequency", e.Frequency, frequencies...)
			k.atLeast(at+".due_days", e.Due, 0)
		}
	}
}

func (k *checker) alerts(a Alerts) {
	receivers := namesOf(a.Receivers, func(r Receiver) string { return r.Name })
	k.named("alerts.receivers", "name", receivers)
	for i, r := range a.Receivers {
		k.receiver(element("alerts.receivers", i, r.Name), r)
	}
	k.named("alerts.routes", "name", namesOf(a.Routes, func(r Route) string { return r.Name }))
	for i, r := range a.Routes {
		path := element("alerts.routes", i, r.Name)
		k.each(path+".severities", r.Severities, severities)
		k.each(path+".classes", r.Classes, classes)
		if k.known != nil {
			k.references(path+".controls", r.Controls, "control", k.known.Controls)
			k.references(path+".criteria", r.Criteria, "criterion", k.known.Criteria)
		}
		for j, account := range r.Accounts {
			provider, id, _ := strings.Cut(account, ":")
			if !slices.Contains(providers, provider) || id == "" || provider == "aws" && !strings.Contains(id, "*") && !awsAccount.MatchString(id) {
				k.bad(fmt.Sprintf("%s.accounts[%d]", path, j+1), account, "not an account", `write PROVIDER:ID, such as "aws:111122223333" or "azure:*"`)
			}
		}
		k.references(path+".receivers", r.Receivers, "receiver", receivers)
		k.some(path+".receivers", r.Receivers, "name the receivers that hear of it")
	}
	k.atLeast("alerts.damping.flips", a.Damping.Flips, 0)
	k.positive("alerts.damping.window", a.Damping.Window)
	for i, e := range a.Escalate {
		path := element("alerts.escalate", i, "")
		k.each(path+".severities", e.Severities, severities)
		k.positive(path+".after", e.After)
		k.references(path+".receivers", e.Receivers, "receiver", receivers)
		k.some(path+".receivers", e.Receivers, "name the receivers that hear of it")
	}
	k.named("alerts.digests", "name", namesOf(a.Digests, func(d Digest) string { return d.Name }))
	for i, d := range a.Digests {
		path := element("alerts.digests", i, d.Name)
		k.cron(path, d.Cron, d.TimeZone)
		k.references(path+".receivers", d.Receivers, "receiver", receivers)
		k.some(path+".receivers", d.Receivers, "name the receivers that get it")
	}
}

func (k *checker) receiver(path string, r Receiver) {
	kinds := 0
	if s := r.Slack; s != nil {
		kinds++
		if k.required(path+".slack.url", string(s.URL), "give the address of the incoming webhook, or a file that holds it as url_file") {
			k.secretURL(path+".slack.url", string(s.URL))
		}
	}
	if p := r.PagerDuty; p != nil {
		kinds++
		k.url(path+".pagerduty.url", p.URL, false)
		k.required(path+".pagerduty.routing_key", string(p.RoutingKey), "give the integration key, or a file that holds it as routing_key_file")
	}
	if a := r.Alertmanager; a != nil {
		kinds++
		k.url(path+".alertmanager.url", a.URL, a.Token == "")
	}
	if w := r.Webhook; w != nil {
		kinds++
		k.url(path+".webhook.url", w.URL, false)
		k.required(path+".webhook.secret", string(w.Secret), "give the key that signs the messages, or a file that holds it as secret_file")
	}
	if e := r.Email; e != nil {
		kinds++
		k.address(path+".email.server", e.Server)
		k.oneOf(path+".email.tls", e.TLS, "starttls", "implicit", "none")
		host, _, _ := net.SplitHostPort(e.Server)
		if e.TLS == "none" && e.Password != "" && !loopback(host) {
			k.bad(path+".email.tls", e.TLS, "the password would be sent unencrypted", "write starttls or implicit, or leave out the password")
		}
		if e.Password != "" && e.Username == "" {
			k.bad(path+".email.username", "", "a password without a user", "set username as well")
		}
		k.email(path+".email.from", e.From)
		for i, to := range e.To {
			k.email(fmt.Sprintf("%s.email.to[%d]", path, i+1), to)
		}
		k.some(path+".email.to", e.To, "name who gets the messages")
	}
	if kinds != 1 {
		k.bad(path, "", "not one channel", "set exactly one of slack, pagerduty, alertmanager, email and webhook")
	}
}

func (k *checker) signIn(s SignIn) {
	k.positive("sign_in.session_ttl", s.SessionTTL)
	o := s.OIDC
	if o == nil {
		return
	}
	if k.required("sign_in.oidc.issuer", o.Issuer, "give the URL of the identity provider") {
		k.url("sign_in.oidc.issuer", o.Issuer, false)
	}
	k.required("sign_in.oidc.client_id", o.ClientID, "give the id under which the identity provider knows Plumbline")
	k.required("sign_in.oidc.client_secret", string(o.ClientSecret), "give the secret, or a file that holds it as client_secret_file")
	k.required("sign_in.oidc.groups_claim", o.GroupsClaim, "name the claim that lists a user's groups")
	if len(o.Roles) == 0 {
		k.bad("sign_in.oidc.roles", "", "nobody could do anything", "write ROLE: [GROUP] for at least one role")
	}
	var names []string
	for _, r := range roles {
		names = append(names, string(r))
	}
	for _, role := range slices.Sorted(maps.Keys(o.Roles)) {
		path := "sign_in.oidc.roles[" + role + "]"
		k.exists(path, role, "role", names)
		k.some(path, o.Roles[role], "name the groups that have the role")
	}
}

func (k *checker) retention(r Retention) {
	for _, kept := range []struct {
		name         string
		value, least time.Duration
	}{{"bodies", r.Bodies, leastBodies}, {"records", r.Records, leastRecords}} {
		path := "retention." + kept.name
		if k.positive(path, kept.value) && kept.value < kept.least && r.Shortened == "" {
			k.bad(path, formatDuration(kept.value), "less than "+formatDuration(kept.least), "keep it as long, or say in retention.shortened_because why not; packages disclose it")
		}
	}
}

func namesOf[T any](list []T, name func(T) string) []string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = name(e)
	}
	return out
}

// element is the path of an element of a list: by name, or by number from 1.
func element(path string, i int, name string) string {
	return path + "[" + cmp.Or(name, strconv.Itoa(i+1)) + "]"
}

// named checks that the elements of a list have names of which no two are one, nor make one variable.
func (k *checker) named(path, key string, names []string) {
	seen := map[string]string{}
	for i, name := range names {
		at := element(path, i, name)
		other, there := seen[variableOf(name)]
		switch {
		case name == "":
			k.bad(at+"."+key, "", "missing", "give it")
		case there && other == name:
			k.bad(at+"."+key, name, "there twice", "give each its own")
		case there:
			k.bad(at+"."+key, name, "the same as "+other+" in the names of environment variables", "let them differ in letters or digits, not only in capitals or punctuation")
		}
		seen[variableOf(name)] = name
	}
}

// exists checks a reference to something by its name.
func (k *checker) exists(path, name, what string, all []string) bool {
	if slices.Contains(all, name) {
		return true
	}
	fix := "there is none to name yet"
	if near := nearest(name, all); near != "" {
		fix = "did you mean " + near + "?"
	} else if len(all) > 12 {
		fix = "see the reference of " + what + "s"
	} else if len(all) > 0 {
		fix = "write one of " + strings.Join(all, ", ")
	}
	k.bad(path, name, "no such "+what, fix)
	return false
}

func (k *checker) references(path string, names []string, what string, all []string) {
	for i, name := range names {
		k.exists(fmt.Sprintf("%s[%d]", path, i+1), name, what, all)
	}
}

func (k *checker) each(path string, values, all []string) {
	for i, v := range values {
		k.oneOf(fmt.Sprintf("%s[%d]", path, i+1), v, all...)
	}
}

func (k *checker) oneOf(path, value string, all ...string) {
	if !slices.Contains(all, value) {
		k.bad(path, value, "not a value of this setting", "write one of "+strings.Join(all, ", "))
	}
}

func (k *checker) required(path, value, fix string) bool {
	if strings.TrimSpace(value) == "" {
		k.bad(path, "", "missing", fix)
		return false
	}
	return true
}

func (k *checker) some(path string, list []string, fix string) {
	if len(list) == 0 {
		k.bad(path, "", "missing", fix)
	}
}

func (k *checker) atLeast(path string, n, least int) {
	if n < least {
		k.bad(path, strconv.Itoa(n), "too small", fmt.Sprintf("write a number from %d", least))
	}
}

func (k *checker) positive(path string, d time.Duration) bool {
	if d <= 0 {
		k.bad(path, formatDuration(d), "not a time span", "write a duration above zero, such as 15m or 90d")
		return false
	}
	return true
}

func (k *checker) share(path string, share float64) {
	if !(share > 0 && share <= 1) {
		k.bad(path, strconv.FormatFloat(share, 'g', -1, 64), "not a part of the published rate", "write a number above 0 and at most 1, such as 0.5")
	}
}

func (k *checker) email(path, value string) {
	if a, err := mail.ParseAddress(value); err != nil || a.Address != value {
		k.bad(path, value, "not an e-mail address", "write one such as sec@example.com, without a name")
	}
}

// cron checks when something is due.
func (k *checker) cron(path, spec, zone string) {
	location, err := time.LoadLocation(zone)
	if err != nil || zone == "" || zone == "Local" {
		k.bad(path+".time_zone", zone, "not a time zone", "write an IANA name such as Europe/Paris, or UTC")
		location = time.UTC
	}
	fix := "write five fields (minute, hour, day of month, month, day of week), such as 0 3 * * *, or @daily"
	switch {
	case strings.Contains(spec, "TZ="): // the parser would take it
		k.bad(path+".cron", spec, "a time zone within the expression", "write it as time_zone")
		return
	case strings.TrimSpace(spec) == "":
		k.bad(path+".cron", "", "missing", fix)
		return
	}
	schedule, err := cron.ParseStandard(spec)
	switch {
	case err != nil:
		k.bad(path+".cron", spec, "not a cron expression: "+err.Error(), fix)
	case schedule.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, location)).IsZero():
		k.bad(path+".cron", spec, "never comes", "name a day that the month has")
	}
}

// address checks HOST:PORT; an empty host stands for every address of the machine.
func (k *checker) address(path, value string) {
	_, port, err := net.SplitHostPort(value)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 0 || n > 65535 {
		k.bad(path, value, "not HOST:PORT", "write an address such as 127.0.0.1:8080")
	}
}

// url checks an address that is reached over the network; plain says that http will do.
func (k *checker) url(path, value string, plain bool) {
	k.checkURL(path, value, value, plain)
}

// secretURL checks an address that is itself a secret.
func (k *checker) secretURL(path, value string) { k.checkURL(path, value, "", false) }

func (k *checker) checkURL(path, value, shown string, plain bool) {
	u, err := url.Parse(value)
	switch {
	case err == nil && u.User != nil:
		k.bad(path, "", "holds a password", "leave out what stands before the @")
	case err != nil || u.Hostname() == "" || u.Scheme != "https" && u.Scheme != "http":
		k.bad(path, shown, "not a URL", "write one that begins with https://")
	case u.Scheme == "http" && !plain && !loopback(u.Hostname()):
		k.bad(path, shown, "not encrypted", "write https://; plain http is for this machine alone")
	}
}

func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// localURL is how a browser on the machine itself reaches an address that is listened on.
func localURL(listen string) string {
	host, port, _ := net.SplitHostPort(listen)
	if !loopback(host) {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}
