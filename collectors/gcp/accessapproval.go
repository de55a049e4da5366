package gcp

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"google.golang.org/api/accessapproval/v1"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var projectApproval = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ApprovalEnrollmentType},
	Operations: []collectors.Operation{
		{Name: "accessapproval.projects.getAccessApprovalSettings", Permission: "accessapproval.settings.get", Body: collectors.Store},
	},
	Collect: collectProjectApproval,
}

var organizationApproval = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.ApprovalEnrollmentType},
	Operations: []collectors.Operation{
		{Name: "accessapproval.organizations.getAccessApprovalSettings", Permission: "accessapproval.settings.get", Body: collectors.Store},
	},
	Collect: collectOrganizationApproval,
}

func collectProjectApproval(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := accessapproval.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	settings, err := api.Projects.GetAccessApprovalSettings(c.node + "/accessApprovalSettings").Context(ctx).Do()
	return emitApproval(c, emit, settings, err)
}

func collectOrganizationApproval(ctx context.Context, c *client, emit collectors.Emit) error {
	api, err := accessapproval.NewService(ctx, c.options...)
	if err != nil {
		return err
	}
	settings, err := api.Organizations.GetAccessApprovalSettings(c.node + "/accessApprovalSettings").Context(ctx).Do()
	return emitApproval(c, emit, settings, err)
}

func emitApproval(c *client, emit collectors.Emit, s *accessapproval.AccessApprovalSettings, err error) error {
	if neverSetUp(err) { // nobody enrolled, or the support plan does not offer it
		return nil
	}
	if err != nil {
		return fmt.Errorf("read access approval settings: %w", err)
	}
	out := schema.ApprovalEnrollment{
		Meta: posture.Meta{Name: c.node}, EnrolledAncestor: s.EnrolledAncestor,
		EnrolledServices: []schema.EnrolledService{}, NotificationEmails: append([]string{}, s.NotificationEmails...),
	}
	for _, e := range s.EnrolledServices {
		out.EnrolledServices = append(out.EnrolledServices, schema.EnrolledService{CloudProduct: e.CloudProduct, EnrollmentLevel: e.EnrollmentLevel})
	}
	emit(c.node, &out)
	return nil
}

// neverSetUp reports whether err says that a product was never switched on. Which of the two codes a product uses for that
// is not documented; the more exact reason may stand in the place of the second.
func neverSetUp(err error) bool {
	var answered *answerError
	return notFound(err) || errors.As(err, &answered) && strings.Contains(answered.Answer.Body, `"FAILED_PRECONDITION"`)
}
