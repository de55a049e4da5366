package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// full has one connection, one receiver and one route, so that a case shows only what it breaks.
const full = `connections:
  - {name: main, aws: {accounts: ["111122223333"], role: audit}}
alerts:
  receivers:
    - {name: on-call, slack: {url: https://hooks.example.com/a}}
  routes:
    - {name: all, receivers: [on-call]}
`

var known = Known{
	Rules: []string{"aws-s3-bucket-encrypted", "gcp-kms-key-rotated"}, Controls: []string{"kms-rotation"}, Criteria: []string{"CC6.1", "A1.2"},
	Parameters: func(_ string, parameters map[string]any) error {
		if _, ok := parameters["max_days"].(int); !ok {
			return errors.New("want int")
		}
		return nil
	},
}

func TestErrorsNameLineSettingValueAndRemedy(t *testing.T) {
	for name, test := range map[string]struct {
		text string
		want []string // in order, one for each error
	}{
		"broken YAML":                      {"log: {level: info\ndata_dir: x", []string{"f.yaml:1: did not find"}},
		"a list where settings belong":     {"log: [debug]", []string{"f.yaml:1: log: want a mapping of settings"}},
		"text where a list belongs":        {full + "schedules: nightly", []string{"f.yaml:8: schedules: want a list"}},
		"a misspelt key":                   {"log:\n  levle: info", []string{"f.yaml:2: log.levle: no such setting; did you mean level?"}},
		"a key at the wrong place":         {"receivers: []", []string{"f.yaml:1: receivers: no such setting; did you mean alerts.receivers?"}},
		"a key like no other":              {"tracing: {sampling: 1}", []string{"f.yaml:1: tracing.sampling: no such setting; tracing may hold endpoint"}},
		"a key twice":                      {"log: {level: info}\nlog: {level: warn}", []string{"f.yaml:2: log: set twice; remove one of them"}},
		"two documents":                    {"log: {}\n---\nlog: {}", []string{"f.yaml:2: a second document"}},
		"an alias":                         {"log: &a {level: info}\ntracing: *a", []string{`f.yaml:2: "*a": an alias; write the value out`}},
		"no duration":                      {"worker: {scan_timeout: 2 hours}", []string{`f.yaml:1: worker.scan_timeout: "2 hours": not a duration`}},
		"no number":                        {"worker: {scans: many, quota_share: half}", []string{`worker.scans: "many": not a whole number`, `worker.quota_share: "half": not a number`}},
		"neither true nor false":           {"alerts: {routes: [{name: a, continue: yes, receivers: [x]}]}", []string{`alerts.routes[a].continue: "yes": neither true nor false`, `alerts.routes[a].receivers[1]: "x": no such receiver; there is none to name yet`}},
		"numbers out of range":             {"worker: {scans: 0, deliveries: -1, scan_timeout: 0s, quota_share: 1.5}", []string{`worker.scans: "0"`, `worker.deliveries: "-1"`, `worker.scan_timeout: "0s"`, `worker.quota_share: "1.5"`}},
		"all errors at once, in order":     {"log: {format: xml}\nserver:\n  listen: here\nworker: {scans: 0}", []string{"f.yaml:1: log.format", "f.yaml:3: server.listen", "f.yaml:4: worker.scans"}},
		"a public address without TLS":     {"server: {url: http://posture.example.com}", []string{`server.url: "http://posture.example.com": not encrypted; write https://`}},
		"another database":                 {"database: {url: mysql://root:pw@x/y}", []string{"database.url: not the address of a PostgreSQL server"}},
		"no cloud":                         {"connections: [{name: a}]", []string{"f.yaml:1: connections[a]: not of one cloud"}},
		"two clouds":                       {"connections:\n- name: a\n  aws: {}\n  azure: {tenant: 11111111-2222-4333-8444-555555555555}", []string{"f.yaml:2: connections[a]: not of one cloud"}},
		"a connection without a name":      {"connections:\n- aws: {}", []string{"f.yaml:2: connections[1].name: missing"}},
		"two of one name":                  {"connections:\n- {name: a, aws: {}}\n- {name: a, aws: {}}", []string{`f.yaml:3: connections[a].name: "a": there twice`}},
		"two of one variable":              {"connections:\n- {name: a-b, aws: {}}\n- {name: A_b, aws: {}}", []string{"the same as a-b in the names of environment variables"}},
		"an account of 11 digits":          {"connections: [{name: a, aws: {accounts: [11112222333]}}]", []string{`connections[a].aws.accounts[1]: "11112222333": not an AWS account; write its 12 digits`}},
		"an account twice":                 {full[:strings.Index(full, "alerts")] + "  - {name: b, aws: {accounts: ['111122223333']}}", []string{"f.yaml:3: connections[b].aws.accounts[1]: \"111122223333\": already read through connections[main]"}},
		"accounts without a role":          {"connections: [{name: a, aws: {accounts: ['111122223333', '444455556666']}}]", []string{"connections[a].aws.role: several accounts and no role"}},
		"a role's ARN":                     {"connections: [{name: a, aws: {role: 'arn:aws:iam::111122223333:role/x'}}]", []string{"an ARN, which names one account"}},
		"a zone for a region":              {"connections: [{name: a, aws: {regions: [eu-west-1a]}}]", []string{`connections[a].aws.regions[1]: "eu-west-1a": not a region`}},
		"a display name for a project":     {"connections: [{name: a, gcp: {projects: [Acme Production]}}]", []string{`"Acme Production": not a Google Cloud project`}},
		"an organization and projects":     {"connections: [{name: a, gcp: {organization: 12, projects: [acme-production]}}]", []string{"connections[a].gcp: neither or both"}},
		"an organization by name":          {"connections: [{name: a, gcp: {organization: acme.com}}]", []string{`gcp.organization: "acme.com": not the number`}},
		"a tenant by name":                 {"connections: [{name: a, azure: {tenant: acme.onmicrosoft.com, cloud: mars}}]", []string{`azure.tenant: "acme.onmicrosoft.com"`, `azure.cloud: "mars": not a value of this setting; write one of public, government, china`}},
		"nothing to read":                  {"connections: [{name: a, azure: {}}]", []string{"connections[a].azure: nothing to read"}},
		"left out without a reason":        {"connections: [{name: a, aws: {}, exclude: [{account: '111122223333'}]}]", []string{"connections[a].exclude[111122223333].reason: missing"}},
		"listed and left out":              {"connections: [{name: a, aws: {accounts: ['111122223333']}, exclude: [{account: '111122223333', reason: old}]}]", []string{"both listed and excluded"}},
		"a schedule of nothing":            {"schedules: [{name: a, cron: '@daily'}]", []string{"schedules[a].connections: missing"}},
		"a connection that is not there":   {full + "schedules: [{name: a, cron: '@daily', connections: [mian]}]", []string{`f.yaml:8: schedules[a].connections[1]: "mian": no such connection; did you mean main?`}},
		"no cron expression":               {full + "schedules: [{name: a, cron: daily, connections: [main]}]", []string{`schedules[a].cron: "daily": not a cron expression`}},
		"a day that never comes":           {full + "schedules: [{name: a, cron: '0 0 31 2 *', connections: [main]}]", []string{`"0 0 31 2 *": never comes`}},
		"a zone within the expression":     {full + "schedules: [{name: a, cron: 'TZ=UTC', connections: [main]}]", []string{"a time zone within the expression; write it as time_zone"}},
		"no time zone":                     {full + "schedules: [{name: a, cron: '@daily', time_zone: Europe/Atlantis, connections: [main]}]", []string{`time_zone: "Europe/Atlantis": not a time zone`}},
		"a rule that is not there":         {"rules:\n  off:\n  - {rule: aws-s3-bucket-encrypt, reason: x}\n", []string{`f.yaml:3: rules.off[aws-s3-bucket-encrypt].rule: "aws-s3-bucket-encrypt": no such rule; did you mean aws-s3-bucket-encrypted?`}},
		"a rule off without a reason":      {"rules: {off: [{rule: gcp-kms-key-rotated}]}", []string{"rules.off[gcp-kms-key-rotated].reason: missing"}},
		"a parameter of the wrong type":    {"rules:\n  parameters:\n    gcp-kms-key-rotated:\n      max_days: long", []string{`f.yaml:4: rules.parameters[gcp-kms-key-rotated][max_days]: "long": want int`}},
		"a control that is not there":      {"controls: [{id: kms-rotate, owner: nobody}]", []string{"did you mean kms-rotation?", `controls[kms-rotate].owner: "nobody": not an e-mail address`}},
		"a slot never due":                 {"controls: [{id: kms-rotation, evidence: [{name: a, frequency: hourly, due_days: -1}]}]", []string{`frequency: "hourly": not a value`, `due_days: "-1": too small`}},
		"a receiver of no kind":            {"alerts: {receivers: [{name: a}]}", []string{"alerts.receivers[a]: not one channel"}},
		"a receiver of two kinds":          {"alerts: {receivers: [{name: a, slack: {url: https://x.example.com}, pagerduty: {routing_key: k}}]}", []string{"alerts.receivers[a]: not one channel"}},
		"secrets missing":                  {"alerts: {receivers: [{name: a, slack: {}}, {name: b, pagerduty: {}}, {name: c, webhook: {url: https://x.example.com}}]}", []string{"receivers[a].slack.url: missing", "receivers[b].pagerduty.routing_key: missing", "receivers[c].webhook.secret: missing"}},
		"a secret one level too high":      {"alerts: {receivers: [{name: a, slack: https://hooks.example.com/hush}]}", []string{"alerts.receivers[a].slack: want a mapping of settings"}},
		"a webhook without TLS":            {"alerts: {receivers: [{name: a, slack: {url: http://hooks.example.com/hush}}]}", []string{"receivers[a].slack.url: not encrypted"}},
		"a token without TLS":              {"alerts: {receivers: [{name: a, alertmanager: {url: http://alertmanager:9093, token: hush}}]}", []string{"alertmanager.url: \"http://alertmanager:9093\": not encrypted"}},
		"mail to nobody, password in view": {"alerts: {receivers: [{name: a, email: {server: mail.example.com:25, tls: none, username: u, password: hush, from: x@example.com}}]}", []string{"email.tls: \"none\": the password would be sent unencrypted", "email.to: missing"}},
		"a route to nobody":                {"alerts: {routes: [{name: a, severities: [urgent], controls: [x], criteria: [CC9.9], classes: [news], accounts: ['aws:12']}]}", []string{`"urgent"`, `"news"`, `"x": no such control`, `"CC9.9": no such criterion`, `"aws:12": not an account`, "routes[a].receivers: missing"}},
		"an escalation at once":            {full + "  escalate:\n    - {severities: [high], receivers: [on-call]}\n", []string{`f.yaml:9: alerts.escalate[1].after: "0s": not a time span`}},
		"half an identity provider":        {"sign_in:\n  oidc: {issuer: https://login.example.com, client_id: p}\n", []string{"f.yaml:2: sign_in.oidc.client_secret: missing", "sign_in.oidc.roles: nobody could do anything"}},
		"a role that is not there":         {"sign_in: {oidc: {issuer: https://l.example.com, client_id: p, client_secret: hush, roles: {root: [ops], admin: []}}}", []string{"sign_in.oidc.roles[admin]: missing", `sign_in.oidc.roles[root]: "root": no such role`}},
		"less kept than an audit needs":    {"retention: {bodies: 90d, records: 365d}", []string{`retention.bodies: "90d": less than 762d`, `retention.records: "365d": less than 2557d`}},
		"a secret and its file":            {"database: {url: postgres://x/y, url_file: db}", []string{"database.url_file: \"db\": the value itself is set as well"}},
		"a secret's file that is missing":  {"database: {url_file: /nowhere/db}", []string{`database.url_file: "/nowhere/db": cannot be read: no such file or directory`}},
		"a secret's file that is a device": {"database: {url_file: /dev/zero}", []string{"cannot be read: not a file"}},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse("f.yaml", []byte(test.text), nil, known)
			var list Errors
			if !errors.As(err, &list) || !errors.Is(err, posture.ErrInvalid) || c != nil {
				t.Fatalf("want Errors, got %+v, %v", c, err)
			}
			if len(list) != len(test.want) {
				t.Fatalf("%d errors, want %d:\n%v", len(list), len(test.want), err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("no %s in:\n%v", want, err)
				}
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("a secret shows:\n%v", err)
			}
		})
	}
}

func TestVariables(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "key"), []byte("from-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "f.yaml")
	for name, test := range map[string]struct {
		text string
		env  []string
		get  func(*Config) any
		want any
	}{
		"a setting wins over the file": {"server: {listen: ':1'}", []string{"PLUMBLINE_SERVER_LISTEN=:2"}, func(c *Config) any { return c.Server.Listen }, ":2"},
		"an empty one is not set":      {"server: {listen: ':1'}", []string{"PLUMBLINE_SERVER_LISTEN="}, func(c *Config) any { return c.Server.Listen }, ":1"},
		"an element by its name":       {full, []string{"PLUMBLINE_CONNECTIONS_MAIN_AWS_ROLE=other"}, func(c *Config) any { return c.Connections[0].AWS.Role }, "other"},
		"a part that the file lacks": {"alerts: {receivers: [{name: on-call}]}", []string{"PLUMBLINE_ALERTS_RECEIVERS_ON_CALL_PAGERDUTY_ROUTING_KEY=k"},
			func(c *Config) any { return *c.Alerts.Receivers[0].PagerDuty }, PagerDuty{URL: "https://events.pagerduty.com", RoutingKey: "k"}},
		"a nameless element by its number": {full + "  escalate: [{after: 1h, receivers: [on-call]}]", []string{"PLUMBLINE_ALERTS_ESCALATE_1_AFTER=2h"},
			func(c *Config) any { return c.Alerts.Escalate[0].After }, 2 * time.Hour},
		"a list separated by commas": {full, []string{"PLUMBLINE_CONNECTIONS_MAIN_AWS_REGIONS=eu-west-1, us-east-1"}, func(c *Config) any { return c.Connections[0].AWS.Regions }, []string{"eu-west-1", "us-east-1"}},
		"a whole part as YAML": {"", []string{"PLUMBLINE_CONNECTIONS=[{name: a, azure: {tenant: 11111111-2222-4333-8444-555555555555}}]", "PLUMBLINE_CONNECTIONS_A_AZURE_CLOUD=china"},
			func(c *Config) any { return *c.Connections[0].Azure }, Azure{Tenant: "11111111-2222-4333-8444-555555555555", Cloud: "china"}},
		"a map as YAML": {full, []string{"PLUMBLINE_ALERTS_ROUTES_ALL_TAGS={env: prod}"}, func(c *Config) any { return c.Alerts.Routes[0].Tags }, map[string]string{"env": "prod"}},
		"a secret's file beside the settings": {"", []string{"PLUMBLINE_SIGN_IN_OIDC={issuer: https://l.example.com, client_id: p, client_secret_file: key, roles: {admin: [ops]}}"},
			func(c *Config) any { return string(c.SignIn.OIDC.ClientSecret) }, "from-a-file"},
		"a secret's file by a variable": {"database: {}", []string{"PLUMBLINE_DATABASE_URL_FILE=" + filepath.Join(folder, "key")}, func(c *Config) any { return string(c.Database.URL) }, "from-a-file"},
		"those of a cluster are none":   {"", []string{"PLUMBLINE_SERVICE_HOST=10.0.0.1", "PLUMBLINE_PORT_8080_TCP_ADDR=10.0.0.1", "PLUMBLINE_PORT=tcp://10.0.0.1:8080", "PLUMBLINE_WEB_SERVICE_PORT_HTTP=80"}, func(c *Config) any { return c.Log.Level }, "info"},
	} {
		t.Run(name, func(t *testing.T) {
			c, err := Parse(file, []byte(test.text), test.env)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, test.get(c)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for name, test := range map[string]struct{ text, variable, want string }{
		"a misspelt variable":              {"", "PLUMBLINE_SERVER_LISTN=hush", "PLUMBLINE_SERVER_LISTN: no setting has this variable; did you mean PLUMBLINE_SERVER_LISTEN?"},
		"an element that the file lacks":   {full, "PLUMBLINE_CONNECTIONS_OTHER_AWS_ROLE=hush", "PLUMBLINE_CONNECTIONS_OTHER_AWS_ROLE: no setting has this variable"},
		"a bad value names the variable":   {"", "PLUMBLINE_WORKER_SCANS=x", `PLUMBLINE_WORKER_SCANS: worker.scans: "x": not a whole number`},
		"a value that fails a later check": {full, "PLUMBLINE_CONNECTIONS_MAIN_AWS_ROLE=arn:aws:iam::1:role/x", `PLUMBLINE_CONNECTIONS_MAIN_AWS_ROLE: connections[main].aws.role: "arn:aws:iam::1:role/x": an ARN`},
		"YAML that is none":                {"", "PLUMBLINE_CONNECTIONS=[hush", "PLUMBLINE_CONNECTIONS: connections: "},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f.yaml", []byte(test.text), []string{test.variable})
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "hush") {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	c, err := Parse("f.yaml", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &Config{
		Server:      Server{Listen: "127.0.0.1:8080", URL: "http://127.0.0.1:8080"},
		Worker:      Worker{Scans: 4, Deliveries: 8, ScanTimeout: 2 * time.Hour, QuotaShare: 0.5},
		Alerts:      Alerts{Damping: Damping{Flips: 4, Window: 24 * time.Hour}},
		SignIn:      SignIn{SessionTTL: 12 * time.Hour},
		Retention:   Retention{Bodies: leastBodies, Records: leastRecords},
		Checkpoints: Checkpoints{Every: 24 * time.Hour},
		Log:         Log{Level: "info", Format: "text"},
	}
	if diff := cmp.Diff(want, c); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWhatLooksLikeANumberStaysText(t *testing.T) {
	_, err := Parse("f.yaml", []byte("connections: [{name: 007, aws: {accounts: [012345678901], role: '${ROLE}x'}}]"), nil)
	if err == nil || !strings.Contains(err.Error(), `"${ROLE}x": not the name of a role`) {
		t.Errorf("a variable in a value is not replaced: %v", err)
	}
	c, err := Parse("f.yaml", []byte("connections: [{name: 007, aws: {accounts: [012345678901]}}]"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Connections[0]; got.Name != "007" || got.AWS.Accounts[0] != "012345678901" {
		t.Errorf("name %q, account %q", got.Name, got.AWS.Accounts[0])
	}
}

func TestABareCloudIsTheAmbientAccount(t *testing.T) {
	c, err := Parse("f.yaml", []byte("connections:\n- name: here\n  aws:\n"), nil)
	if err != nil || c.Connections[0].AWS == nil || c.Connections[0].AWS.Partition != "aws" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestAReasonAllowsShorterRetention(t *testing.T) {
	c, err := Parse("f.yaml", []byte("retention: {bodies: 90d, shortened_because: A trial}"), nil)
	if err != nil || c.Retention.Bodies != 90*24*time.Hour {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestWhatIsShownIsTheSameSettings(t *testing.T) {
	text := full + "worker: {scan_timeout: 1h30m}\nrules: {parameters: {gcp-kms-key-rotated: {max_days: 30, names: [a, b]}}}\n"
	c, err := Parse("f.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := c.YAML()
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "hooks.example.com") || !strings.Contains(string(shown), "url: '[hidden]'") || !strings.Contains(string(shown), "scan_timeout: 1h30m") {
		t.Errorf("shown:\n%s", shown)
	}
	again, err := Parse("f.yaml", []byte(strings.ReplaceAll(string(shown), "'[hidden]'", "https://hooks.example.com/a")), nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, shown)
	}
	if diff := cmp.Diff(c, again); diff != "" {
		t.Errorf("read again (-was +is):\n%s", diff)
	}
}

func TestTheExampleIsWithoutError(t *testing.T) {
	if _, err := Load("../../deploy/plumbline.example.yaml", nil); err != nil {
		t.Error(err)
	}
}

func TestAFileThatIsNotThere(t *testing.T) {
	if _, err := Load("nowhere.yaml", nil); !errors.Is(err, posture.ErrSetup) {
		t.Error(err)
	}
}

func FuzzParse(f *testing.F) {
	example, err := os.ReadFile("../../deploy/plumbline.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{full, string(example), "", "~", "[]", "a: &b [*b]", "log: {level: }", "- {", "? {a: b}\n: c", "schedules: [{cron: 'TZ='}]", "connections: [~, 3, {name: [x]}]", "rules: {parameters: {a: {1: 2}}}", "!!binary x"} {
		f.Add([]byte(seed), "PLUMBLINE_SERVER_LISTEN=:1")
	}
	f.Add([]byte(full), "PLUMBLINE_CONNECTIONS={*a: 1}")
	f.Fuzz(func(t *testing.T, data []byte, variable string) {
		c, err := Parse("f.yaml", data, []string{variable}, known)
		if err == nil {
			if _, err := c.YAML(); err != nil {
				t.Errorf("accepted settings cannot be shown: %v", err)
			}
			return
		}
		var list Errors
		if !errors.As(err, &list) || len(list) == 0 {
			t.Fatalf("%T: %v", err, err)
		}
		for _, e := range list {
			if e.Line < 1 && e.Variable == "" || e.Problem == "" || e.Fix == "" {
				t.Errorf("%+v", e)
			}
		}
	})
}
