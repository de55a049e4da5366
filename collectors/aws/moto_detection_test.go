package aws_test

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/account"
	contact "github.com/aws/aws-sdk-go-v2/service/account/types"
	"github.com/aws/aws-sdk-go-v2/service/configservice"
	recorder "github.com/aws/aws-sdk-go-v2/service/configservice/types"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	key "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
)

// In the tended account the east is watched and the west is not; of the neglected one only Config in the west looks at most.
func detectionVerdicts() map[string]verdicts {
	return map[string]verdicts{
		"aws-account-security-contact-set":     {pass: "tended", fail: "neglected"},
		"aws-configservice-recorder-active":    {pass: "tended:east neglected:west", fail: "tended:west neglected:east"},
		"aws-configservice-recorder-all-types": {pass: "tended:east", fail: "tended:west neglected:west", exempt: "neglected:east"},
		"aws-guardduty-detector-enabled":       {pass: "tended:east", fail: "tended:west neglected:east"},
		"aws-guardduty-findings-triaged":       {unknown: "tended:east", exempt: "tended:west neglected:east"},
		"aws-guardduty-no-open-high-findings":  {unknown: "tended:east", exempt: "tended:west neglected:east"},
		"aws-securityhub-enabled":              {unknown: "tended:east", fail: "tended:west neglected:east neglected:west"},

		"aws-kms-key-rotation-enabled":              {pass: "rotated", fail: "still", exempt: "signing doomed"},
		"aws-kms-key-not-pending-deletion":          {pass: "rotated still signing", fail: "doomed"},
		"aws-kms-key-policy-not-public":             {pass: "rotated still own-account", fail: "open-key"},
		"aws-kms-enclave-key-attestation-required":  {pass: "measured delegated", fail: "unmeasured", exempt: "rotated"},
		"aws-kms-enclave-key-no-attestation-bypass": {pass: "measured", fail: "delegated unmeasured", exempt: "rotated"},
		"aws-kms-enclave-key-deployment-bound":      {pass: "measured", fail: "delegated unmeasured", exempt: "rotated"},
		"aws-kms-enclave-key-approved-measurements": {exempt: "measured rotated"},
	}
}

func buildDetection(b *builder) {
	do(b, account.NewFromConfig(b.config(tended, east)).PutAlternateContact, &account.PutAlternateContactInput{
		AlternateContactType: contact.AlternateContactTypeSecurity, EmailAddress: sdk.String("security@example.com"),
		Name: sdk.String("On call"), PhoneNumber: sdk.String("+1 555 0100"), Title: sdk.String("Security"),
	})
	for label, account := range map[string]string{"tended": tended, "neglected": neglected} {
		b.name(label+":east", account, east, east)
		b.name(label+":west", account, west, west)
	}

	record(b, tended, east, true, &recorder.RecordingGroup{AllSupported: true, IncludeGlobalResourceTypes: true})
	record(b, tended, west, false, &recorder.RecordingGroup{ResourceTypes: []recorder.ResourceType{recorder.ResourceTypeInstance}})
	record(b, neglected, west, true, &recorder.RecordingGroup{
		RecordingStrategy:        &recorder.RecordingStrategy{UseOnly: recorder.RecordingStrategyTypeExclusionByResourceTypes},
		ExclusionByResourceTypes: &recorder.ExclusionByResourceTypes{ResourceTypes: []recorder.ResourceType{recorder.ResourceTypeSubnet}},
	})

	for _, region := range []string{east, west} {
		do(b, guardduty.NewFromConfig(b.config(tended, region)).CreateDetector, &guardduty.CreateDetectorInput{Enable: sdk.Bool(region == east)})
	}
	do(b, securityhub.NewFromConfig(b.config(tended, east)).EnableSecurityHub, &securityhub.EnableSecurityHubInput{})
	buildKeys(b)
}

func record(b *builder, account, region string, start bool, group *recorder.RecordingGroup) {
	api := configservice.NewFromConfig(b.config(account, region))
	do(b, api.PutConfigurationRecorder, &configservice.PutConfigurationRecorderInput{ConfigurationRecorder: &recorder.ConfigurationRecorder{
		Name: sdk.String("default"), RoleARN: sdk.String("arn:aws:iam::" + account + ":role/config"), RecordingGroup: group,
	}})
	do(b, api.PutDeliveryChannel, &configservice.PutDeliveryChannelInput{DeliveryChannel: &recorder.DeliveryChannel{
		Name: sdk.String("default"), S3BucketName: sdk.String("logs"),
	}})
	if start {
		do(b, api.StartConfigurationRecorder, &configservice.StartConfigurationRecorderInput{ConfigurationRecorderName: sdk.String("default")})
	}
}

const (
	ownAccount = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + tended + `:root"},"Action":"kms:*","Resource":"*"}`
	image      = "3c7f0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
	measured   = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + tended + `:role/enclave"},"Action":"kms:Decrypt","Resource":"*",
		"Condition":{"StringEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"` + image + `"`
	unmeasured = `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + tended + `:role/host"},"Action":["kms:Decrypt","kms:GenerateDataKey"],"Resource":"*"}`
	onlyImage  = `{"Effect":"Deny","Principal":"*","Resource":"*",
		"Action":["kms:Decrypt","kms:DeriveSharedSecret","kms:GenerateDataKey","kms:GenerateDataKeyPair","kms:GenerateRandom"],
		"Condition":{"StringNotEqualsIgnoreCase":{"kms:RecipientAttestation:ImageSha384":"` + image + `"}}}`
)

func buildKeys(b *builder) {
	api := kms.NewFromConfig(b.config(tended, east))
	create := func(label string, input *kms.CreateKeyInput, statements string) *string {
		if statements != "" {
			input.Policy = sdk.String(`{"Version":"2012-10-17","Statement":[` + statements + `]}`)
		}
		if input.KeyUsage == "" {
			input.KeyUsage = key.KeyUsageTypeEncryptDecrypt // which KMS adds by itself, and moto does not
		}
		made := do(b, api.CreateKey, input)
		b.name(label, tended, east, *made.KeyMetadata.Arn)
		return made.KeyMetadata.KeyId
	}
	rotated := create("rotated", &kms.CreateKeyInput{}, "")
	do(b, api.EnableKeyRotation, &kms.EnableKeyRotationInput{KeyId: rotated})
	create("still", &kms.CreateKeyInput{}, "")
	doomed := create("doomed", &kms.CreateKeyInput{}, "")
	do(b, api.ScheduleKeyDeletion, &kms.ScheduleKeyDeletionInput{KeyId: doomed, PendingWindowInDays: sdk.Int32(7)})
	create("signing", &kms.CreateKeyInput{KeySpec: key.KeySpecRsa2048, KeyUsage: key.KeyUsageTypeSignVerify}, "")
	create("open-key", &kms.CreateKeyInput{}, ownAccount+`,{"Effect":"Allow","Principal":"*","Action":"kms:Decrypt","Resource":"*"}`)
	create("own-account", &kms.CreateKeyInput{}, ownAccount+`,{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"kms:Decrypt","Resource":"*",
		"Condition":{"StringEquals":{"kms:CallerAccount":"`+tended+`"}}}`)
	create("measured", &kms.CreateKeyInput{}, ownAccount+","+measured+`,"kms:RecipientAttestation:PCR3":"`+image+`"}}},`+onlyImage)
	create("delegated", &kms.CreateKeyInput{}, ownAccount+","+measured+`}}}`)
	create("unmeasured", &kms.CreateKeyInput{Description: sdk.String("opens what the enclave seals")}, ownAccount+","+unmeasured)
}
