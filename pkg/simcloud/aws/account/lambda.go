package account

import (
	"strings"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Each region has a few functions; the last of them is packed as an image.
var lambdaService = service{
	kinds: []world.Kind{{
		Name: "lambda.function", Count: 3,
		Defects: []world.Defect{{Name: "public-policy", Drift: 0.1}, {Name: "open-url", Share: 0.1, Drift: 0.1}, {Name: "no-vpc", Share: 0.4}, {Name: "drops-events", Share: 0.3},
			{Name: "unbounded", Share: 0.5, Drift: 0.1}, {Name: "plain-secret", Share: 0.1, Drift: 0.15}},
		Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
			return keyOf("aws.lambda.function", it, functionARN(it)), map[string]posture.Result{
				"aws-lambda-function-policy-not-public":    failIf(it.Has("public-policy")),
				"aws-lambda-function-url-authenticated":    failIf(it.Has("open-url")),
				"aws-lambda-function-in-vpc":               failIf(it.Has("no-vpc")),
				"aws-lambda-function-dead-letter-queue":    failIf(it.Has("drops-events")),
				"aws-lambda-function-concurrency-limited":  failIf(it.Has("unbounded")),
				"aws-lambda-function-no-plaintext-secrets": failIf(it.Has("plain-secret")),
			}
		},
	}},
	handle: handleLambda,
}

func functionARN(it *world.Item) string { return it.ARN("lambda", it.Region, "function:"+it.Name()) }

func handleLambda(s *aws.Server, w *states) {
	find := func(state *world.State, region string, name *string) (*world.Item, error) {
		for _, it := range state.In("lambda.function", region) {
			if it.Name() == sdk.ToString(name) {
				return it, nil
			}
		}
		return nil, &types.ResourceNotFoundException{Message: sdk.String("Function not found: " + sdk.ToString(name))}
	}
	aws.Handle(s, func(c aws.Call[*lambda.ListFunctionsInput]) (*lambda.ListFunctionsOutput, error) {
		out := &lambda.ListFunctionsOutput{}
		state := at(w, c)
		for _, it := range state.In("lambda.function", c.Region) {
			out.Functions = append(out.Functions, lambdaFunction(state, it))
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*lambda.GetPolicyInput]) (*lambda.GetPolicyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FunctionName)
		if err != nil {
			return nil, err
		}
		source := `,"Condition":{"StringEquals":{"AWS:SourceAccount":"` + c.Account + `"}}`
		switch {
		case it.Has("public-policy"):
			source = ""
		case it.Index == 0:
			return nil, &types.ResourceNotFoundException{Message: sdk.String("No policy is associated with the given resource.")}
		}
		return &lambda.GetPolicyOutput{RevisionId: sdk.String(it.Hex(32, "policy")), Policy: sdk.String(
			`{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"caller","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"` + functionARN(it) + `"` + source + `}]}`)}, nil
	})
	aws.Handle(s, func(c aws.Call[*lambda.GetFunctionConcurrencyInput]) (*lambda.GetFunctionConcurrencyOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FunctionName)
		if err != nil || it.Has("unbounded") {
			return &lambda.GetFunctionConcurrencyOutput{}, err
		}
		return &lambda.GetFunctionConcurrencyOutput{ReservedConcurrentExecutions: sdk.Int32(int32(20 * it.Index))}, nil
	})
	aws.Handle(s, func(c aws.Call[*lambda.ListFunctionUrlConfigsInput]) (*lambda.ListFunctionUrlConfigsOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FunctionName)
		if err != nil {
			return nil, err
		}
		out := &lambda.ListFunctionUrlConfigsOutput{}
		for i := range 3 { // one of the function, and one of each alias
			u := types.FunctionUrlConfig{FunctionArn: sdk.String(functionARN(it)), AuthType: types.FunctionUrlAuthTypeAwsIam, CreationTime: sdk.String("2025-03-01T10:00:00Z"), LastModifiedTime: sdk.String("2025-03-01T10:00:00Z"),
				FunctionUrl: sdk.String("https://" + it.Hex(32, "url"+strings.Repeat("i", i)) + ".lambda-url." + c.Region + ".on.aws/")}
			if it.Has("open-url") && i == 2 {
				u.AuthType = types.FunctionUrlAuthTypeNone
			}
			out.FunctionUrlConfigs = append(out.FunctionUrlConfigs, u)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*lambda.GetFunctionEventInvokeConfigInput]) (*lambda.GetFunctionEventInvokeConfigOutput, error) {
		it, err := find(at(w, c), c.Region, c.Input.FunctionName)
		switch {
		case err != nil:
			return nil, err
		case it.Has("drops-events") || it.Index == 0:
			return nil, &types.ResourceNotFoundException{Message: sdk.String("The function " + functionARN(it) + ":$LATEST doesn't have an EventInvokeConfig")}
		}
		return &lambda.GetFunctionEventInvokeConfigOutput{FunctionArn: sdk.String(functionARN(it)), MaximumRetryAttempts: sdk.Int32(2),
			DestinationConfig: &types.DestinationConfig{OnFailure: &types.OnFailure{Destination: sdk.String(it.ARN("sqs", c.Region, "lost"))}}}, nil
	})
}

func lambdaFunction(state *world.State, it *world.Item) types.FunctionConfiguration {
	f := types.FunctionConfiguration{FunctionName: sdk.String(it.Name()), FunctionArn: sdk.String(functionARN(it)), PackageType: types.PackageTypeZip, Runtime: types.RuntimePython313, Handler: sdk.String("app.handler"),
		Role: sdk.String("arn:aws:iam::" + it.Account.ID + ":role/" + it.Name()), MemorySize: sdk.Int32(256), Timeout: sdk.Int32(30), Version: sdk.String("$LATEST"), LastModified: sdk.String("2025-11-03T09:12:44.000+0000"),
		TracingConfig: &types.TracingConfigResponse{Mode: types.TracingModeActive}, Environment: &types.EnvironmentResponse{Variables: map[string]string{"LOG_LEVEL": "info", "DB_SECRET_ARN": it.ARN("secretsmanager", it.Region, "secret:db")}}}
	switch it.Index {
	case 0:
		if !it.Has("drops-events") {
			f.DeadLetterConfig = &types.DeadLetterConfig{TargetArn: sdk.String(it.ARN("sqs", it.Region, "lost"))}
		}
		f.LoggingConfig = &types.LoggingConfig{LogFormat: types.LogFormatJson, LogGroup: sdk.String("/app/" + it.Name())}
	case 2:
		f.PackageType, f.Runtime, f.Handler = types.PackageTypeImage, "", nil
		f.KMSKeyArn, f.TracingConfig = sdk.String(it.ARN("kms", it.Region, "key/functions")), &types.TracingConfigResponse{Mode: types.TracingModePassThrough}
	}
	if it.Has("plain-secret") {
		f.Environment.Variables["DB_PASSWORD"] = "correct-horse"
	}
	if !it.Has("no-vpc") {
		f.VpcConfig = &types.VpcConfigResponse{VpcId: sdk.String(ec2ID(state.Find("ec2.vpc", it.Region, 0), "vpc")), SubnetIds: []string{ec2ID(state.Find("ec2.subnet", it.Region, 2), "subnet"), ec2ID(state.Find("ec2.subnet", it.Region, 3), "subnet")},
			SecurityGroupIds: []string{ec2ID(state.Find("ec2.security_group", it.Region, groupData), "sg")}}
	}
	return f
}
