package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newScan(a *app) *cobra.Command {
	var provider, failOn string
	var onAWS aws.Options
	var onGCP gcp.Options
	var share float64
	var trusted []string
	c := &cobra.Command{
		Use:   "scan",
		Short: "Read one account and seal a snapshot of it",
		Long: `Reads one account, judges it, and seals one snapshot: the AWS account behind the ambient credentials, or the Google Cloud
project or organization named, with Application Default Credentials. Nothing is written before the snapshot is whole. Calls that
are refused or fail leave their cells incomplete, and the verdicts that rest on them unknown. What an organization grants and logs
counts for its projects: scan the organization first.`,
		Example: `  AWS_PROFILE=audit plumbline scan
  plumbline scan --provider gcp --organization 123456789012
  plumbline scan --provider gcp --project acme-production --impersonate plumbline@acme-audit.iam.gserviceaccount.com
  plumbline scan --role-arn arn:aws:iam::111122223333:role/plumbline-read --external-id s3cret --regions eu-west-1,us-east-1
  plumbline scan --fail-on fail,incomplete --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			var open open
			switch provider {
			case "aws":
				onAWS.QuotaShare = share
				open = openAWS(onAWS)
			case "gcp":
				onGCP.QuotaShare = share
				if (onGCP.Project == "") == (onGCP.Organization == "") {
					return usageError{errors.New("--provider gcp: name what to read with --project or --organization")}
				}
				open = openGCP(onGCP)
			default:
				return usageError{fmt.Errorf("--provider %q: want aws or gcp", provider)}
			}
			for _, word := range splitList(failOn) {
				if word != "fail" && word != "incomplete" {
					return usageError{fmt.Errorf("--fail-on %q: want fail, incomplete or both", word)}
				}
			}
			set, err := loadRules()
			if err != nil {
				return err
			}
			// Credentials first: without them there is no reason to start a database.
			if _, err := open(ctx, transport.Options{}); err != nil {
				return err
			}
			var settings transport.Options
			if settings.RedactKey, err = a.redactionKey(); err != nil {
				return err
			}
			return a.withStore(ctx, func(db *store.Store) error {
				scanner := newScanner(set, db, provider, open, settings, trusted)
				scanner.Log = a.log()
				update, finish := progress(a.err, "reading")
				result, err := scanner.Scan(ctx, update)
				finish()
				if err != nil {
					return err
				}
				if err := a.showScan(result); err != nil {
					return err
				}
				return verdictOf(result, splitList(failOn))
			})
		},
	}
	c.Flags().StringVar(&provider, "provider", "aws", "cloud to read: aws or gcp")
	c.Flags().StringSliceVar(&onAWS.Regions, "regions", nil, "aws: read only these regions (default: every enabled one)")
	c.Flags().StringVar(&onAWS.RoleARN, "role-arn", "", "aws: role to assume in the account")
	c.Flags().StringVar(&onAWS.ExternalID, "external-id", "", "aws: external id for --role-arn")
	c.Flags().StringVar(&onGCP.Project, "project", "", "gcp: id of the project to read")
	c.Flags().StringVar(&onGCP.Organization, "organization", "", "gcp: number of the organization to read, with its folders")
	c.Flags().StringVar(&onGCP.Impersonate, "impersonate", "", "gcp: `e-mail` of a service account to act as")
	c.Flags().StringVar(&onGCP.QuotaProject, "quota-project", "", "gcp: project whose quota counts (default: that of the credentials)")
	c.Flags().Float64Var(&share, "quota-share", 0.5, "part of each service's published request rate to use")
	c.Flags().StringSliceVar(&trusted, "trusted-accounts", nil, "accounts that are not external, such as those of vendors")
	c.Flags().StringVar(&failOn, "fail-on", "", "exit with 1 when a rule fails (fail), with 3 when something was not read (incomplete)")
	return c
}

func splitList(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// gap is a cell that was not read.
type gap struct {
	Region string            `json:"region"`
	Type   string            `json:"type"`
	State  posture.CellState `json:"state"`
	Cause  *posture.Cause    `json:"cause"`
}

func gapsOf(cells []posture.Cell) []gap {
	out := []gap{}
	for _, c := range cells {
		if c.State == posture.Denied || c.State == posture.Failed {
			out = append(out, gap{c.Region, c.Type, c.State, c.Cause})
		}
	}
	return out
}

func (a *app) showScan(r scan.Result) error {
	gaps := gapsOf(r.Cells)
	if a.output == "json" {
		return a.show(struct {
			posture.Snapshot
			Calls      int   `json:"calls"`
			Evaluated  int   `json:"evaluated"`
			Reused     int   `json:"reused"`
			DurationMS int64 `json:"duration_ms"`
			Gaps       []gap `json:"gaps"`
		}{r.Snapshot, r.Calls, r.Work.Evaluated, r.Work.Reused, r.Duration.Milliseconds(), gaps}, nil, nil)
	}
	v := r.Snapshot.Verdicts
	fmt.Fprintf(a.out, "Snapshot %s sealed: %d resources, %d calls, %s\n", r.Snapshot.ID(), r.Snapshot.Resources, r.Calls, r.Duration.Round(10_000_000))
	fmt.Fprintf(a.out, "Verdicts: %d pass, %d fail, %d unknown, %d not applicable\n", v.Pass, v.Fail, v.Unknown, v.DoesNotApply)
	if len(gaps) == 0 {
		return nil
	}
	fmt.Fprintf(a.out, "Not read, so unknown (%d cells):\n", len(gaps))
	rows := [][]any{}
	for _, g := range gaps {
		rows = append(rows, []any{g.Type, g.Region, string(g.Cause.Reason), g.Cause.Operation, g.Cause.Permission})
	}
	return a.show(gaps, []string{"type", "region", "reason", "call", "permission"}, rows)
}

func verdictOf(r scan.Result, failOn []string) error {
	if slices.Contains(failOn, "incomplete") && len(gapsOf(r.Cells)) > 0 {
		return exit(exitIncomplete)
	}
	if slices.Contains(failOn, "fail") && r.Snapshot.Verdicts.Fail > 0 {
		return exit(exitFound)
	}
	return nil
}
