// Rolegen writes the part of deploy/terraform that follows from the readers: what a role has to grant. Run by go generate here.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/aws"
	"github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/gcp"
)

//go:generate go run . ../terraform

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: rolegen FOLDER")
		os.Exit(2)
	}
	for cloud, text := range map[string][]byte{
		"aws":   awsPermissions(collectors.Permissions(append(aws.Operations(), aws.ChangeLogOperations()...))),
		"azure": azurePermissions(collectors.Permissions(append(azure.Operations(), azure.ChangeLogOperations()...))),
		"gcp":   gcpPermissions(collectors.Permissions(append(gcp.Operations(), gcp.ChangeLogOperations()...))),
	} {
		if err := os.WriteFile(filepath.Join(os.Args[1], cloud, "permissions.tf"), text, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "rolegen:", err)
			os.Exit(1)
		}
	}
}

func header() *bytes.Buffer {
	return bytes.NewBufferString("# Written by go generate ./deploy/rolegen from what the readers declare; do not edit.\n\n")
}

// awsPermissions spreads the actions over as many policies as they need.
func awsPermissions(permissions []string) []byte {
	out := header()
	out.WriteString("locals {\n  actions = [\n")
	for _, policy := range aws.SplitActions(permissions) {
		out.WriteString("    [\n")
		for _, p := range policy {
			fmt.Fprintf(out, "      %q,\n", p)
		}
		out.WriteString("    ],\n")
	}
	out.WriteString("  ]\n}\n")
	return out.Bytes()
}

// azurePermissions tells actions of the role from what Microsoft Graph grants.
func azurePermissions(permissions []string) []byte {
	var actions, graph, others []string
	for _, p := range permissions {
		name, isGraph := strings.CutPrefix(p, "Graph: ")
		switch {
		case isGraph:
			graph = append(graph, name)
		case strings.Contains(p, " "):
			others = append(others, p)
		default:
			actions = append(actions, p)
		}
	}
	out := header()
	write(out, others, list{"actions", actions}, list{"graph_permissions", graph})
	return out.Bytes()
}

// gcpPermissions leaves out what no role can hold, such as scopes of the directory.
func gcpPermissions(permissions []string) []byte {
	var grants, others []string
	for _, p := range permissions {
		if strings.ContainsAny(p, " /:") {
			others = append(others, p)
		} else {
			grants = append(grants, p)
		}
	}
	out := header()
	write(out, others, list{"permissions", grants})
	return out.Bytes()
}

type list struct {
	name   string
	values []string
}

func write(out *bytes.Buffer, others []string, lists ...list) {
	for _, o := range slices.Sorted(slices.Values(others)) {
		fmt.Fprintf(out, "# Not part of the role, grant it separately where wanted: %s\n", o)
	}
	out.WriteString("locals {\n")
	for i, l := range lists {
		if i > 0 {
			out.WriteString("\n")
		}
		fmt.Fprintf(out, "  %s = [\n", l.name)
		for _, v := range slices.Sorted(slices.Values(l.values)) {
			fmt.Fprintf(out, "    %q,\n", v)
		}
		out.WriteString("  ]\n")
	}
	out.WriteString("}\n")
}
