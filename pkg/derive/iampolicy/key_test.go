package iampolicy

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// grant returns a key policy's Allow or Deny for the role named, or for the root, with conditions as JSON.
func grant(effect, name, actions, conditions string) string {
	arn := "arn:aws:iam::111122223333:" + name
	return `{"Effect":"` + effect + `","Principal":{"AWS":"` + arn + `"},"Action":` + actions + `,"Resource":"*","Condition":` + conditions + `}`
}

func TestMixedDuties(t *testing.T) {
	const role = "AWS:arn:aws:iam::111122223333:role/app"
	for name, test := range map[string]struct {
		statements string
		want       []string
	}{
		"everything":                    {grant("Allow", "role/app", `"kms:*"`, `{}`), []string{role}},
		"the root":                      {grant("Allow", "root", `"kms:*"`, `{}`), nil},
		"the account by number":         {`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"kms:*","Resource":"*"}`, nil},
		"two statements":                {grant("Allow", "role/app", `"kms:Put*"`, `{}`) + `,` + grant("Allow", "role/app", `"kms:GenerateDataKey*"`, `{}`), []string{role}},
		"two principals":                {grant("Allow", "role/ops", `"kms:PutKeyPolicy"`, `{}`) + `,` + grant("Allow", "role/app", `"kms:Decrypt"`, `{}`), nil},
		"use denied":                    {grant("Allow", "role/app", `"kms:*"`, `{}`) + `,` + grant("Deny", "role/app", `["kms:Decrypt","kms:GenerateDataKey"]`, `{}`), nil},
		"use denied to the account":     {grant("Allow", "role/app", `"kms:*"`, `{}`) + `,` + grant("Deny", "root", `["kms:Decrypt","kms:GenerateDataKey"]`, `{}`), nil},
		"use denied under a condition":  {grant("Allow", "role/app", `"kms:*"`, `{}`) + `,` + grant("Deny", "role/app", `"kms:*"`, `{"Bool":{"aws:SecureTransport":"false"}}`), []string{role}},
		"everyone":                      {`{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}`, []string{"*"}},
		"use for everyone":              {grant("Allow", "role/app", `"kms:ScheduleKeyDeletion"`, `{}`) + `,{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`, []string{role}},
		"use for everyone in a service": {grant("Allow", "role/app", `"kms:ScheduleKeyDeletion"`, `{}`) + `,{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*","Condition":{"StringEquals":{"kms:CallerAccount":"1"}}}`, nil},
		"administration by exclusion":   {`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"NotAction":"kms:ScheduleKeyDeletion","Resource":"*"}`, []string{role}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, policy(t, test.statements).MixedDuties()); diff != "" {
				t.Errorf("principals differ (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnclave(t *testing.T) {
	image, signer := strings.Repeat("0A", 48), strings.Repeat("b1", 48)
	raw, err := hex.DecodeString(image)
	if err != nil {
		t.Fatal(err)
	}
	low, base := strings.ToLower(image), base64.StdEncoding.EncodeToString(raw)
	measured := `{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"` + image + `"}}`
	bound := `{"StringEquals":{"kms:RecipientAttestation:PCR0":"` + base + `","kms:RecipientAttestation:PCR8":"` + signer + `"}}`
	unlessMeasured := `,{"Effect":"Deny","Principal":"*","Action":"kms:*","Resource":"*","Condition":{"StringNotEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"` + image + `"}}}`
	unlessAttested := `,{"Effect":"Deny","Principal":"*","Action":["kms:Decrypt","kms:Generate*","kms:DeriveSharedSecret"],"Resource":"*","Condition":{"Null":{"kms:RecipientAttestation:PCR0":"true"}}}`
	root, use := grant("Allow", "root", `"kms:*"`, `{}`), `["kms:Decrypt","kms:GenerateDataKey"]`

	for name, test := range map[string]struct {
		statements string
		want       Enclave
		attested   bool
	}{
		"no policy":                        {"", Enclave{0, 0, true, map[string]string{}}, false},
		"an image":                         {grant("Allow", "role/app", use, measured), Enclave{0, 0, false, map[string]string{"PCR0": low}}, true},
		"an image and its signer":          {grant("Allow", "role/app", use, bound), Enclave{0, 0, true, map[string]string{"PCR0": low, "PCR8": signer}}, true},
		"nothing":                          {grant("Allow", "role/app", use, `{}`), Enclave{1, 1, false, map[string]string{}}, false},
		"administration needs none":        {grant("Allow", "role/app", `"kms:Put*"`, `{}`), Enclave{0, 0, true, map[string]string{}}, false},
		"by wildcard":                      {grant("Allow", "role/app", `"kms:Generate*"`, `{}`), Enclave{1, 1, false, map[string]string{}}, false},
		"a deny is no grant":               {grant("Deny", "role/app", use, `{}`), Enclave{0, 0, true, map[string]string{}}, false},
		"if it exists":                     {grant("Allow", "role/app", use, strings.Replace(measured, "IgnoreCase", "IgnoreCaseIfExists", 1)), Enclave{1, 1, false, map[string]string{"PCR0": low}}, true},
		"a wildcard":                       {grant("Allow", "role/app", use, `{"StringLike":{"kms:RecipientAttestation:PCR0":"*"}}`), Enclave{1, 1, false, map[string]string{"PCR0": "*"}}, true},
		"present":                          {grant("Allow", "role/app", use, `{"Null":{"kms:RecipientAttestation:PCR0":"false"}}`), Enclave{1, 1, false, map[string]string{}}, true},
		"an account binds":                 {grant("Allow", "role/app", use, `{"StringEquals":{"kms:RecipientAttestation:PCR0":"`+base+`","aws:PrincipalAccount":"111122223333"}}`), Enclave{0, 0, true, map[string]string{"PCR0": low}}, true},
		"delegation is a bypass":           {root, Enclave{0, 1, true, map[string]string{}}, false},
		"delegation to another account":    {strings.ReplaceAll(root, "111122223333", "444455556666"), Enclave{1, 1, false, map[string]string{}}, false},
		"a deny closes all":                {root + `,` + grant("Allow", "role/app", use, `{}`) + unlessMeasured, Enclave{1, 0, false, map[string]string{"PCR0": low}}, true},
		"a deny unless attested":           {root + unlessAttested, Enclave{0, 0, true, map[string]string{}}, true},
		"a deny of one use leaves another": {root + strings.Replace(unlessAttested, `,"kms:Generate*"`, "", 1), Enclave{0, 1, true, map[string]string{}}, true},
		"a deny with a way round":          {root + strings.Replace(unlessMeasured, `"StringNot`, `"Bool":{"aws:ViaAWSService":"false"},"StringNot`, 1), Enclave{0, 1, true, map[string]string{"PCR0": low}}, true},
		"a deny for another role":          {grant("Allow", "role/app", use, `{}`) + strings.Replace(unlessMeasured, `"*"`, `{"AWS":"arn:aws:iam::111122223333:role/ops"}`, 1), Enclave{1, 1, false, map[string]string{"PCR0": low}}, true},
		"a deny for the account":           {grant("Allow", "role/app", use, `{}`) + strings.Replace(unlessMeasured, `"*"`, `{"AWS":"111122223333"}`, 1), Enclave{1, 0, false, map[string]string{"PCR0": low}}, true},
		"a deny that spares the role":      {grant("Allow", "role/app", use, `{}`) + strings.Replace(unlessMeasured, `"Principal":"*"`, `"NotPrincipal":{"AWS":"arn:aws:iam::111122223333:role/app"}`, 1), Enclave{1, 1, false, map[string]string{"PCR0": low}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			document := policy(t, test.statements)
			if diff := cmp.Diff(test.want, document.Enclave("111122223333")); diff != "" {
				t.Errorf("enclave differs (-want +got):\n%s", diff)
			}
			if got := document.UsesAttestation(); got != test.attested {
				t.Errorf("uses attestation: %v", got)
			}
		})
	}

	document := policy(t, grant("Allow", "role/app", use, bound))
	for name, test := range map[string]struct {
		approved map[string][]string
		want     int
	}{
		"nothing approved":                 {nil, 0},
		"a PCR the policy does not use":    {map[string][]string{"PCR3": {signer}}, 0},
		"hex and base64 are the same":      {map[string][]string{"pcr0": {image}}, 0},
		"the image is PCR0":                {map[string][]string{"ImageSha384": {image}}, 0},
		"another image":                    {map[string][]string{"PCR0": {signer}}, 1},
		"another image and another signer": {map[string][]string{"PCR0": {signer}, "PCR8": {image}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := document.PCRMismatches(test.approved); got != test.want {
				t.Errorf("%d mismatches, want %d", got, test.want)
			}
		})
	}
}
