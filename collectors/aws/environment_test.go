package aws

import "testing"

func TestSuspiciousNames(t *testing.T) {
	for why, test := range map[string]struct {
		name, value string
		suspicious  bool
	}{
		"a password":                       {"DB_PASSWORD", "correct-horse", true},
		"an access key under any name":     {"CONFIG", "id=AKIAIOSFODNN7EXAMPLE", true},
		"a private key":                    {"PEM", "-----BEGIN RSA PRIVATE KEY-----\nMII", true},
		"an address with a password":       {"DATABASE_URL", "postgres://app:horse@db.example.com/orders", true},
		"an address without one":           {"DATABASE_URL", "postgres://db.example.com/orders", false},
		"where the secret is":              {"DB_SECRET_ARN", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db", false},
		"the path of a parameter":          {"API_KEY_PARAMETER", "/orders/api-key", false},
		"a reference that is resolved":     {"TOKEN", "{{resolve:secretsmanager:db}}", false},
		"how long a token lives":           {"TOKEN_TTL", "3600s", false},
		"a switch":                         {"ROTATE_SECRETS", "true", false},
		"a secret's variable without text": {"CLIENT_SECRET", "", false},
		"a level":                          {"LOG_LEVEL", "debug", false},
	} {
		t.Run(why, func(t *testing.T) {
			if got := len(suspiciousNames(map[string]string{test.name: test.value})) == 1; got != test.suspicious {
				t.Errorf("%s=%s is suspicious: %v", test.name, test.value, got)
			}
		})
	}
}
