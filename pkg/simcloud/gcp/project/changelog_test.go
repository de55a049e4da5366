package project_test

import (
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/changelog"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/trial"
)

func TestAttribution(t *testing.T) {
	c := newCloud(t, 100)
	days, least := 20, 8
	if trial.Long() {
		days, least = 90, 60
	}
	trial.Attribution(t, c, c.World.Accounts[:2], schema.Types(), days, least, func(id string, from, to time.Time) []changelog.Entry {
		return project.Log(c.World, id, from, to)
	})
}

func TestLogFaults(t *testing.T) {
	c := newCloud(t, 2)
	for _, account := range c.World.Accounts[:2] {
		trial.LogFaults(t, c, account, "entries.list")
	}
}
