package secretscan

import "testing"

func TestSuspectOfMetadata(t *testing.T) {
	for name, test := range map[string]struct {
		key, value string
		want       bool
	}{
		"a private key":         {"cert", "text\n-----BEGIN RSA PRIVATE KEY-----\nMIIE", true},
		"a public key is none":  {"ssh-keys", "ada:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE5v ada", false},
		"a certificate is none": {"cert", "-----BEGIN CERTIFICATE-----\nMIIE", false},
		"an access key of AWS":  {"config", "key AKIAIOSFODNN7EXAMPLE", true},
		"an API key of Google":  {"config", "maps AIzaSyA1234567890abcdefghijklmnopqrstuv", true},
		"a token of GitHub": {"startup-script",
			"git clone https://ghp_abcdefghijklmnopqrstuvwxyz0123456789@github.com/acme/orders", true},
		"a signed token":                        {"config", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJvcmRlcnMifQ.c2lnbmF0dXJl", true},
		"an address with a password":            {"database", "postgres://orders:hunter2hunter2@10.0.0.3/orders", true},
		"an address with a variable for it":     {"database", "postgres://orders:${PASSWORD}@10.0.0.3/orders", false},
		"an address with a user only":           {"database", "postgres://orders@10.0.0.3/orders", false},
		"an address with a port":                {"proxy", "http://proxy.acme.example:3128/", false},
		"a value whose key calls it a password": {"db-password", "hunter2hunter2", true},
		"a variable that a script sets":         {"startup-script", "#!/bin/bash\nexport DB_PASSWORD='hunter2hunter2'\n", true},
		"a variable that it fetches": {"startup-script",
			"export DB_PASSWORD=\"$(gcloud secrets versions access latest --secret=db)\"\n", false},
		"a member of JSON":                         {"config", `{"user": "orders", "apiKey": "0a1b2c3d4e5f"}`, true},
		"an option":                                {"startup-script", "orders --db-password hunter2hunter2 --port 80", true},
		"an option without a value":                {"startup-script", "orders --token --verbose", false},
		"a path to a secret":                       {"config", "password_file=/run/secrets/db\ntoken: /var/run/token", false},
		"a name in Secret Manager":                 {"db-secret", "projects/acme/secrets/db/versions/latest", false},
		"a switch":                                 {"config", "secret: disabled\ntoken: required", false},
		"a key that only tells of secrets":         {"secret-rotation-days", "30", false},
		"prose":                                    {"motd", "Never write a password here, nor a token.", false},
		"a short value is taken for a placeholder": {"config", "token: none", false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Suspect(test.key, test.value); got != test.want {
				t.Errorf("Suspect(%q, %q) = %v", test.key, test.value, got)
			}
		})
	}
}
