package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has a few customer keys and one that AWS manages.
var kmsService = service{
	kinds: []world.Kind{
		{
			Name: "kms.key", Count: 2,
			Defects: []world.Defect{{Name: "no-rotation", Share: 0.2, Drift: 0.15}, {Name: "pending-deletion", Drift: 0.1}, {Name: "public-policy", Drift: 0.1},
				{Name: "enclave", Share: 0.25}, {Name: "unattested", Drift: 0.3}, {Name: "unbound", Share: 0.3}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				unless := func(not bool, r posture.Result) posture.Result {
					if not {
						return posture.DoesNotApply
					}
					return r
				}
				dying, enclave := it.Has("pending-deletion"), it.Has("enclave")
				return keyOf("aws.kms.key", it, keyARN(it)), map[string]posture.Result{
					"aws-kms-key-rotation-enabled":              unless(dying, failIf(it.Has("no-rotation"))),
					"aws-kms-key-not-pending-deletion":          failIf(dying),
					"aws-kms-key-policy-not-public":             failIf(it.Has("public-policy") && !enclave),
					"aws-kms-enclave-key-attestation-required":  unless(dying || !enclave, failIf(it.Has("unattested"))),
					"aws-kms-enclave-key-no-attestation-bypass": unless(dying || !enclave, failIf(it.Has("unattested"))),
					"aws-kms-enclave-key-deployment-bound":      unless(dying || !enclave, failIf(it.Has("unattested") || it.Has("unbound"))),
					"aws-kms-enclave-key-approved-measurements": posture.DoesNotApply, // no list of approved builds is set
				}
			},
		},
		{
			Name: "kms.aws_key", Count: 1, Fixed: true,
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				out := map[string]posture.Result{}
				for _, rule := range []string{"key-rotation-enabled", "key-not-pending-deletion", "key-policy-not-public", "enclave-key-attestation-required",
					"enclave-key-no-attestation-bypass", "enclave-key-deployment-bound", "enclave-key-approved-measurements"} {
					out["aws-kms-"+rule] = posture.DoesNotApply
				}
				return keyOf("aws.kms.key", it, keyARN(it)), out
			},
		},
	},
	handle: handleKMS,
}

func keyID(it *world.Item) string {
	h := it.Hex(32, "key")
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-8" + h[17:20] + "-" + h[20:]
}

func keyARN(it *world.Item) string { return it.ARN("kms", it.Region, "key/"+keyID(it)) }

func handleKMS(s *aws.Server, w *states) {
	keys := func(state *world.State, region string) []*world.Item {
		return append(state.In("kms.key", region), state.In("kms.aws_key", region)...)
	}
	find := func(state *world.State, region string, id *string) (*world.Item, error) {
		for _, it := range keys(state, region) {
			if strings.HasSuffix(sdk.ToString(id), keyID(it)) {
				return it, nil
			}
		}
		return nil, &types.NotFoundException{Message: id}
	}
	aws.Handle(s, func(c aws.Call[*kms.ListKeysInput]) (*kms.ListKeysOutput, error) {
		out := &kms.ListKeysOutput{}
		for _, it := range keys(at(w, c), c.Region) {
			out.Keys = append(out.Keys, types.KeyListEntry{KeyId: sdk.String(keyID(it)), KeyArn: sdk.String(keyARN(it))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*kms.DescribeKeyInput]) (*kms.DescribeKeyOutput, error) {
		state := at(w, c)
		it, err := find(state, c.Region, c.Input.KeyId)
		if err != nil {
			return nil, err
		}
		m := &types.KeyMetadata{KeyId: sdk.String(keyID(it)), Arn: sdk.String(keyARN(it)), AWSAccountId: sdk.String(c.Account), KeyManager: types.KeyManagerTypeCustomer, KeyState: types.KeyStateEnabled, Enabled: true,
			KeySpec: types.KeySpecSymmetricDefault, KeyUsage: types.KeyUsageTypeEncryptDecrypt, Origin: types.OriginTypeAwsKms, MultiRegion: sdk.Bool(false), CreationDate: sdk.Time(state.Long(it, 400)), Description: sdk.String("application data")}
		switch {
		case it.Kind == "kms.aws_key":
			m.KeyManager, m.Description = types.KeyManagerTypeAws, sdk.String("Default key that protects my EBS volumes when no other key is defined")
		case it.Has("enclave"):
			m.Description = sdk.String("signing inside the enclave")
		}
		if it.Has("pending-deletion") {
			m.KeyState, m.Enabled, m.DeletionDate = types.KeyStatePendingDeletion, false, sdk.Time(state.Since(it, 25, "deletion").AddDate(0, 0, 30))
		}
		return &kms.DescribeKeyOutput{KeyMetadata: m}, nil
	})
	aws.Handle(s, func(c aws.Call[*kms.GetKeyRotationStatusInput]) (*kms.GetKeyRotationStatusOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.KeyId)
		if err != nil {
			return nil, err
		}
		out := &kms.GetKeyRotationStatusOutput{KeyId: sdk.String(keyID(it)), KeyRotationEnabled: !it.Has("no-rotation") && !it.Has("pending-deletion")}
		if out.KeyRotationEnabled {
			out.RotationPeriodInDays = sdk.Int32(365)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*kms.GetKeyPolicyInput]) (*kms.GetKeyPolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.KeyId)
		if err != nil {
			return nil, err
		}
		return &kms.GetKeyPolicyOutput{Policy: sdk.String(keyPolicy(it)), PolicyName: sdk.String("default")}, nil
	})
	aws.Handle(s, func(c aws.Call[*kms.ListAliasesInput]) (*kms.ListAliasesOutput, error) {
		out := &kms.ListAliasesOutput{}
		for _, it := range keys(at(w, c), c.Region) {
			alias := "alias/" + it.Name()
			if it.Kind == "kms.aws_key" {
				alias = "alias/aws/ebs"
			}
			out.Aliases = append(out.Aliases, types.AliasListEntry{AliasName: sdk.String(alias), AliasArn: sdk.String(it.ARN("kms", it.Region, alias)), TargetKeyId: sdk.String(keyID(it))})
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*kms.ListResourceTagsInput]) (*kms.ListResourceTagsOutput, error) {
		if _, err := find(at(w, c), c.Region, c.Input.KeyId); err != nil {
			return nil, err
		}
		return &kms.ListResourceTagsOutput{Tags: []types.Tag{{TagKey: sdk.String("team"), TagValue: sdk.String("platform")}}}, nil
	})
}

// keyPolicy: an enclave's key is administered by the account and used by attested code alone; other keys follow IAM.
func keyPolicy(it *world.Item) string {
	root := `{"AWS":"arn:aws:iam::` + it.Account.ID + `:root"}`
	statements := []string{`{"Effect":"Allow","Principal":` + root + `,"Action":"kms:*","Resource":"*"}`}
	if it.Has("public-policy") && !it.Has("enclave") {
		statements = append(statements, `{"Effect":"Allow","Principal":"*","Action":["kms:Decrypt"],"Resource":"*"}`)
	}
	if it.Has("enclave") {
		statements = []string{`{"Effect":"Allow","Principal":` + root + `,"Action":["kms:DescribeKey","kms:GetKeyPolicy","kms:PutKeyPolicy","kms:EnableKeyRotation"],"Resource":"*"}`}
		condition := `"kms:RecipientAttestation:ImageSha384":"` + it.Hex(96, "image") + `"`
		if !it.Has("unbound") {
			condition += `,"kms:RecipientAttestation:PCR3":"` + it.Hex(96, "role") + `"`
		}
		condition = `,"Condition":{"StringEqualsIgnoreCase":{` + condition + `}}`
		if it.Has("unattested") {
			condition = ""
		}
		statements = append(statements, `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::`+it.Account.ID+`:role/signer"},"Action":["kms:Decrypt"],"Resource":"*"`+condition+`}`)
	}
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}
