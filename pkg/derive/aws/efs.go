package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// fileSystems: who their policies let mount, and whether under TLS alone.
func fileSystems(inv *derive.Inventory) {
	for _, f := range derive.Of[schema.FileSystem](inv, schema.FileSystemType).Items {
		policy := derive.Read(f, "policy", f.V.Policy)
		derive.Set(f, "policy_public", &f.V.PolicyPublic, public(policy, "EFS.DescribeFileSystemPolicy", iampolicy.FileSystemLimits()))
		derive.Set(f, "policy_requires_tls", &f.V.PolicyRequiresTLS, derive.Map(policyOf(policy, "EFS.DescribeFileSystemPolicy"),
			func(d iampolicy.Document) bool { return d.RequiresTLS("elasticfilesystem:*", f.ID) }))
	}
}
