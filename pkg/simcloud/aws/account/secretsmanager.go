package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Of the secrets of a region the second has a schedule instead of an interval, and the third follows one abroad.
const secretScheduled, secretReplica = 1, 2

var secretsmanagerService = service{
	kinds: []world.Kind{{
		Name: "secretsmanager.secret", Count: 3,
		Defects: []world.Defect{{Name: "no-rotation", Share: 0.2, Drift: 0.1}, {Name: "overdue", Drift: 0.25}, {Name: "unused", Share: 0.2}, {Name: "public-policy", Drift: 0.1}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			own := func(defect bool) posture.Result {
				if it.Index == secretReplica {
					return posture.DoesNotApply
				}
				return failIf(defect)
			}
			return keyOf("aws.secretsmanager.secret", it, secretARN(it)), map[string]posture.Result{
				"aws-secretsmanager-secret-rotation-enabled":    own(it.Has("no-rotation")),
				"aws-secretsmanager-secret-rotated-on-schedule": own(it.Has("no-rotation") || it.Has("overdue")),
				"aws-secretsmanager-secret-in-use":              failIf(it.Has("unused")),
				"aws-secretsmanager-secret-policy-not-public":   failIf(it.Has("public-policy")),
			}
		},
	}},
	handle: handleSecretsManager,
}

func secretARN(it *world.Item) string {
	return it.ARN("secretsmanager", it.Region, "secret:"+it.Name()+"-"+it.Hex(6, "suffix"))
}

func handleSecretsManager(s *aws.Server, w *states) {
	aws.Handle(s, func(c aws.Call[*secretsmanager.ListSecretsInput]) (*secretsmanager.ListSecretsOutput, error) {
		out := &secretsmanager.ListSecretsOutput{}
		state := at(w, c)
		for _, it := range state.In("secretsmanager.secret", c.Region) {
			out.SecretList = append(out.SecretList, secretEntry(state, it))
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*secretsmanager.GetResourcePolicyInput]) (*secretsmanager.GetResourcePolicyOutput, error) {
		for _, it := range at(w, c).In("secretsmanager.secret", c.Region) {
			if secretARN(it) != sdk.ToString(c.Input.SecretId) {
				continue
			}
			out := &secretsmanager.GetResourcePolicyOutput{ARN: sdk.String(secretARN(it)), Name: sdk.String(it.Name())}
			condition := `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-plumbline1"}}`
			if it.Has("public-policy") {
				condition = ""
			}
			if it.Index > 0 || it.Has("public-policy") {
				out.ResourcePolicy = sdk.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"` + condition + `}]}`)
			}
			return out, nil
		}
		return nil, &types.ResourceNotFoundException{Message: sdk.String("Secrets Manager can't find the specified secret.")}
	})
}

// secretEntry: secrets rotate every 30 days, and something reads them every week.
func secretEntry(state *world.State, it *world.Item) types.SecretListEntry {
	e := types.SecretListEntry{ARN: sdk.String(secretARN(it)), Name: sdk.String(it.Name()), CreatedDate: sdk.Time(state.Long(it, 300)), LastChangedDate: sdk.Time(state.Since(it, 30, "rotation")),
		LastAccessedDate: sdk.Time(state.Since(it, 7, "read")), KmsKeyId: sdk.String(it.ARN("kms", it.Region, "key/secrets")), Tags: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("platform")}}}
	if it.Has("unused") {
		e.LastAccessedDate = sdk.Time(state.Long(it, 100))
	}
	switch {
	case it.Index == secretReplica:
		e.PrimaryRegion, e.KmsKeyId = sdk.String("eu-west-3"), nil
		return e
	case it.Has("no-rotation"):
		return e
	}
	last := state.Since(it, 30, "rotation")
	if it.Has("overdue") {
		last = state.Long(it, 60)
	}
	e.RotationEnabled, e.LastRotatedDate, e.NextRotationDate = sdk.Bool(true), sdk.Time(last), sdk.Time(last.AddDate(0, 0, 31))
	e.RotationRules, e.OwningService = &types.RotationRulesType{AutomaticallyAfterDays: sdk.Int64(30)}, sdk.String("rds")
	if it.Index == secretScheduled {
		e.RotationRules, e.OwningService = &types.RotationRulesType{ScheduleExpression: sdk.String("rate(30 days)"), Duration: sdk.String("2h")}, nil
	}
	return e
}
