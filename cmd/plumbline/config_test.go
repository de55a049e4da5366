package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/config"
)

func TestConfigCommands(t *testing.T) {
	const example = "../../deploy/plumbline.example.yaml"
	bad := write(t, "bad.yaml", "rules:\n  off: [{rule: aws-s3-bucket-encrypt, reason: x}]\n  parameters:\n    gcp-kms-key-rotated: {max_days: soon}\n    aws-s3-bucket-encrypted: {days: 3}\ncontrols: [{id: none-such}]\n")
	for name, test := range map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"the example is right":              {[]string{"config", "check", example}, 0, "as they should be", ""},
		"and has no errors in JSON":         {[]string{"config", "check", example, "-o", "json"}, 0, "[]\n", ""},
		"an unknown rule":                   {[]string{"config", "check", bad}, 2, "bad.yaml:2: rules.off[aws-s3-bucket-encrypt].rule: \"aws-s3-bucket-encrypt\": no such rule; did you mean", ""},
		"a parameter of another type":       {[]string{"config", "check", bad}, 2, `bad.yaml:4: rules.parameters[gcp-kms-key-rotated][max_days]: "soon": `, ""},
		"a parameter that is not there":     {[]string{"config", "check", bad}, 2, "bad.yaml:5: rules.parameters[aws-s3-bucket-encrypted][days]", ""},
		"an unknown control":                {[]string{"config", "check", bad}, 2, "bad.yaml:6: controls[none-such].id", ""},
		"no such file":                      {[]string{"config", "check", "/nowhere.yaml"}, 2, "", "/nowhere.yaml: no such file"},
		"secrets are hidden":                {[]string{"config", "show", example}, 0, "routing_key: '[hidden]'", ""},
		"defaults show":                     {[]string{"config", "show", example}, 0, "deliveries: 8", ""},
		"settings as JSON":                  {[]string{"config", "show", example, "-o", "json"}, 0, `"quota_share": 0.5`, ""},
		"settings are no list":              {[]string{"config", "show", example, "-o", "csv"}, 2, "", "settings are no list"},
		"what is wrong cannot be in effect": {[]string{"config", "show", bad}, 2, "", "no such rule"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := command(t, test.args...)
			if code != test.code || !strings.Contains(out, test.out) || !strings.Contains(errs, test.err) {
				t.Errorf("exit code %d, want %d\nstdout: %s\nstderr: %s", code, test.code, out, errs)
			}
			if strings.Contains(out, "replace-") {
				t.Error("a secret shows")
			}
		})
	}
	_, out, _ := command(t, "config", "check", bad, "-o", "json")
	var list []config.Error
	if err := json.Unmarshal([]byte(out), &list); err != nil || len(list) != 4 || list[0].Line != 2 || list[0].Fix == "" {
		t.Errorf("%v, %s", err, out)
	}
}
