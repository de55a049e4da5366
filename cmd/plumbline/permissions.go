package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
)

func newPermissions(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "permissions PROVIDER", Short: "Print the least-privilege role that a scan needs",
		Long:    "Prints, from the operations that the readers declare, exactly what a role must grant: an IAM policy document for aws.",
		Example: "  plumbline permissions aws > plumbline-read.json",
		Args:    cobra.ExactArgs(1), ValidArgs: []string{"aws"},
		RunE: func(_ *cobra.Command, args []string) error {
			if args[0] != "aws" {
				return usageError{fmt.Errorf("provider %q: want aws", args[0])}
			}
			return a.showPolicy(collectors.Permissions(aws.Operations()))
		},
	}
}

// policyStatement is one statement of an IAM policy.
type policyStatement struct {
	Sid      string   `json:"Sid"`
	Effect   string   `json:"Effect"`
	Action   []string `json:"Action"`
	Resource string   `json:"Resource"`
}

func (a *app) showPolicy(permissions []string) error {
	if a.output == "csv" {
		rows := [][]any{}
		for _, p := range permissions {
			rows = append(rows, []any{p})
		}
		return a.show(nil, []string{"permission"}, rows)
	}
	policy := struct {
		Version   string            `json:"Version"`
		Statement []policyStatement `json:"Statement"`
	}{"2012-10-17", []policyStatement{{"PlumblineRead", "Allow", permissions, "*"}}}
	a.output = "json" // a policy document is JSON whatever is asked for
	return a.show(policy, nil, nil)
}
