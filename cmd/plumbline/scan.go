package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/store"
)

func newScan(a *app) *cobra.Command {
	var provider, failOn, memberRole string
	var onAWS aws.Options
	var onAzure azure.Options
	var onGCP gcp.Options
	var share float64
	var members, explain bool
	var reconcile bool
	var settle time.Duration
	var parallel int
	var trusted []string
	c := &cobra.Command{
		Use:   "scan",
		Short: "Read one account and seal a snapshot of it",
		Long: `Reads one account, judges it, and seals one snapshot: the AWS account behind the ambient credentials, the Google Cloud
project or organization named, with Application Default Credentials, or the Azure subscription or tenant named, with the
credentials of the environment, a managed identity or the Azure CLI. Nothing is written before the snapshot is whole. Calls that
are refused or fail leave their cells incomplete, and the verdicts that rest on them unknown. What an organization or tenant
grants and logs counts for what lies below it: scan it first, or all at once with --members.

With --asset-inventory the grants on a Google Cloud project's resources, and the locations that hold any, come from two searches
of Cloud Asset Inventory instead of a call each. That is faster, and minutes behind: a change made just before the scan may be
missing from it. Where a search is refused, the services are asked as without it.

With --resource-graph many of an Azure subscription's resources come from one query of Azure Resource Graph instead of a list each.
Their settings, and what refers to them, may then be hours old; which resources there are is still Resource Manager's to say.
Where the two do not agree on a type, or the query fails, the service is asked as without it.

With --reconcile the lists of a Google Cloud project or an Azure subscription are held against a second source, Cloud Asset Inventory or
Azure Resource Graph, which lag behind. Where they differ, both are read again after --settle; what only the second source still has
becomes a resource of which nothing is read, and nothing in such a list counts as gone.`,
		Example: `  AWS_PROFILE=audit plumbline scan
  plumbline scan --members --member-role plumbline-read            # from the management account
  plumbline scan --provider gcp --organization 123456789012 --members
  plumbline scan --provider gcp --project acme-production --impersonate plumbline@acme-audit.iam.gserviceaccount.com
  plumbline scan --provider azure --tenant 11111111-2222-4333-8444-555555555555 --members
  plumbline scan --role-arn arn:aws:iam::111122223333:role/plumbline-read --external-id s3cret --regions eu-west-1,us-east-1
  plumbline scan --fail-on fail,incomplete --output json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx := c.Context()
			onGCP.Reconcile, onAzure.Reconcile = reconcile, reconcile
			if reconcile && provider == "aws" {
				return usageError{errors.New("--reconcile: there is no second source for AWS")}
			}
			if settle <= 0 {
				return usageError{fmt.Errorf("--settle %s: want a time above zero", settle)}
			}
			var open open
			switch provider {
			case "aws":
				onAWS.QuotaShare = share
				open = openAWS(onAWS)
			case "azure":
				onAzure.QuotaShare = share
				if (onAzure.Subscription == "") == (onAzure.Tenant == "") {
					return usageError{errors.New("--provider azure: name what to read with --subscription or --tenant")}
				}
				open = openAzure(onAzure)
			case "gcp":
				onGCP.QuotaShare = share
				if (onGCP.Project == "") == (onGCP.Organization == "") {
					return usageError{errors.New("--provider gcp: name what to read with --project or --organization")}
				}
				open = openGCP(onGCP)
			default:
				return usageError{fmt.Errorf("--provider %q: want aws, azure or gcp", provider)}
			}
			switch {
			case members && provider == "aws" && memberRole == "":
				return usageError{errors.New("--members: name the role to assume in each account with --member-role")}
			case members && provider != "aws" && onGCP.Organization == "" && onAzure.Tenant == "":
				return usageError{errors.New("--members scans what an organization or tenant lists: name it with --organization or --tenant")}
			}
			if members && explain {
				return usageError{errors.New("--explain-calls tells of one account: leave out --members")}
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
			return a.withStore(ctx, func(db *store.Store) error {
				var settings transport.Options
				if settings.RedactKey, err = a.sameRedactionKey(ctx, db, ""); err != nil {
					return err
				}
				if err := saveRules(ctx, db, set); err != nil {
					return err
				}
				scanner := newScanner(set, db, provider, open, settings, trusted)
				scanner.Log, scanner.Settle = a.log(), settle
				update, finish := progress(a.err, "reading")
				result, err := scanner.Scan(ctx, update)
				finish()
				if err != nil {
					return err
				}
				if members {
					list, err := membersOf(ctx, db, result.Snapshot)
					if err != nil {
						return err
					}
					update, finish := progress(a.err, "accounts")
					outcomes, err := scanMembers(ctx, list, parallel, update, func(ctx context.Context, id string) (scan.Result, error) {
						options := onAzure
						options.Tenant, options.Subscription = "", id
						below := openAzure(options)
						switch provider {
						case "aws":
							options := onAWS
							options.RoleARN = roleIn(partitionOf(result.Snapshot.Principal), id, memberRole)
							below = openAWS(options)
						case "gcp":
							options := onGCP
							options.Organization, options.Project = "", id
							below = openGCP(options)
						}
						scanner := newScanner(set, db, provider, below, settings, trusted)
						scanner.Log, scanner.Settle = a.log(), settle
						return scanner.Scan(ctx, nil)
					})
					finish()
					if err != nil {
						return err
					}
					self := outcome{member: member{ID: result.Snapshot.Account.ID}, Snapshot: &result.Snapshot, Gaps: len(gapsOf(result.Cells))}
					return a.showMembers(append(outcomes, self), splitList(failOn))
				}
				if err := a.showScan(result, explain); err != nil {
					return err
				}
				return verdictOf(result, splitList(failOn))
			})
		},
	}
	c.Flags().StringVar(&provider, "provider", "aws", "cloud to read: aws, azure or gcp")
	c.Flags().StringSliceVar(&onAWS.Regions, "regions", nil, "aws: read only these regions (default: every enabled one)")
	c.Flags().StringVar(&onAWS.RoleARN, "role-arn", "", "aws: role to assume in the account")
	c.Flags().StringVar(&onAWS.ExternalID, "external-id", "", "aws: external id for --role-arn")
	c.Flags().StringVar(&onAzure.Subscription, "subscription", "", "azure: id of the subscription to read")
	c.Flags().StringVar(&onAzure.Tenant, "tenant", "", "azure: id of the tenant to read, with its directory and management groups")
	c.Flags().StringVar(&onAzure.Cloud, "azure-cloud", "public", "azure: public, government or china")
	c.Flags().BoolVar(&onAzure.ResourceGraph, "resource-graph", false, "azure: take what it has in full from Azure Resource Graph: fewer calls, up to hours behind")
	c.Flags().StringVar(&onGCP.Project, "project", "", "gcp: id of the project to read")
	c.Flags().StringVar(&onGCP.Organization, "organization", "", "gcp: number of the organization to read, with its folders")
	c.Flags().BoolVar(&members, "members", false, "then scan every active account, project or subscription that the organization or tenant lists")
	c.Flags().StringVar(&memberRole, "member-role", "", "aws: name or path of the `role` that --members assumes in each account of the organization")
	c.Flags().IntVar(&parallel, "parallel", 8, "accounts that --members reads at once")
	c.Flags().StringVar(&onGCP.Impersonate, "impersonate", "", "gcp: `e-mail` of a service account to act as")
	c.Flags().StringSliceVar(&onGCP.DiscoveryLocations, "discovery-locations", nil, "gcp: where sensitive data discovery is configured, beside global")
	c.Flags().StringVar(&onGCP.QuotaProject, "quota-project", "", "gcp: project whose quota counts (default: that of the credentials)")
	c.Flags().BoolVar(&onGCP.AssetInventory, "asset-inventory", false, "gcp: take grants and the locations in use from Cloud Asset Inventory: faster, minutes behind")
	c.Flags().BoolVar(&reconcile, "reconcile", false, "gcp, azure: hold what is listed against a second source")
	c.Flags().DurationVar(&settle, "settle", scan.DefaultSettle, "how long the second source may lag")
	c.Flags().Float64Var(&share, "quota-share", 0.5, "part of each service's published request rate to use")
	c.Flags().StringSliceVar(&trusted, "trusted-accounts", nil, "accounts that are not external, such as those of vendors")
	c.Flags().BoolVar(&explain, "explain-calls", false, "list how often each operation was called, and the resources of the readers that use it")
	c.Flags().StringVar(&failOn, "fail-on", "", "exit with 1 when a rule fails (fail), with 3 when something was not read (incomplete)")
	return c
}

// roleIn is the ARN of a role, by name or path, in an account.
func roleIn(partition, account, role string) string {
	return fmt.Sprintf("arn:%s:iam::%s:role/%s", cmp.Or(partition, "aws"), account, strings.TrimPrefix(role, "/"))
}

// partitionOf is that of a principal's ARN, "" when it is none.
func partitionOf(principal string) string {
	parsed, _ := arn.Parse(principal)
	return parsed.Partition
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

// showScan prints what a scan did; explain adds what each operation cost.
func (a *app) showScan(r scan.Result, explain bool) error {
	gaps := gapsOf(r.Cells)
	if !explain {
		r.ByOperation = nil
	}
	if a.output == "json" {
		return a.show(struct {
			posture.Snapshot
			Calls            int                   `json:"calls"`
			CallsByOperation []scan.OperationCalls `json:"calls_by_operation,omitempty"`
			Evaluated        int                   `json:"evaluated"`
			Reused           int                   `json:"reused"`
			DurationMS       int64                 `json:"duration_ms"`
			Gaps             []gap                 `json:"gaps"`
		}{r.Snapshot, r.Calls, r.ByOperation, r.Work.Evaluated, r.Work.Reused, r.Duration.Milliseconds(), gaps}, nil, nil)
	}
	v := r.Snapshot.Verdicts
	fmt.Fprintf(a.out, "Snapshot %s sealed: %d resources, %d calls, %s\n", r.Snapshot.ID(), r.Snapshot.Resources, r.Calls, r.Duration.Round(10_000_000))
	fmt.Fprintf(a.out, "Verdicts: %d pass, %d fail, %d unknown, %d not applicable\n", v.Pass, v.Fail, v.Unknown, v.DoesNotApply)
	if explain {
		rows := [][]any{}
		for _, o := range r.ByOperation {
			rows = append(rows, []any{o.Operation, o.Calls, o.Resources})
		}
		if err := a.show(r.ByOperation, []string{"operation", "calls", "resources"}, rows); err != nil {
			return err
		}
	}
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
