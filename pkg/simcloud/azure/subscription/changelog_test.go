package subscription_test

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/azure/subscription"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

func TestAttribution(t *testing.T) {
	c := newCloud(t, 100)
	days, least := 45, 5
	if trial.Long() {
		days, least = 90, 15
	}
	trial.Attribution(t, c, c.World.Accounts[1:2], schema.Types(), days, least, func(id string, from, to time.Time) []changelog.Entry {
		return subscription.Log(c.World, id, from, to)
	})
}

func TestLogFaults(t *testing.T) {
	c := newCloud(t, 2)
	trial.LogFaults(t, c, c.World.Accounts[1], "ActivityLogsClient.NewListPager")
}
