package aws

import (
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func TestKeys(t *testing.T) {
	const delegation = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"kms:*","Resource":"*"}`
	// key is an enabled symmetric key of the customer, whose policy delegates to the account, as change leaves it.
	key := func(change func(*schema.KMSKey), refused ...string) []*posture.Resource {
		k := &schema.KMSKey{
			Manager: "CUSTOMER", State: "Enabled", Spec: "SYMMETRIC_DEFAULT", Usage: "ENCRYPT_DECRYPT", Origin: "AWS_KMS",
			PolicyReadable: true, Policy: `{"Statement":[` + delegation + `]}`,
		}
		if change != nil {
			change(k)
		}
		return []*posture.Resource{resource(schema.KMSKeyType, "arn:aws:kms:eu-west-1:111122223333:key/1", k, refused...)}
	}
	allows := func(statement string) func(*schema.KMSKey) {
		return func(k *schema.KMSKey) { k.Policy = `{"Statement":[` + delegation + `,` + statement + `]}` }
	}
	check(t, map[string]derivation{
		"a symmetric key of the customer rotates": {
			resources: key(nil), want: map[string]any{"rotatable": true},
		},
		"imported material does not rotate, whatever else was refused": {
			resources: key(func(k *schema.KMSKey) { k.Origin = "EXTERNAL" }, "state"), want: map[string]any{"rotatable": false},
		},
		"a refused state leaves it open": {
			resources: key(nil, "state"), want: map[string]any{"rotatable": "unread: read state"},
		},
		"delegation to the account is neither public nor mixed": {
			resources: key(nil),
			want: map[string]any{
				"policy_public": false, "policy_mixed_duties": []any{}, "enclave_key": false,
				"policy_statements": []any{map[string]any{
					"effect": "Allow", "principals": []any{"AWS:arn:aws:iam::111122223333:root"}, "actions": []any{"kms:*"}, "conditions_json": "",
				}},
			},
		},
		"everyone may decrypt": {
			resources: key(allows(`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`)),
			want:      map[string]any{"policy_public": true},
		},
		"everyone in one account may decrypt": {
			resources: key(allows(`{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*",
				"Condition":{"StringEquals":{"kms:CallerAccount":"111122223333"}}}`)),
			want: map[string]any{"policy_public": false},
		},
		"one role that administers and decrypts": {
			resources: key(allows(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/all"},"Action":["kms:Put*","kms:Decrypt"],"Resource":"*"}`)),
			want:      map[string]any{"policy_mixed_duties": []any{"AWS:arn:aws:iam::111122223333:role/all"}},
		},
		"the opposite of a list says so in the statements": {
			resources: key(func(k *schema.KMSKey) {
				k.Policy = `{"Statement":[{"Effect":"Deny","NotPrincipal":{"Service":"s3.amazonaws.com"},"NotAction":"kms:Describe*","Resource":"*"}]}`
			}),
			want: map[string]any{"policy_statements": []any{map[string]any{
				"effect": "Deny", "principals": []any{"not Service:s3.amazonaws.com"}, "actions": []any{"not kms:describe*"}, "conditions_json": "",
			}}},
		},
		"a refused policy leaves open what it says, and names the call": {
			resources: key(nil, "policy"),
			want: map[string]any{
				"policy_public": "unread: read policy", "policy_statements": "unread: read policy", "enclave.bypass_paths": "unread: read policy",
				"enclave_key": "unread: read policy", "rotatable": true,
			},
		},
		"a tag makes an enclave's key, whatever the refused policy says": {
			resources: key(func(k *schema.KMSKey) { k.Tags = map[string]string{"enclave-key": "true"} }, "policy"),
			want:      map[string]any{"enclave_key": true},
		},
		"an alias makes an enclave's key": {
			resources: key(func(k *schema.KMSKey) { k.Aliases = []string{"payments-Enclave"} }), want: map[string]any{"enclave_key": true},
		},
		"refused tags leave it open": {
			resources: key(nil, "tags"), want: map[string]any{"enclave_key": "unread: read tags"},
		},
		"an attested use of the key is bound to its measurement": {
			resources: key(allows(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"kms:Decrypt","Resource":"*",
				"Condition":{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:PCR3":"AABB"}}}`)),
			want: map[string]any{
				"enclave_key": true, "enclave.unattested_allows": int64(0), "enclave.bypass_paths": int64(1), "enclave.deployment_bound": true,
				"enclave.pcr_values": map[string]any{"PCR3": "aabb"}, "enclave.pcr_mismatches": "unread: not_collected",
			},
		},
		"a use without a measurement is counted": {
			resources: key(allows(`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:role/app"},"Action":"kms:Decrypt","Resource":"*"}`)),
			want:      map[string]any{"enclave.unattested_allows": int64(1), "enclave.bypass_paths": int64(2), "enclave.deployment_bound": false},
		},
	})
}
