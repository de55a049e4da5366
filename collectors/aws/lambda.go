package aws

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func lambdaReaders() []collectors.Reader[*client] { return []collectors.Reader[*client]{functions} }

var functions = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.FunctionType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "Lambda.ListFunctions", Permission: "lambda:ListFunctions", Body: collectors.Redact("Variables")},
		{Name: "Lambda.GetPolicy", Permission: "lambda:GetPolicy", Body: collectors.Store},
		{Name: "Lambda.GetFunctionConcurrency", Permission: "lambda:GetFunctionConcurrency", Body: collectors.Store},
		{Name: "Lambda.ListFunctionUrlConfigs", Permission: "lambda:ListFunctionUrlConfigs", Body: collectors.Store},
		{Name: "Lambda.GetFunctionEventInvokeConfig", Permission: "lambda:GetFunctionEventInvokeConfig", Body: collectors.Store},
	},
	Collect: collectFunctions,
}

func collectFunctions(ctx context.Context, c *client, emit collectors.Emit) error {
	api := lambda.NewFromConfig(c.config)
	var group errgroup.Group
	group.SetLimit(8)
	list := lambda.NewListFunctionsPaginator(api, &lambda.ListFunctionsInput{MaxItems: sdk.Int32(50)})
	err := pages(ctx, list, func(page *lambda.ListFunctionsOutput) error {
		for _, f := range page.Functions {
			if strings.HasPrefix(sdk.ToString(f.FunctionName), "us-east-1.") { // a replica that CloudFront made
				continue
			}
			group.Go(func() error {
				function, gaps := newFunction(f)
				gaps = append(gaps, readFunction(ctx, api, f.FunctionName, function)...)
				emit(sdk.ToString(f.FunctionArn), function, gaps...)
				return nil
			})
		}
		return nil
	})
	_ = group.Wait() // readFunction hands its errors over as gaps
	if err != nil {
		return fmt.Errorf("list functions: %w", err)
	}
	return nil
}

func newFunction(f types.FunctionConfiguration) (*schema.Function, []collectors.Gap) {
	function := &schema.Function{
		Meta:        posture.Meta{Name: sdk.ToString(f.FunctionName)},
		Runtime:     string(f.Runtime),
		PackageType: string(f.PackageType),
		RoleARN:     sdk.ToString(f.Role),
		KMSKeyARN:   sdk.ToString(f.KMSKeyArn),
		LogGroup:    "/aws/lambda/" + sdk.ToString(f.FunctionName),
	}
	gaps := []collectors.Gap{collectors.NotCollected("tags")}
	if f.VpcConfig != nil {
		function.VPCID, function.SubnetIDs = sdk.ToString(f.VpcConfig.VpcId), f.VpcConfig.SubnetIds
	}
	if f.DeadLetterConfig != nil {
		function.DeadLetterTargetARN = sdk.ToString(f.DeadLetterConfig.TargetArn)
	}
	if f.LoggingConfig != nil && f.LoggingConfig.LogGroup != nil {
		function.LogGroup = *f.LoggingConfig.LogGroup
	}
	if f.TracingConfig != nil {
		function.TracingMode = string(f.TracingConfig.Mode)
	}
	switch {
	case f.Environment == nil: // no variables
	case f.Environment.Error != nil: // the key of the variables refuses Lambda, or us
		err := errors.New(sdk.ToString(f.Environment.Error.ErrorCode) + ": " + sdk.ToString(f.Environment.Error.Message))
		gaps = append(gaps, collectors.Unread(fmt.Errorf("read variables: %w", err), "env_names", "suspicious_env_names"))
	default:
		function.EnvNames = slices.Sorted(maps.Keys(f.Environment.Variables))
		function.SuspiciousEnvNames = suspiciousNames(f.Environment.Variables)
	}
	return function, gaps
}

// readFunction reads what only single calls tell. ResourceNotFoundException says of a policy, and of what becomes of failed
// events, that nothing was set.
func readFunction(ctx context.Context, api *lambda.Client, name *string, function *schema.Function) []collectors.Gap {
	var gaps []collectors.Gap
	policy, err := api.GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: name})
	if err == nil && sdk.ToString(policy.Policy) == "" {
		err = missing("Lambda.GetPolicy", "Policy")
	}
	switch {
	case hasCode(err, "ResourceNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "policy"))
	default:
		function.Policy = *policy.Policy
	}

	concurrency, err := api.GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: name})
	switch {
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "reserved_concurrency"))
	case concurrency.ReservedConcurrentExecutions != nil:
		function.ReservedConcurrency = posture.Some(int64(*concurrency.ReservedConcurrentExecutions))
	}

	urls := lambda.NewListFunctionUrlConfigsPaginator(api, &lambda.ListFunctionUrlConfigsInput{FunctionName: name, MaxItems: sdk.Int32(50)})
	if err := pages(ctx, urls, func(page *lambda.ListFunctionUrlConfigsOutput) error {
		for _, u := range page.FunctionUrlConfigs {
			function.URLAuthTypes = append(function.URLAuthTypes, string(u.AuthType))
		}
		return nil
	}); err != nil {
		gaps = append(gaps, collectors.Unread(err, "url_auth_types"))
	}

	invoke, err := api.GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: name})
	switch {
	case hasCode(err, "ResourceNotFoundException"):
	case err != nil:
		gaps = append(gaps, collectors.Unread(err, "on_failure_destination_arn"))
	case invoke.DestinationConfig != nil && invoke.DestinationConfig.OnFailure != nil:
		function.OnFailureDestinationARN = sdk.ToString(invoke.DestinationConfig.OnFailure.Destination)
	}
	return gaps
}
