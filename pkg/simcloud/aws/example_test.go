package aws_test

import (
	"context"
	"fmt"
	"net/http"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
)

// trailStatus is a handler: the SDK's input in, the SDK's output or error out.
func trailStatus(c aws.Call[*cloudtrail.GetTrailStatusInput]) (*cloudtrail.GetTrailStatusOutput, error) {
	if sdk.ToString(c.Input.Name) != "main" {
		return nil, &types.TrailNotFoundException{Message: sdk.String("no such trail in " + c.Account)}
	}
	return &cloudtrail.GetTrailStatusOutput{IsLogging: sdk.Bool(true)}, nil
}

func ExampleHandle() {
	server, err := aws.New(aws.Options{})
	if err != nil {
		fmt.Println(err)
		return
	}
	aws.Handle(server, trailStatus)

	faults := &fault.Injector{Rules: []fault.Rule{
		{Call: fault.Call{Service: "cloudtrail", Operation: "GetTrailStatus"}, Nth: 2, Kind: fault.Denied},
	}}
	client := &http.Client{Transport: fault.InMemory(faults.Wrap(server))}
	api := cloudtrail.NewFromConfig(aws.Config("111122223333", "eu-central-1", client))
	for range 2 {
		status, err := api.GetTrailStatus(context.Background(), &cloudtrail.GetTrailStatusInput{Name: sdk.String("main")})
		if err != nil {
			break
		}
		fmt.Println("logging:", *status.IsLogging)
	}
	for _, call := range faults.Log() {
		fmt.Printf("%s in %s, call %d: %q\n", call.Operation, call.Region, call.N, call.Injected)
	}
	// Output:
	// logging: true
	// GetTrailStatus in eu-central-1, call 1: ""
	// GetTrailStatus in eu-central-1, call 2: "denied"
}
