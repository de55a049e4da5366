package aws

import (
	"maps"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/derive/iampolicy"
)

// keys derives whether KMS can rotate a key and what its policy says. Whether measurements of enclaves are approved needs a
// list that only the deployment has: enclave.pcr_mismatches is left unset.
func keys(inv *derive.Inventory) {
	for _, k := range derive.Of[schema.KMSKey](inv, schema.KMSKeyType).Items {
		is := func(path, value, want string) derive.Val[bool] {
			return derive.Map(derive.Read(k, path, value), func(v string) bool { return v == want })
		}
		derive.Set(k, "rotatable", &k.V.Rotatable, derive.And(
			is("manager", k.V.Manager, "CUSTOMER"),
			is("state", k.V.State, "Enabled"),
			is("spec", k.V.Spec, "SYMMETRIC_DEFAULT"),
			is("usage", k.V.Usage, "ENCRYPT_DECRYPT"),
			is("origin", k.V.Origin, "AWS_KMS"),
		))

		policy := policyOf(derive.Read(k, "policy", k.V.Policy), "KMS.GetKeyPolicy")
		derive.Set(k, "policy_statements", &k.V.PolicyStatements, derive.Map(policy, policyStatements))
		derive.Set(k, "policy_public", &k.V.PolicyPublic,
			derive.Map(policy, func(d iampolicy.Document) bool { return d.PublicWithin(iampolicy.KeyLimits()...) }))
		derive.Set(k, "policy_mixed_duties", &k.V.PolicyMixedDuties, derive.Map(policy, iampolicy.Document.MixedDuties))

		derive.Set(k, "enclave_key", &k.V.EnclaveKey, derive.Or(
			derive.Map(derive.Read(k, "description", k.V.Description), namesEnclave),
			derive.Map(derive.Read(k, "aliases", k.V.Aliases), func(aliases []string) bool { return slices.ContainsFunc(aliases, namesEnclave) }),
			derive.Map(derive.Read(k, "tags", k.V.Tags), func(tags map[string]string) bool {
				return tags["enclave-key"] == "true" || slices.ContainsFunc(slices.Collect(maps.Values(tags)), namesEnclave)
			}),
			derive.Map(policy, iampolicy.Document.UsesAttestation),
		))
		enclave := derive.Map(policy, func(d iampolicy.Document) iampolicy.Enclave { return d.Enclave(inv.Account.ID) })
		derive.Set(k, "enclave.unattested_allows", &k.V.Enclave.UnattestedAllows,
			derive.Map(enclave, func(e iampolicy.Enclave) int64 { return int64(e.UnattestedAllows) }))
		derive.Set(k, "enclave.bypass_paths", &k.V.Enclave.BypassPaths,
			derive.Map(enclave, func(e iampolicy.Enclave) int64 { return int64(e.BypassPaths) }))
		derive.Set(k, "enclave.deployment_bound", &k.V.Enclave.DeploymentBound,
			derive.Map(enclave, func(e iampolicy.Enclave) bool { return e.DeploymentBound }))
		derive.Set(k, "enclave.pcr_values", &k.V.Enclave.PCRValues,
			derive.Map(enclave, func(e iampolicy.Enclave) map[string]string { return e.PCRValues }))
	}
}

func namesEnclave(text string) bool { return strings.Contains(strings.ToLower(text), "enclave") }

func policyStatements(d iampolicy.Document) []schema.PolicyStatement {
	var out []schema.PolicyStatement
	for _, s := range d.Statements {
		out = append(out, schema.PolicyStatement{
			Effect:         s.Effect,
			Principals:     orNot(s.Principals, s.NotPrincipals),
			Actions:        orNot(s.Actions, s.NotActions),
			ConditionsJSON: s.ConditionsJSON,
		})
	}
	return out
}

// orNot returns the list or, where its opposite is given, that with "not " before each entry.
func orNot(list, not []string) []string {
	out := slices.Clone(list)
	for _, n := range not {
		out = append(out, "not "+n)
	}
	return out
}
