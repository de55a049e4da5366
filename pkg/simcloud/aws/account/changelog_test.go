package account_test

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/aws/account"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

func TestAttribution(t *testing.T) {
	c := newCloud(t, 100)
	days, least := 20, 6
	if trial.Long() {
		days, least = 90, 50
	}
	trial.Attribution(t, c, c.World.Accounts, schema.Types(), days, least, func(id string, from, to time.Time) []changelog.Entry {
		return account.Log(c.World, id, from, to)
	})
}

func TestLogFaults(t *testing.T) {
	c := newCloud(t, 2)
	trial.LogFaults(t, c, c.World.Accounts[0], "LookupEvents")
}
