package gcp

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// keyGrants adds up what a key, its key ring and everything above them grant.
func keyGrants(inv *derive.Inventory) {
	p, ok := ownProject(inv)
	if !ok {
		return
	}
	all := chain(inv, p)
	levels, known := all.Get()
	if !known {
		levels = []level{ownLevel(p)}
	}
	above := derive.Elements[schema.EffectiveBinding]{Missing: all.Causes()}
	for _, l := range levels {
		above = withGrants(above, l.name, derive.Map(l.iam, func(iam schema.IAM) []schema.Binding { return iam.Bindings }))
	}
	for _, k := range derive.Of[schema.CryptoKey](inv, schema.CryptoKeyType).Items {
		ring, _, _ := strings.Cut(k.ID, "/cryptoKeys/")
		sum := derive.Elements[schema.EffectiveBinding]{Known: []schema.EffectiveBinding{}}
		sum = withGrants(sum, k.ID, derive.Read(k, "iam.bindings", k.V.IAM.Bindings))
		sum = withGrants(sum, ring, derive.Read(k, "key_ring_iam.bindings", k.V.KeyRingIAM.Bindings))
		sum.Known, sum.Missing = append(sum.Known, above.Known...), append(sum.Missing, above.Missing...)
		derive.SetList(k, "effective.bindings", &k.V.Effective.Bindings, sum)
	}
}

// withGrants adds the bindings of one more policy, or why they are not known.
func withGrants(sum derive.Elements[schema.EffectiveBinding], origin string, bindings derive.Val[[]schema.Binding]) derive.Elements[schema.EffectiveBinding] {
	list, _ := bindings.Get()
	for _, b := range list {
		sum.Known = append(sum.Known, schema.EffectiveBinding{Role: b.Role, Members: b.Members, Condition: b.Condition, Origin: origin})
	}
	sum.Missing = append(sum.Missing, bindings.Causes()...)
	return sum
}
