package secretscan

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// secret puts a sample together, so that nobody who looks for keys finds this file.
func secret(parts ...string) string { return strings.Join(parts, "") }

var (
	pem    = secret("-----BEGIN RSA ", "PRIVATE KEY-----\nMIIEowIBAAKCAQEA\n-----END RSA ", "PRIVATE KEY-----")
	awsKey = secret("AKIA", "QX7EXAMPLEKEY2Z4")
	jwt    = secret("eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJvcmRlcnMifQ.", "c2lnbmF0dXJlLW9mLWl0")
)

func TestForm(t *testing.T) {
	for name, test := range map[string]struct{ value, want string }{
		"a private key by its header":            {pem, "private key"},
		"a private key with escaped lines":       {strings.ReplaceAll(pem, "\n", `\n`), "private key"},
		"a private key inside JSON":              {`{"type":"service_account","private_key":"` + strings.ReplaceAll(pem, "\n", `\n`) + `"}`, "private key"},
		"a private key in base64":                {base64.StdEncoding.EncodeToString([]byte(pem)), "private key"},
		"an AWS access key":                      {awsKey, "AWS access key"},
		"an AWS access key in a script":          {"export K=" + awsKey + "\nrun", "AWS access key"},
		"a Google API key":                       {secret("AIza", "SyD3x-0a9_bcdefghijklmnopqrstuvwxy1"), "Google API key"},
		"a GitHub token":                         {secret("ghp_", "16C7e42F292c6912E7710c838347Ae178B4a"), "GitHub token"},
		"a GitLab token":                         {secret("glpat-", "zJ9x2kQ_7vN4mT1rB8cW"), "GitLab token"},
		"a Slack token":                          {secret("xoxb-", "2047839021-2047839027-Ab3De5Gh7Jk9"), "Slack token"},
		"a Slack webhook":                        {secret("https://hooks.slack.com/services/", "T01ABCDEF/B02GHIJKL/m3n4o5p6q7r8"), "Slack token"},
		"a Stripe key":                           {secret("sk_live_", "4eC39HqLyjWDarjtT1zd"), "Stripe key"},
		"a JWT":                                  {jwt, "JWT"},
		"a JWT behind Bearer":                    {"Bearer " + jwt, "JWT"},
		"an Azure storage key":                   {secret("DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=", strings.Repeat("Ab3+", 21), "=="), "Azure key"},
		"a password in an address":               {"postgres://orders:hunter22@10.0.0.3:5432/orders?sslmode=require", "password in an address"},
		"a password in an address without user":  {"redis://:hunter22@cache:6379/0", "password in an address"},
		"a password in a MySQL data source":      {"orders:hunter22@tcp(10.0.0.3:3306)/orders", "password in an address"},
		"a certificate is public":                {"-----BEGIN CERTIFICATE-----\nMIIDdzCC\n-----END CERTIFICATE-----", ""},
		"a public key is public":                 {"-----BEGIN PUBLIC KEY-----\nMIIBIjAN\n-----END PUBLIC KEY-----", ""},
		"a certificate in base64 is public":      {base64.StdEncoding.EncodeToString([]byte("-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYD\n")), ""},
		"an address without password":            {"https://api.acme.example:8443/v1?region=eu", ""},
		"an address with a user only":            {"ssh://git@git.acme.example/shop.git", ""},
		"an address whose password is set later": {"postgres://orders:${DB_PASSWORD}@10.0.0.3/orders", ""},
		"a mail address":                         {"mailto:ada@acme.example", ""},
		"words":                                  {"a plain sentence", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Form(test.value); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestSuspect(t *testing.T) {
	token := secret("q7Rk2vX9", "mB4tY6wZ1nC8pL3sD5fG0hJ+aE/uI=o")
	for name, test := range map[string]struct {
		name, value string
		want        bool
	}{
		"a name that says password":                            {"DB_PASSWORD", "hunter2", true},
		"a name in camel case":                                 {"dbPassword", "hunter2", true},
		"a name with acronyms":                                 {"stripeAPIKey", "abcd", true},
		"a name run together":                                  {"dbpassword", "hunter2", true},
		"a name with dots and dashes":                          {"spring.datasource-password", "hunter2", true},
		"a name that ends in pass":                             {"SMTP_PASS", "hunter2", true},
		"a secret key":                                         {"SECRET_KEY_BASE", "abc123def", true},
		"an access key":                                        {"AWS_SECRET_ACCESS_KEY", "abc123def", true},
		"a bad password is one all the same":                   {"ADMIN_PASSWORD", "123456", true},
		"an innocent name with a key's form":                   {"SETTING", awsKey, true},
		"an innocent name with an address that has a password": {"DATABASE_URL", "mysql://orders:hunter22@db/orders", true},
		"an innocent name with a random value":                 {"SETTING", token, true},
		"an innocent name with random hexadecimal":             {"SETTING", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true},
		"a random value among words":                           {"HEADER", "Api-Auth " + token, true},
		"a password in a connection string":                    {"CONNECTION", "Server=db.acme.example;User Id=orders;Password=hunter22;", true},
		"a password in JSON":                                   {"CONFIG", `{"user":"orders","password":"hunter22"}`, true},
		"a password in escaped JSON":                           {"CONFIG", `{\"user\":\"orders\",\"password\":\"hunter22\"}`, true},
		"a token in a query":                                   {"CALLBACK", "https://hooks.acme.example/in?token=abcdef12", true},
		"a secret in a script":                                 {"startup-script", "#!/bin/sh\nexport DB_PASSWORD=hunter22\nrun\n", true},
		"a secret given to a flag":                             {"ARGS", "serve --api-key hunter22 --port 80", true},
		"nothing":                                              {"DB_PASSWORD", "", false},
		"blanks":                                               {"DB_PASSWORD", "  ", false},
		"the name of a secret":                                 {"DB_PASSWORD_SECRET_NAME", "orders-db", false},
		"where a password is mounted":                          {"DB_PASSWORD", "/run/secrets/db_password", false},
		"the file of a password":                               {"DB_PASSWORD_FILE", "db.txt", false},
		"a path of credentials":                                {"GOOGLE_APPLICATION_CREDENTIALS", "/var/keys/sa.json", false},
		"a variable":                                           {"DB_PASSWORD", "${DB_PASS}", false},
		"a variable of Kubernetes":                             {"DB_PASSWORD", "$(DB_PASS)", false},
		"a reference to Secret Manager":                        {"DB_PASSWORD", "projects/4711/secrets/db/versions/latest", false},
		"a reference to Secrets Manager":                       {"DB_SECRET", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", false},
		"a reference to Key Vault":                             {"DB_PASSWORD", "@Microsoft.KeyVault(SecretUri=https://acme.vault.azure.net/secrets/db/)", false},
		"a switch":                                             {"USE_PASSWORD", "true", false},
		"how long a token lives":                               {"TOKEN_TTL", "3600", false},
		"how many tokens":                                      {"MAX_TOKENS", "4096", false},
		"a small number":                                       {"SESSION_TOKEN", "60", false},
		"a tokenizer":                                          {"TOKENIZER", "wordpiece-large", false},
		"a public key":                                         {"PUBLIC_KEY", "orders-2026", false},
		"a partition key":                                      {"PARTITION_KEY", "customer", false},
		"the id of an access key without its form":             {"ACCESS_KEY_ID", "orders", false},
		"the address of a token service":                       {"TOKEN_URL", "https://login.acme.example/token", false},
		"a password that is set later in JSON":                 {"CONFIG", `{"password":"${DB_PASSWORD}"}`, false},
		"prose about passwords":                                {"HINT", "Enter your password please: it is long", false},
		"a commit":                                             {"GIT_COMMIT", "da39a3ee5e6b4b0d3255bfef95601890afd80709", false},
		"an image with its digest":                             {"SIDECAR", "europe-docker.pkg.dev/acme/shop/api@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", false},
		"a UUID":                                               {"TENANT", "3f2504e0-4f89-41d3-9a0c-0305e82c3301", false},
		"a long resource name":                                 {"TOPIC", "projects/Acme1-production/locations/europe-west1/topics/orders-v2", false},
		"a cluster's context":                                  {"CONTEXT", "gke_acme-production_europe-west1_Main1-cluster", false},
		"an SSH public key":                                    {"DEPLOY", "ssh-rsa " + secret("AAAAB3NzaC1yc2EAAAADAQABAAABAQC7v8kQ2mXz9Rt4Lw1Jp6Hd3Bf5Gn0Yc") + " ada@acme.example", false},
		"a certificate":                                        {"CA", "-----BEGIN CERTIFICATE-----\nMIIDdzCCAl+gAwIBAgIEAgAAuTANBgkqhkiG9w0BAQUFADBaMQswCQYDVQQGEwJJ\n-----END CERTIFICATE-----", false},
		"a number":                                             {"PORT", "8080", false},
		"an address":                                           {"API", "https://api.acme.example/v1/Orders/2026?page=1&region=europe-west1", false},
		"a list of names":                                      {"HOSTS", "orders-01.internal,billing-02.internal,reports-03.internal", false},
		"a nameless word":                                      {"", "hello", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Suspect(test.name, test.value); got != test.want {
				t.Errorf("Suspect(%q, %q) = %v", test.name, test.value, got)
			}
		})
	}
}

func TestNames(t *testing.T) {
	got := Names(maps.All(map[string]string{"SMTP_PASS": "hunter2", "PORT": "8080", "API_KEY": "abcd", "DB_PASSWORD": ""}))
	if diff := cmp.Diff([]string{"API_KEY", "SMTP_PASS"}, got); diff != "" {
		t.Error(diff)
	}
	if got := Names(maps.All(map[string]string{"PORT": "8080"})); got == nil || len(got) != 0 {
		t.Errorf("without suspects: %#v, want an empty list", got)
	}
}

// TestRandomValuesAreFound: of keys of the usual lengths hardly any is missed, whatever it is called.
func TestRandomValuesAreFound(t *testing.T) {
	source := rand.NewChaCha8([32]byte{1})
	for name, encode := range map[string]func([]byte) string{
		"base64":               base64.StdEncoding.EncodeToString,
		"base64 for addresses": base64.RawURLEncoding.EncodeToString,
		"hexadecimal":          hex.EncodeToString,
	} {
		t.Run(name, func(t *testing.T) {
			missed := 0
			for range 2000 {
				key := make([]byte, 32)
				_, _ = source.Read(key) // never fails
				if !Suspect("SETTING", encode(key)) {
					missed++
				}
			}
			if missed > 20 {
				t.Errorf("%d of 2000 missed", missed)
			}
		})
	}
}

func FuzzSuspect(f *testing.F) {
	for _, seed := range [][2]string{{"DB_PASSWORD", "hunter2"}, {"token", "${X}"}, {"", "LS0tLS1CRUdJ"}, {"É_ключ", "é=\xff"}, {"a", "token=token=--token x"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, name, value string) {
		suspect := Suspect(name, value)
		if suspect && strings.TrimSpace(value) == "" {
			t.Error("nothing is no secret")
		}
		if suspect != Suspect(name, " "+value+"\n") {
			t.Error("blanks around a value change what it is")
		}
		if Form(value) != "" && !suspect {
			t.Errorf("a %s is always suspect", Form(value))
		}
		if !Suspect(name, value+"\n"+pem+"\n"+value) || !Suspect(name, value+"\n"+awsKey+"\n"+value) {
			t.Error("a key among other text is missed")
		}
	})
}
