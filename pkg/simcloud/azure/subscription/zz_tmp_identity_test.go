package subscription_test

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"github.com/plumbline-dev/plumbline/pkg/scan"
)

func TestZZDistribution(t *testing.T) {
	c := newCloud(t, 2)
	dist := map[string]map[string]int{}
	for tick := 0; tick < 90; tick += 3 {
		c.At(tick)
		for _, a := range c.World.Accounts {
			s, _, err := c.Judge.Judge(c.Whole(t, a), scan.State{})
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range s.Verdicts {
				ok := false
				for _, p := range []string{"azure-entra", "azure-authorization", "azure-policy", "azure-locks", "azure-managementgroups", "azure-subscriptions"} {
					ok = ok || strings.HasPrefix(v.RuleID, p)
				}
				if !ok {
					continue
				}
				if dist[v.RuleID] == nil {
					dist[v.RuleID] = map[string]int{}
				}
				dist[v.RuleID][string(v.Result)]++
			}
		}
	}
	var ids []string
	for id := range dist {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	for _, id := range ids {
		fmt.Println(id, dist[id])
	}
	st, _ := c.World.State(c.World.Accounts[0].ID, c.Clock.Now())
	_ = st
	for tick := 0; tick < 90; tick += 3 {
		c.At(tick)
		st, _ := c.World.State(c.World.Accounts[0].ID, c.Clock.Now())
		it := st.Items("azure.tenant")[0]
		fmt.Println(tick, "no-p1", it.Has("no-p1"), "no-p2", it.Has("no-p2"), "defaults", it.Has("defaults"))
	}
}
