package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// buildProjects: with which credential of their region they fetch their source. A region has at most one of a kind.
func buildProjects(inv *derive.Inventory) {
	credentials := derive.ByRead(derive.Of[schema.SourceCredential](inv, schema.SourceCredentialType), "server_type",
		func(c derive.Item[schema.SourceCredential]) string { return c.V.ServerType })
	for _, p := range derive.Of[schema.BuildProject](inv, schema.BuildProjectType).Items {
		derive.Set(p, "source_credential_type", &p.V.SourceCredentialType, derive.Then(derive.Read(p, "source_type", p.V.SourceType), func(source string) derive.Val[string] {
			credential, found, missing := credentials.All(source).In(p.Region).First()
			switch {
			case found:
				return derive.Read(credential, "auth_type", credential.V.AuthType)
			case len(missing) > 0:
				return derive.UnreadFor[string](missing...)
			}
			return derive.Known("")
		}))
	}
}
