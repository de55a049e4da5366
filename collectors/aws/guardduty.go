package aws

import (
	"context"
	"fmt"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/guardduty"
	"github.com/aws/aws-sdk-go-v2/service/guardduty/types"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

func guarddutyReaders() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{guardDutyStatus}
}

var guardDutyStatus = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.GuardDutyStatusType},
	Scope: collectors.Regional,
	Operations: []collectors.Operation{
		{Name: "GuardDuty.ListDetectors", Permission: "guardduty:ListDetectors", Body: collectors.Store},
		{Name: "GuardDuty.GetDetector", Permission: "guardduty:GetDetector", Body: collectors.Store},
		{Name: "GuardDuty.GetAdministratorAccount", Permission: "guardduty:GetAdministratorAccount", Body: collectors.Store},
		{Name: "GuardDuty.GetFindingsStatistics", Permission: "guardduty:GetFindingsStatistics", Body: collectors.Store},
		{Name: "GuardDuty.ListFindings", Permission: "guardduty:ListFindings", Body: collectors.Store},
		// A finding names people, addresses and what they did.
		{Name: "GuardDuty.GetFindings", Permission: "guardduty:GetFindings", Body: collectors.Digest},
	},
	Collect: collectGuardDutyStatus,
}

// collectGuardDutyStatus reads the one detector a region can have.
func collectGuardDutyStatus(ctx context.Context, c *client, emit collectors.Emit) error {
	api := guardduty.NewFromConfig(c.config)
	status := &schema.GuardDutyStatus{Meta: posture.Meta{Name: c.region}}
	err := pages(ctx, guardduty.NewListDetectorsPaginator(api, &guardduty.ListDetectorsInput{}), func(page *guardduty.ListDetectorsOutput) error {
		if status.DetectorID == "" && len(page.DetectorIds) > 0 {
			status.DetectorID = page.DetectorIds[0]
		}
		return nil
	})
	switch {
	case err != nil:
		emit(c.region, status, collectors.Unread(err, "detector_id", "detector_status", "finding_publishing_frequency", "features",
			"administrator_account_id", "open_findings", "oldest_open_finding_at", "tags", "created_at"))
	case status.DetectorID == "":
		emit(c.region, status)
	default:
		gaps := readDetector(ctx, api, status)
		gaps = append(gaps, readAdministrator(ctx, api, status)...)
		gaps = append(gaps, countFindings(ctx, api, status)...)
		gaps = append(gaps, readOldestFinding(ctx, api, status)...)
		emit(c.region, status, gaps...)
	}
	return nil
}

func readDetector(ctx context.Context, api *guardduty.Client, status *schema.GuardDutyStatus) []collectors.Gap {
	detector, err := api.GetDetector(ctx, &guardduty.GetDetectorInput{DetectorId: &status.DetectorID})
	a := &answer{service: guardduty.ServiceID, operation: "GetDetector"}
	if err == nil && detector.Status == "" {
		err = a.lacks("status")
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "detector_status", "finding_publishing_frequency", "features", "tags", "created_at")}
	}
	status.DetectorStatus = string(detector.Status)
	status.FindingPublishingFrequency = string(detector.FindingPublishingFrequency)
	status.Tags = detector.Tags
	if at, err := time.Parse(time.RFC3339, sdk.ToString(detector.CreatedAt)); err == nil {
		status.CreatedAt = posture.Some(at)
	}
	for _, f := range detector.Features {
		status.Features = append(status.Features, schema.GuardDutyFeature{Name: string(f.Name), Status: string(f.Status)})
	}
	return nil
}

// readAdministrator: an answer without an administrator comes from an account that has none, or is one.
func readAdministrator(ctx context.Context, api *guardduty.Client, status *schema.GuardDutyStatus) []collectors.Gap {
	answer, err := api.GetAdministratorAccount(ctx, &guardduty.GetAdministratorAccountInput{DetectorId: &status.DetectorID})
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "administrator_account_id")}
	}
	if answer.Administrator != nil {
		status.AdministratorAccountID = sdk.ToString(answer.Administrator.AccountId)
	}
	return nil
}

// open selects the findings nobody has archived.
func open() *types.FindingCriteria {
	return &types.FindingCriteria{Criterion: map[string]types.Condition{"service.archived": {Equals: []string{"false"}}}}
}

func countFindings(ctx context.Context, api *guardduty.Client, status *schema.GuardDutyStatus) []collectors.Gap {
	counts, err := api.GetFindingsStatistics(ctx, &guardduty.GetFindingsStatisticsInput{
		DetectorId: &status.DetectorID, FindingCriteria: open(), GroupBy: types.GroupByTypeSeverity, MaxResults: sdk.Int32(100),
	})
	if err == nil {
		status.OpenFindings, err = bySeverity(counts)
	}
	if err != nil {
		return []collectors.Gap{collectors.Unread(err, "open_findings")}
	}
	return nil
}

func bySeverity(counts *guardduty.GetFindingsStatisticsOutput) (schema.GuardDutyFindings, error) {
	out := schema.GuardDutyFindings{}
	a := &answer{service: guardduty.ServiceID, operation: "GetFindingsStatistics"}
	if counts.FindingStatistics == nil {
		return out, a.lacks("findingStatistics")
	}
	if sdk.ToString(counts.NextToken) != "" {
		return out, a.lacks("further groups, which cannot be asked for")
	}
	for _, group := range counts.FindingStatistics.GroupedBySeverity {
		if group.Severity == nil || group.TotalFindings == nil {
			return out, a.lacks("severity or totalFindings")
		}
		n := int64(*group.TotalFindings)
		switch severity := *group.Severity; {
		case severity >= 9:
			out.Critical += n
		case severity >= 7:
			out.High += n
		case severity >= 4:
			out.Medium += n
		default:
			out.Low += n
		}
	}
	return out, nil
}

// readOldestFinding asks for the first of the open findings in order of creation, and no other.
func readOldestFinding(ctx context.Context, api *guardduty.Client, status *schema.GuardDutyStatus) []collectors.Gap {
	unread := func(err error) []collectors.Gap {
		return []collectors.Gap{collectors.Unread(err, "oldest_open_finding_at")}
	}
	ids, err := api.ListFindings(ctx, &guardduty.ListFindingsInput{
		DetectorId: &status.DetectorID, FindingCriteria: open(), MaxResults: sdk.Int32(1),
		SortCriteria: &types.SortCriteria{AttributeName: sdk.String("createdAt"), OrderBy: types.OrderByAsc},
	})
	if err != nil {
		return unread(err)
	}
	if len(ids.FindingIds) == 0 {
		if sdk.ToString(ids.NextToken) != "" { // an empty page is not the end
			return unread((&answer{service: guardduty.ServiceID, operation: "ListFindings"}).lacks("the first finding"))
		}
		return nil
	}
	a := &answer{service: guardduty.ServiceID, operation: "GetFindings"}
	answer, err := api.GetFindings(ctx, &guardduty.GetFindingsInput{DetectorId: &status.DetectorID, FindingIds: ids.FindingIds})
	if err != nil {
		return unread(err)
	}
	if len(answer.Findings) == 0 {
		return unread(a.lacks("the finding"))
	}
	at, err := time.Parse(time.RFC3339, sdk.ToString(answer.Findings[0].CreatedAt))
	if err != nil {
		return unread(a.lacks(fmt.Sprintf("a time in createdAt: %v", err)))
	}
	status.OldestOpenFindingAt = posture.Some(at)
	return nil
}
