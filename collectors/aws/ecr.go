package aws

import (
	"context"
	"fmt"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func ecrReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{repositories} }

var repositories = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.RepositoryType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "ECR.DescribeRepositories", Permission: "ecr:DescribeRepositories", Body: collectors.Store},
		{Name: "ECR.BatchGetRepositoryScanningConfiguration", Permission: "ecr:BatchGetRepositoryScanningConfiguration", Body: collectors.Store},
		{Name: "ECR.GetRepositoryPolicy", Permission: "ecr:GetRepositoryPolicy", Body: collectors.Store},
		{Name: "ECR.GetLifecyclePolicy", Permission: "ecr:GetLifecyclePolicy", Body: collectors.Store},
	},
	Collect: collectRepositories,
}

// scanBatch is how many repositories one call tells the scanning of. A page of the list is as long.
const scanBatch = 25

func collectRepositories(ctx context.Context, c *client, emit collectors.Emit) error {
	api := ecr.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := ecr.NewDescribeRepositoriesPaginator(api, &ecr.DescribeRepositoriesInput{MaxResults: sdk.Int32(scanBatch)})
	err := pages(ctx, list, func(page *ecr.DescribeRepositoriesOutput) error {
		scans, unread := scanning(ctx, api, page.Repositories)
		for _, r := range page.Repositories {
			group.Go(func() error {
				a := &answer{service: ecr.ServiceID, operation: "DescribeRepositories", gaps: []collectors.Gap{collectors.NotCollected("tags")}}
				repository := newRepository(r, a)
				gaps := append(a.gaps, readRepository(ctx, api, r.RepositoryName, repository)...)
				scan, told := scans[repository.Name]
				err := unread
				if err == nil && !told {
					err = missing("ECR.BatchGetRepositoryScanningConfiguration", repository.Name)
				}
				if err != nil {
					gaps = append(gaps, collectors.Unread(err, "scan_on_push", "scan_frequency"))
				}
				repository.ScanOnPush, repository.ScanFrequency = scan.ScanOnPush, string(scan.ScanFrequency)
				emit(sdk.ToString(r.RepositoryArn), repository, gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // errors of single repositories are gaps
	if err != nil {
		return fmt.Errorf("list repositories: %w", err)
	}
	return nil
}

// scanning returns how repositories are scanned, by name.
func scanning(ctx context.Context, api *ecr.Client, list []types.Repository) (map[string]types.RepositoryScanningConfiguration, error) {
	var names []string
	for _, r := range list {
		names = append(names, sdk.ToString(r.RepositoryName))
	}
	if len(names) == 0 {
		return nil, nil
	}
	answered, err := api.BatchGetRepositoryScanningConfiguration(ctx, &ecr.BatchGetRepositoryScanningConfigurationInput{RepositoryNames: names})
	if err != nil {
		return nil, err
	}
	out := map[string]types.RepositoryScanningConfiguration{}
	for _, s := range answered.ScanningConfigurations {
		out[sdk.ToString(s.RepositoryName)] = s
	}
	return out, nil
}

func newRepository(r types.Repository, a *answer) *schema.Repository {
	encryption := required(a, "encryption_type", r.EncryptionConfiguration)
	return &schema.Repository{
		Meta:           posture.Meta{Name: sdk.ToString(r.RepositoryName), CreatedAt: posture.FromPtr(r.CreatedAt)},
		TagMutability:  string(r.ImageTagMutability),
		EncryptionType: string(encryption.EncryptionType),
		KMSKey:         sdk.ToString(encryption.KmsKey),
	}
}

func readRepository(ctx context.Context, api *ecr.Client, name *string, repository *schema.Repository) []collectors.Gap {
	var gaps []collectors.Gap
	policy, err := api.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: name})
	if err == nil && sdk.ToString(policy.PolicyText) == "" {
		err = missing("ECR.GetRepositoryPolicy", "PolicyText")
	}
	switch {
	case hasCode(err, "RepositoryPolicyNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "policy"))
	default:
		repository.Policy = *policy.PolicyText
	}
	_, err = api.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: name})
	switch {
	case hasCode(err, "LifecyclePolicyNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "lifecycle_policy_present"))
	default:
		repository.LifecyclePolicyPresent = true
	}
	return gaps
}
