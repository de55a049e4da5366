package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/evidence/reread"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
)

// openRecorded opens an account so that its readers ask what a package holds of a scan. It uses the settings that the scan shows it
// was made with.
func openRecorded(azureCloud string) reread.Opener {
	return func(ctx context.Context, s reread.Recorded, recording transport.Doer, options transport.Options) (collectors.Account, error) {
		account := s.Snapshot.Account
		switch account.Provider {
		case "aws":
			home := s.Called("STS.GetCallerIdentity")
			if len(home) == 0 {
				return collectors.Account{}, fmt.Errorf("%w: the package has no call that says who read %s", posture.ErrInvalid, account)
			}
			return openAWS(aws.Options{Doer: recording, Region: home[0], Name: account.Name, Regions: s.Regions()})(ctx, options)
		case "gcp":
			o := gcp.Options{Doer: recording, Name: account.Name, AssetInventory: len(s.Called("cloudasset.searchAllResources")) > 0}
			if strings.HasPrefix(account.ID, "organizations/") {
				o.Organization = account.ID
			} else {
				o.Project = account.ID
			}
			o.DiscoveryLocations = slices.DeleteFunc(s.Called("dlp.organizations.locations.discoveryConfigs.list"), func(s string) bool { return s == posture.Global })
			return openGCP(o)(ctx, options)
		case "azure":
			o := azure.Options{Doer: recording, Name: account.Name, Cloud: azureCloud, ResourceGraph: len(s.Called("armresourcegraph.Client.Resources")) > 0}
			if tenant, ok := strings.CutPrefix(account.ID, "tenants/"); ok {
				o.Tenant = tenant
			} else {
				o.Subscription = account.ID
			}
			return openAzure(o)(ctx, options)
		}
		return collectors.Account{}, fmt.Errorf("%w: account %s is of no cloud that can be read", posture.ErrInvalid, account)
	}
}

// reperformRaw reads the recorded answers of a package again.
func (a *app) reperformRaw(ctx context.Context, name, azureCloud string) error {
	p, err := evidence.Open(name)
	if err != nil {
		return err
	}
	defer p.Close()
	r, err := reread.ReadRaw(ctx, p, openRecorded(azureCloud))
	if err != nil {
		return err
	}
	if err := a.showRaw(r); err != nil {
		return err
	}
	if len(r.Differences) > 0 {
		return exit(exitFound)
	}
	return nil
}

func (a *app) showRaw(r reread.Raw) error {
	rows := [][]any{}
	for _, d := range r.Differences {
		rows = append(rows, []any{fmt.Sprintf("%s/%d", d.Account, d.Snapshot), d.Kind, d.Resource.Type, d.Resource.Region, d.Resource.ID, d.Path, short(d.Recorded, 60), short(d.Again, 60)})
	}
	if a.output == "table" {
		fmt.Fprintf(a.out, "%d resources of %d snapshots read again from their answers: %d attributes as recorded, %d differences; %d were not read then either\n",
			r.Resources, r.Snapshots, r.Attributes, len(r.Differences), r.Unread)
		lacks := [][]any{}
		for _, l := range r.NotReperformable {
			lacks = append(lacks, []any{l.Type, l.Path, l.Operation, l.Why, l.Count})
		}
		if len(lacks) > 0 {
			fmt.Fprintln(a.out, "Cannot be read again, and counts as nothing:")
			if err := a.show(nil, []string{"type", "attribute", "call", "why", "count"}, lacks); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
	}
	return a.show(r, []string{"snapshot", "kind", "type", "region", "resource", "attribute", "recorded", "again"}, rows)
}

// witnessFlags are what evidence witness is asked for.
type witnessFlags struct {
	config, azureCloud, failOn string
	accounts                   []string
	aws                        aws.Options
	gcp                        gcp.Options
	share                      float64
}

func newEvidenceWitness(a *app) *cobra.Command {
	var f witnessFlags
	c := &cobra.Command{
		Use: "witness PACKAGE", Short: "Read the accounts of a package with your own credentials, and list what differs", Args: cobra.ExactArgs(1),
		Long: `Reads every account of the package as it is now, with the credentials that you have: those of the environment, of a role or service
account named here, or of the connections of a settings file. Compares the settings with the newest snapshot in the package. Time has
passed since, so differences are to be expected; each tells when both were read, and whether the list was now read to its end. What
one of the two could not read is unknown, and no difference. Nothing is written anywhere.

Exit code 1 when something differs, 2 when no account could be read, and 3 with --fail-on incomplete when something was not read.`,
		Example: `  AWS_PROFILE=auditor plumbline evidence witness march.tar.gz --account aws:111122223333
  plumbline evidence witness march.tar.gz --config auditor.yaml --output json`,
		RunE: func(c *cobra.Command, args []string) error {
			for _, word := range splitList(f.failOn) {
				if word != "incomplete" {
					return usageError{fmt.Errorf("--fail-on %q: want incomplete", word)}
				}
			}
			live, err := a.liveAccounts(f)
			if err != nil {
				return err
			}
			p, err := evidence.Open(args[0])
			if err != nil {
				return err
			}
			defer p.Close()
			var finish func()
			w, err := reread.Witness(c.Context(), p, f.accounts, live, transport.SystemClock{}, func(account string) scan.Progress {
				if finish != nil {
					finish()
				}
				var update func(done, total int)
				update, finish = progress(a.err, "reading "+account)
				return update
			})
			if finish != nil {
				finish()
			}
			if err != nil {
				return err
			}
			if err := a.showWitnessed(w); err != nil {
				return err
			}
			switch {
			case len(w.Differences) > 0:
				return exit(exitFound)
			case !slices.ContainsFunc(w.Accounts, func(a reread.WitnessedAccount) bool { return a.NotRead == "" }):
				return exit(exitSetup)
			case f.failOn != "" && !w.Complete():
				return exit(exitIncomplete)
			}
			return nil
		},
	}
	flags := c.Flags()
	flags.StringSliceVar(&f.accounts, "account", nil, "only these accounts (aws:111122223333); may be repeated")
	flags.StringVar(&f.config, "config", "", "settings `file` whose connections lead to the accounts")
	flags.StringVar(&f.aws.RoleARN, "role-arn", "", "aws: role to assume")
	flags.StringVar(&f.aws.ExternalID, "external-id", "", "aws: external id for --role-arn")
	flags.StringSliceVar(&f.aws.Regions, "regions", nil, "aws: read only these regions (default: every enabled one)")
	flags.StringVar(&f.gcp.Impersonate, "impersonate", "", "gcp: `e-mail` of a service account to act as")
	flags.StringVar(&f.gcp.QuotaProject, "quota-project", "", "gcp: project whose quota counts (default: that of the credentials)")
	flags.StringVar(&f.azureCloud, "azure-cloud", "public", "azure: public, government or china")
	flags.Float64Var(&f.share, "quota-share", 0.5, "part of each service's published request rate to use")
	flags.StringVar(&f.failOn, "fail-on", "", "exit with 3 when something was not read (incomplete)")
	return c
}

// liveAccounts leads to the accounts of a package by flags, or by the connections of a settings file.
func (a *app) liveAccounts(f witnessFlags) (reread.Live, error) {
	options := transport.Options{}
	if f.config == "" {
		return func(ctx context.Context, s reread.Recorded) (collectors.Account, error) {
			account := s.Snapshot.Account
			switch account.Provider {
			case "aws":
				o := f.aws
				o.QuotaShare = f.share
				return openAWS(o)(ctx, options)
			case "gcp":
				o := f.gcp
				o.QuotaShare = f.share
				o.DiscoveryLocations = slices.DeleteFunc(s.Called("dlp.organizations.locations.discoveryConfigs.list"), func(s string) bool { return s == posture.Global })
				if strings.HasPrefix(account.ID, "organizations/") {
					o.Organization = account.ID
				} else {
					o.Project = account.ID
				}
				return openGCP(o)(ctx, options)
			}
			o := azure.Options{Cloud: f.azureCloud, QuotaShare: f.share}
			if tenant, ok := strings.CutPrefix(account.ID, "tenants/"); ok {
				o.Tenant = tenant
			} else {
				o.Subscription = account.ID
			}
			return openAzure(o)(ctx, options)
		}, nil
	}
	set, err := loadRules()
	if err != nil {
		return nil, err
	}
	settings, err := config.Load(f.config, os.Environ(), knownTo(set))
	if err != nil {
		return nil, err
	}
	c := &clouds{settings: func() *config.Config { return settings }}
	return func(ctx context.Context, s reread.Recorded) (collectors.Account, error) {
		connection, ok := connectionTo(settings.Connections, s.Snapshot.Account)
		if !ok {
			return collectors.Account{}, fmt.Errorf("%w: no connection leads to it", posture.ErrSetup)
		}
		id := s.Snapshot.Account.ID
		if connection.AWS != nil && connection.AWS.Role == "" {
			id = "" // whatever the ambient credentials lead to
		}
		return c.open(connection, id)(ctx, options)
	}, nil
}

// connectionTo is the connection that names an account, or else one that reads whatever an organization or the ambient credentials
// lead to.
func connectionTo(list []config.Connection, account posture.Account) (config.Connection, bool) {
	for _, named := range []bool{true, false} {
		for _, c := range list {
			var names []string
			switch {
			case c.Provider() != account.Provider:
				continue
			case c.AWS != nil:
				names = c.AWS.Accounts
			case c.GCP != nil:
				names = append([]string{"organizations/" + strings.TrimPrefix(c.GCP.Organization, "organizations/")}, c.GCP.Projects...)
			default:
				names = append([]string{"tenants/" + c.Azure.Tenant}, c.Azure.Subscriptions...)
			}
			if slices.Contains(names, account.ID) || !named {
				return c, true
			}
		}
	}
	return config.Connection{}, false
}

func (a *app) showWitnessed(w reread.Witnessed) error {
	rows := [][]any{}
	for _, d := range w.Differences {
		read := "whole"
		if !d.Complete {
			read = "in part"
		}
		rows = append(rows, []any{d.Account, d.Kind, d.Resource.Type, d.Resource.Region, d.Resource.ID, d.Path, short(d.Recorded, 50), short(d.Now, 50), stamp(d.RecordedAt), stamp(d.ReadAt), read})
	}
	if a.output == "table" {
		for _, one := range w.Accounts {
			if one.NotRead != "" {
				fmt.Fprintf(a.out, "%s: unknown, it could not be read: %s\n", one.Account, printable(one.NotRead, false))
				continue
			}
			fmt.Fprintf(a.out, "%s: %d of %d resources as snapshot %d recorded them at %s; read at %s by %s\n",
				one.Account, one.Same, one.Resources, one.Snapshot, stamp(one.Recorded), stamp(one.Read), printable(one.Principal, false))
		}
		unknown := [][]any{}
		for _, u := range w.Unknown {
			unknown = append(unknown, []any{u.Account, u.By, u.Type, u.Region, u.Path, u.Count, u.Cause.String()})
		}
		if len(unknown) > 0 {
			fmt.Fprintln(a.out, "Not read, so unknown:")
			if err := a.show(nil, []string{"account", "by", "type", "region", "attribute", "resources", "why"}, unknown); err != nil {
				return err
			}
		}
		if len(rows) == 0 {
			return nil
		}
		fmt.Fprintln(a.out, "Different now:")
	}
	return a.show(w, []string{"account", "kind", "type", "region", "resource", "attribute", "recorded", "now", "recorded at (UTC)", "read at", "list"}, rows)
}
