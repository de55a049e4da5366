package project_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/scan"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/fault"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp/project"
)

// TestPlantedSecretsStayOut looks for a secret that the simulated project holds in metadata, scripts and sign-in settings: in all
// that is handed over, judged and kept of the answers.
func TestPlantedSecretsStayOut(t *testing.T) {
	c := newCloud(t, 100)
	c.At(faultTick)
	received := &witnessed{base: fault.InMemory(c.Server), answers: map[string][][]byte{}}
	journal := transport.NewJournal()
	account, err := c.Open(t.Context(), c.World.Accounts[1], received, transport.Options{Clock: c.Clock, Journal: journal, RedactKey: []byte("key")})
	if err != nil {
		t.Fatal(err)
	}
	collected, err := scan.Collect(t.Context(), account, c.Clock, nil)
	if err != nil {
		t.Fatal(err)
	}
	planted := func(text []byte) bool { return bytes.Contains(text, []byte(project.Planted)) }

	// The project would give it away: in these answers it stands.
	for _, id := range []string{"compute.projects.get", "compute.instances.aggregatedList", "container.projects.locations.clusters.list"} {
		if !slices.ContainsFunc(received.answers[id], planted) {
			t.Errorf("%s never answers with the secret: the test proves nothing of it", id)
		}
	}
	suspected := false
	for _, r := range collected.Resources {
		if text, err := json.Marshal(r); err != nil || planted(text) {
			t.Errorf("%v holds the secret, or is no JSON (%v)", r.Key, err)
		}
		if i, ok := r.Attributes.(*schema.Instance); ok {
			suspected = suspected || len(i.MetadataSuspectKeys) > 0
		}
	}
	if !suspected {
		t.Error("no machine is suspected of holding a secret, though some do")
	}
	sealing, _, err := c.Judge.Judge(collected, scan.State{})
	if err != nil {
		t.Fatal(err)
	}
	sealing.Calls, sealing.Bodies = journal.Calls(), journal.Bodies()
	for _, body := range sealing.Bodies {
		if planted(body.Data) {
			t.Errorf("a kept answer holds the secret: %.200s", body.Data)
		}
	}
	for _, r := range sealing.Resources {
		if planted(r.JSON) {
			t.Errorf("%v is stored with the secret", r.Key)
		}
	}
	sealing.Bodies, sealing.Resources = nil, nil // JSON would show their bytes in base64
	text, err := json.Marshal(sealing)
	if err != nil || planted(text) {
		t.Errorf("the snapshot holds the secret, or is no JSON (%v)", err)
	}

	// Names of keys stay, so that the record shows what was there.
	kept := func(name string) bool {
		return slices.ContainsFunc(journal.Bodies(), func(b posture.Body) bool { return bytes.Contains(b.Data, []byte(`"`+name+`"`)) })
	}
	for _, name := range []string{"startup-script", "ssh-keys", "enable-oslogin", "clusters", "masterAuth"} {
		if !kept(name) {
			t.Errorf("no kept answer names %s", name)
		}
	}
}
