package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

var ecrService = service{
	kinds: []world.Kind{{
		Name: "ecr.repository", Count: 3,
		Defects: []world.Defect{{Name: "unscanned", Share: 0.2, Drift: 0.1}, {Name: "mutable", Share: 0.3, Drift: 0.05}, {Name: "public-policy", Drift: 0.15}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("aws.ecr.repository", it, repositoryARN(it)), map[string]posture.Result{
				"aws-ecr-repository-scan-on-push":      failIf(it.Has("unscanned")),
				"aws-ecr-repository-tags-immutable":    failIf(it.Has("mutable")),
				"aws-ecr-repository-policy-not-public": failIf(it.Has("public-policy")),
			}
		},
	}},
	handle: handleECR,
}

func repositoryARN(it *world.Item) string { return it.ARN("ecr", it.Region, "repository/"+it.Name()) }

func handleECR(s *aws.Server, w *states) {
	find := func(state *world.State, region string, name *string) (*world.Item, error) {
		for _, it := range state.In("ecr.repository", region) {
			if it.Name() == sdk.ToString(name) {
				return it, nil
			}
		}
		return nil, &types.RepositoryNotFoundException{Message: sdk.String("The repository does not exist in the registry")}
	}
	aws.Handle(s, func(c aws.Call[*ecr.DescribeRepositoriesInput]) (*ecr.DescribeRepositoriesOutput, error) {
		out := &ecr.DescribeRepositoriesOutput{}
		state := at(w, c)
		for _, it := range state.In("ecr.repository", c.Region) {
			r := types.Repository{RepositoryName: sdk.String(it.Name()), RepositoryArn: sdk.String(repositoryARN(it)), RegistryId: sdk.String(c.Account), RepositoryUri: sdk.String(c.Account + ".dkr.ecr." + c.Region + ".amazonaws.com/" + it.Name()),
				CreatedAt: sdk.Time(state.Long(it, 150)), ImageTagMutability: types.ImageTagMutabilityImmutable, ImageScanningConfiguration: &types.ImageScanningConfiguration{ScanOnPush: false},
				EncryptionConfiguration: &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeKms, KmsKey: sdk.String(it.ARN("kms", c.Region, "key/images"))}}
			if it.Has("mutable") {
				r.ImageTagMutability = types.ImageTagMutabilityMutable
			}
			if it.Index == 2 {
				r.EncryptionConfiguration = &types.EncryptionConfiguration{EncryptionType: types.EncryptionTypeAes256}
			}
			out.Repositories = append(out.Repositories, r)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ecr.BatchGetRepositoryScanningConfigurationInput]) (*ecr.BatchGetRepositoryScanningConfigurationOutput, error) {
		out := &ecr.BatchGetRepositoryScanningConfigurationOutput{}
		for _, name := range c.Input.RepositoryNames {
			it, err := find(at(w, c), c.Region, &name)
			if err != nil {
				out.Failures = append(out.Failures, types.RepositoryScanningConfigurationFailure{RepositoryName: &name, FailureCode: types.ScanningConfigurationFailureCodeRepositoryNotFound})
				continue
			}
			scan := types.RepositoryScanningConfiguration{RepositoryName: &name, RepositoryArn: sdk.String(repositoryARN(it)), ScanFrequency: types.ScanFrequencyManual}
			switch {
			case it.Has("unscanned"):
			case it.Index == 0:
				scan.ScanOnPush, scan.ScanFrequency = true, types.ScanFrequencyScanOnPush
			default:
				scan.ScanFrequency = types.ScanFrequencyContinuousScan
			}
			out.ScanningConfigurations = append(out.ScanningConfigurations, scan)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ecr.GetRepositoryPolicyInput]) (*ecr.GetRepositoryPolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.RepositoryName)
		if err != nil {
			return nil, err
		}
		principal := `{"AWS":"arn:aws:iam::999900001111:root"}`
		switch {
		case it.Has("public-policy"):
			principal = `"*"`
		case it.Index == 0:
			return nil, &types.RepositoryPolicyNotFoundException{Message: sdk.String("Repository policy does not exist for the repository")}
		}
		return &ecr.GetRepositoryPolicyOutput{RepositoryName: sdk.String(it.Name()), PolicyText: sdk.String(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":` + principal + `,"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`)}, nil
	})
	aws.Handle(s, func(c aws.Call[*ecr.GetLifecyclePolicyInput]) (*ecr.GetLifecyclePolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.RepositoryName)
		if err != nil {
			return nil, err
		}
		if it.Index == 1 {
			return nil, &types.LifecyclePolicyNotFoundException{Message: sdk.String("Lifecycle policy does not exist for the repository")}
		}
		return &ecr.GetLifecyclePolicyOutput{RepositoryName: sdk.String(it.Name()), LifecyclePolicyText: sdk.String(`{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"imageCountMoreThan","countNumber":20},"action":{"type":"expire"}}]}`)}, nil
	})
}
