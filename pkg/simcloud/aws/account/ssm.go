package account

import (
	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// An agent runs on every EC2 instance that is there; what is wrong with it are the agent's own defects, by the index of both.
var ssmService = service{
	kinds: []world.Kind{
		{
			Name: "ssm.agent", Count: 3,
			Defects: []world.Defect{{Name: "unregistered", Share: 0.1}, {Name: "lost", Drift: 0.15}, {Name: "unpatched", Share: 0.1, Drift: 0.2}, {Name: "unscanned", Share: 0.1}, {Name: "association-fails", Drift: 0.15}, {Name: "no-association", Share: 0.3}},
			ExpectMore: func(s *world.State) map[world.Judged]posture.Result {
				out := map[world.Judged]posture.Result{}
				for _, agent := range s.Items("ssm.agent") {
					instance := s.Find("ec2.instance", agent.Region, agent.Index)
					if instance == nil || agent.Has("unregistered") {
						continue
					}
					key := keyOf("aws.ssm.managed_instance", agent, agent.ARN("ssm", agent.Region, "managed-instance/"+ec2ID(instance, "i")))
					patched, associated := failIf(agent.Has("unpatched") || agent.Has("unscanned")), failIf(agent.Has("association-fails"))
					if !reached(s, instance) {
						patched = posture.DoesNotApply
					}
					if agent.Has("no-association") {
						associated = posture.DoesNotApply
					}
					out[world.Judged{Rule: "aws-ssm-managed-instance-patch-compliant", Resource: key}] = patched
					out[world.Judged{Rule: "aws-ssm-managed-instance-association-compliant", Resource: key}] = associated
				}
				return out
			},
		},
		{
			Name: "ssm.document", Count: 3, Defects: []world.Defect{{Name: "public", Share: 0.05, Drift: 0.1}},
			Expect: func(_ *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("aws.ssm.document", it, it.ARN("ssm", it.Region, "document/"+it.Name())), map[string]posture.Result{"aws-ssm-document-not-public": failIf(it.Has("public"))}
			},
		},
	},
	handle: handleSSM,
}

// reached reports whether Systems Manager reaches an agent on the EC2 instance.
func reached(s *world.State, instance *world.Item) bool {
	agent := s.Find("ssm.agent", instance.Region, instance.Index)
	return agent != nil && !agent.Has("unregistered") && !agent.Has("lost") && !instance.Has("stopped")
}

func handleSSM(s *aws.Server, w *states) {
	each := func(state *world.State, region string, do func(agent, instance *world.Item, id string)) {
		for _, agent := range state.In("ssm.agent", region) {
			if instance := state.Find("ec2.instance", region, agent.Index); instance != nil && !agent.Has("unregistered") {
				do(agent, instance, ec2ID(instance, "i"))
			}
		}
	}
	aws.Handle(s, func(c aws.Call[*ssm.DescribeInstanceInformationInput]) (*ssm.DescribeInstanceInformationOutput, error) {
		out := &ssm.DescribeInstanceInformationOutput{}
		state := at(w, c)
		each(state, c.Region, func(agent, instance *world.Item, id string) {
			i := types.InstanceInformation{InstanceId: sdk.String(id), PingStatus: types.PingStatusOnline, PlatformType: types.PlatformTypeLinux, PlatformName: sdk.String("Amazon Linux"), AgentVersion: sdk.String("3.3.859.0"),
				IsLatestVersion: sdk.Bool(agent.Pick(2, "latest") == 0), ResourceType: types.ResourceTypeEc2Instance, RegistrationDate: sdk.Time(state.Long(agent, 100)), LastPingDateTime: sdk.Time(state.Since(agent, 1, "ping"))}
			if !reached(state, instance) {
				i.PingStatus = types.PingStatusConnectionLost
			}
			out.InstanceInformationList = append(out.InstanceInformationList, i)
		})
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ssm.ListResourceComplianceSummariesInput]) (*ssm.ListResourceComplianceSummariesOutput, error) {
		out := &ssm.ListResourceComplianceSummariesOutput{}
		summary := func(id, kind string, bad bool) {
			item := types.ResourceComplianceSummaryItem{ComplianceType: &kind, ResourceId: &id, ResourceType: sdk.String("ManagedInstance"), Status: types.ComplianceStatusCompliant, OverallSeverity: types.ComplianceSeverityUnspecified}
			if bad {
				item.Status, item.OverallSeverity = types.ComplianceStatusNonCompliant, types.ComplianceSeverityCritical
				item.NonCompliantSummary = &types.NonCompliantSummary{NonCompliantCount: 3, SeveritySummary: &types.SeveritySummary{CriticalCount: 2, HighCount: 1}}
			}
			out.ResourceComplianceSummaryItems = append(out.ResourceComplianceSummaryItems, item)
		}
		each(at(w, c), c.Region, func(agent, _ *world.Item, id string) {
			if !agent.Has("unscanned") {
				summary(id, "Patch", agent.Has("unpatched"))
			}
			if !agent.Has("no-association") {
				summary(id, "Association", agent.Has("association-fails"))
			}
		})
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ssm.ListDocumentsInput]) (*ssm.ListDocumentsOutput, error) {
		out := &ssm.ListDocumentsOutput{}
		state := at(w, c)
		for _, it := range state.In("ssm.document", c.Region) {
			d := types.DocumentIdentifier{Name: sdk.String(it.Name()), Owner: sdk.String(c.Account), DocumentType: types.DocumentTypeCommand, DocumentVersion: sdk.String("1"), DocumentFormat: types.DocumentFormatYaml, SchemaVersion: sdk.String("2.2"),
				CreatedDate: sdk.Time(state.Long(it, 90)), Tags: []types.Tag{{Key: sdk.String("team"), Value: sdk.String("platform")}}}
			if it.Index == 1 {
				d.DocumentType, d.SchemaVersion = types.DocumentTypeAutomation, sdk.String("0.3")
			}
			out.DocumentIdentifiers = append(out.DocumentIdentifiers, d)
		}
		return out, nil
	})
	aws.Handle(s, func(c aws.Call[*ssm.DescribeDocumentPermissionInput]) (*ssm.DescribeDocumentPermissionOutput, error) {
		for _, it := range at(w, c).In("ssm.document", c.Region) {
			if it.Name() == sdk.ToString(c.Input.Name) {
				out := &ssm.DescribeDocumentPermissionOutput{AccountIds: []string{}}
				if it.Has("public") {
					out.AccountIds = append(out.AccountIds, "all")
				}
				return out, nil
			}
		}
		return nil, &types.InvalidDocument{Message: sdk.String("Document does not exist in your account")}
	})
}
