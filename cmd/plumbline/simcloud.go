package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/pkg/simcloud"
	simaws "github.com/plumbline-dev/plumbline/pkg/simcloud/aws"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

func newSimcloud(a *app) *cobra.Command {
	var listen string
	var day int
	c := &cobra.Command{
		Use: "simcloud", Short: "Serve the simulated clouds of the demo on a loopback address",
		Long:    "Serves the demo's accounts to any AWS SDK or CLI, and the Google projects and Azure subscriptions to\nplumbline, until it is interrupted. Set what it prints in\nanother terminal, and scan.",
		Example: "  plumbline simcloud --day 40\n  plumbline simcloud --listen 127.0.0.1:8080",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cloud, err := simcloud.Start(listen, simcloud.Demo(time.Now()))
			if err != nil {
				return err
			}
			cloud.SetTick(day)
			cloud.Faults.Set(simcloud.DemoFaults(day))
			fmt.Fprintf(a.out, "export PLUMBLINE_AZURE_ENDPOINT=http://%s PLUMBLINE_GCP_ENDPOINT=http://%[1]s\n", cloud.Addr)
			for _, account := range cloud.World.Accounts {
				if flag := flagOf(account); flag != "" {
					fmt.Fprintf(a.out, "# %s: plumbline scan --provider %s %s\n", account.Name, account.Provider, flag)
					continue
				}
				keys := simaws.Credentials(account.ID)
				fmt.Fprintf(a.out, "# %s (%s)\nexport AWS_ENDPOINT_URL=http://%s AWS_REGION=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s\n",
					account.Account, account.Name, cloud.Addr, account.Home(), keys.AccessKeyID, keys.SecretAccessKey)
			}
			<-c.Context().Done()
			return cloud.Stop()
		},
	}
	c.Flags().StringVar(&listen, "listen", "127.0.0.1:0", "loopback `address` to listen on")
	c.Flags().IntVar(&day, "day", simcloud.DemoDays-1, "day of the story, from 0")
	return c
}

// flagOf is how scan is told to read a simulated account; AWS accounts are told by their keys.
func flagOf(account world.Account) string {
	kind, id, above := strings.Cut(account.ID, "/")
	switch {
	case account.Provider == "aws":
		return ""
	case above:
		return "--" + strings.TrimSuffix(kind, "s") + " " + id
	case account.Provider == "azure":
		return "--subscription " + account.ID
	}
	return "--project " + account.ID
}
