package subscription_test

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/plumbline-dev/plumbline/collectors"
	collect "github.com/plumbline-dev/plumbline/collectors/azure"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

func withResourceGraph(o *collect.Options) { o.ResourceGraph = true }

// spared are operations that Resource Graph makes needless.
var spared = []string{
	"armcompute.DisksClient.NewListPager",
	"armcompute.SnapshotsClient.NewListPager",
	"armcontainerregistry.RegistriesClient.NewListPager",
	"armdatabricks.WorkspacesClient.NewListBySubscriptionPager",
	"armeventhub.NamespacesClient.NewListPager",
	"armnetwork.AzureFirewallsClient.NewListAllPager",
	"armnetwork.FlowLogsClient.NewListPager",
	"armnetwork.InterfacesClient.NewListAllPager",
	"armnetwork.PublicIPAddressesClient.NewListAllPager",
	"armnetwork.RouteTablesClient.NewListAllPager",
	"armnetwork.SecurityGroupsClient.NewListAllPager",
	"armnetwork.VirtualNetworkGatewaysClient.NewListPager",
	"armnetwork.VirtualNetworksClient.NewListAllPager",
	"armnetwork.WatchersClient.NewListAllPager",
	"armnetwork.WebApplicationFirewallPoliciesClient.NewListAllPager",
	"armoperationalinsights.WorkspacesClient.NewListPager",
	"armredis.Client.NewListBySubscriptionPager",
	"armsearch.ServicesClient.NewListBySubscriptionPager",
	"armservicebus.NamespacesClient.NewListPager",
}

// counted notes how often a cloud is asked for each operation.
func counted(c *trial.Cloud) func() map[string]int {
	var journals []*transport.Journal
	open := c.Open
	c.Open = func(ctx context.Context, a world.Account, base http.RoundTripper, o transport.Options) (collectors.Account, error) {
		o.Journal = transport.NewJournal()
		journals = append(journals, o.Journal)
		return open(ctx, a, base, o)
	}
	return func() map[string]int {
		out := map[string]int{}
		for _, j := range journals {
			for _, call := range j.Calls() {
				out[call.Operation]++
			}
		}
		journals = nil
		return out
	}
}

// TestResourceGraphTellsTheSame reads subscriptions with and without Resource Graph: nothing may differ but the calls.
func TestResourceGraphTellsTheSame(t *testing.T) {
	direct, fast := newCloud(t, 100), newCloud(t, 100, withResourceGraph)
	directCalls, fastCalls := counted(direct), counted(fast)
	for _, tick := range []int{0, faultTick, 60, 89} {
		direct.At(tick)
		fast.At(tick)
		for _, account := range direct.World.Accounts[1:] {
			read := func(c *trial.Cloud, calls func() map[string]int) (posture.Sealing, map[string]int) {
				c.Whole(t, account) // seals what lies above
				calls()
				sealing, _, err := c.Judge.Judge(c.Whole(t, account), scan.State{})
				if err != nil {
					t.Fatal(err)
				}
				for i := range sealing.Cells {
					sealing.Cells[i].Calls = 0
				}
				return sealing, calls()
			}
			want, slowly := read(direct, directCalls)
			got, quickly := read(fast, fastCalls)
			if len(want.Resources) < 100 || len(want.Verdicts) < 200 {
				t.Fatalf("%s, tick %d: only %d resources and %d verdicts", account.ID, tick, len(want.Resources), len(want.Verdicts))
			}
			for what, diff := range map[string]string{
				"resources": cmp.Diff(documents(want), documents(got)), "cells": cmp.Diff(want.Cells, got.Cells), "verdicts": cmp.Diff(want.Verdicts, got.Verdicts),
			} {
				if diff != "" {
					t.Errorf("%s, tick %d: %s differ (-without +with Resource Graph):\n%s", account.ID, tick, what, diff)
				}
			}
			for _, operation := range spared {
				if slowly[operation] == 0 || quickly[operation] > 0 {
					t.Errorf("%s, tick %d: %s is asked for %d times, with Resource Graph %d times", account.ID, tick, operation, slowly[operation], quickly[operation])
				}
			}
			t.Logf("%s, tick %d: %d calls, with Resource Graph %d", account.ID, tick, sum(slowly), sum(quickly))
		}
	}
}

// documents are what is stored of the resources: their attributes and what is unread of them.
func documents(s posture.Sealing) map[posture.Key]string {
	out := map[posture.Key]string{}
	for _, r := range s.Resources {
		out[r.Key] = string(r.JSON)
	}
	return out
}

func sum(calls map[string]int) int {
	n := 0
	for _, count := range calls {
		n += count
	}
	return n
}

var resourceQuery = fault.Call{Service: "armresourcegraph", Operation: "Client.Resources"}

// TestResourceGraphFails makes the query fail in every way, which changes nothing, and together with each call that then stands
// in for it.
func TestResourceGraphFails(t *testing.T) {
	long := trial.Long()
	t.Setenv("PLUMBLINE_LONG", "1") // all ways, not a sample
	c := newCloud(t, 20, withResourceGraph)
	f := trial.NewFaulty(t, c, c.World.Accounts[1], faultTick)
	instead := map[fault.Call]bool{} // what is asked only without Resource Graph
	tried := 0
	for _, test := range f.Cases() {
		if test.Rules[0].Call != resourceQuery {
			continue
		}
		tried++
		collected, injector, err := f.Scan(t, test.Rules...)
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		for _, complaint := range f.Complaints(t, collected, test) {
			t.Errorf("%s: %s", test.Name, complaint)
		}
		sealing, _, err := c.Judge.Judge(collected, scan.State{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(documents(f.Sealed), documents(sealing)) + cmp.Diff(f.Sealed.Verdicts, sealing.Verdicts); diff != "" {
			t.Errorf("%s leaves its mark (-without +with):\n%s", test.Name, diff)
		}
		for _, e := range injector.Log() {
			instead[fault.Call{Service: e.Service, Operation: e.Operation}] = true
		}
	}
	for _, call := range f.Asked() {
		delete(instead, call)
	}
	if tried < 20 || len(instead) < len(spared) {
		t.Fatalf("%d ways to fail, and %d calls instead: %v", tried, len(instead), instead)
	}

	// When such a call fails as well, it is the one to blame.
	c.LastResorts = map[fault.Call]fault.Rule{}
	for call := range instead {
		c.LastResorts[call] = fault.Rule{Call: resourceQuery, Kind: fault.Denied}
	}
	f = trial.NewFaulty(t, c, c.World.Accounts[1], faultTick)
	for _, test := range f.Cases() {
		if !instead[test.Rules[0].Call] || !long && test.Rules[0].Kind != fault.Denied {
			continue
		}
		tried++
		collected, _, err := f.Scan(t, test.Rules...)
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		for _, complaint := range f.Complaints(t, collected, test) {
			t.Errorf("%s: %s", test.Name, complaint)
		}
	}
	t.Logf("%d cases, %d calls that stand in for Resource Graph", tried, len(instead))
}

// TestResourceGraphIsCompared makes Resource Manager's own list fail in every way: without it Resource Graph proves nothing.
func TestResourceGraphIsCompared(t *testing.T) {
	c := newCloud(t, 20, withResourceGraph)
	f := trial.NewFaulty(t, c, c.World.Accounts[1], faultTick)
	tried := 0
	for _, test := range f.Cases() {
		if test.Rules[0].Call != (fault.Call{Service: "armresources", Operation: "Client.NewListPager"}) {
			continue
		}
		tried++
		collected, injector, err := f.Scan(t, test.Rules...)
		if err != nil {
			t.Fatalf("%s: %v", test.Name, err)
		}
		for _, complaint := range f.Complaints(t, collected, test) {
			t.Errorf("%s: %s", test.Name, complaint)
		}
		asked := map[string]bool{}
		for _, e := range injector.Log() {
			asked[e.Service+"."+e.Operation] = true
		}
		if test.Rules[0].Kind == fault.Denied {
			for _, operation := range spared {
				if !asked[operation] && operation != "armnetwork.VirtualNetworkGatewaysClient.NewListPager" { // asked by where there are some
					t.Errorf("%s: %s is not asked for", test.Name, operation)
				}
			}
		}
	}
	if tried < 3 {
		t.Fatalf("only %d ways to fail", tried)
	}
}
