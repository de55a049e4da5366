package evidence

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence/sample"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Items are the members of a population of the package, a file of JSON lines, with its digest. A resource is named by account, region
// and id, a finding by its id, a deviation by its finding and when it was first seen.
func (p *Package) Items(name string) (items []sample.Item, digest string, err error) {
	if err := checkPath(name); err != nil {
		return nil, "", err
	}
	for row, err := range Rows[struct {
		Account string    `json:"account"`
		Region  string    `json:"region"`
		ID      string    `json:"id"`
		Finding string    `json:"finding"`
		State   string    `json:"state"`
		Created string    `json:"created_at"`
		First   time.Time `json:"first_seen"`
		Opened  time.Time `json:"opened_at"`
	}](p, name) {
		if err != nil {
			return nil, "", err
		}
		var item sample.Item
		switch {
		case row.Finding != "" && !row.First.IsZero():
			item = sample.Item{ID: row.Finding + " " + row.First.UTC().Format(time.RFC3339), Time: row.First}
		case row.State != "" && row.ID != "":
			item = sample.Item{ID: row.ID, Time: row.Opened}
		case row.ID != "":
			item.ID = strings.Join([]string{row.Account, row.Region, row.ID}, " ")
			item.Time, _ = time.Parse(time.RFC3339Nano, row.Created)
			if n := len(items); n > 0 && items[n-1].ID == item.ID {
				continue // another version of the same
			}
		default:
			return nil, "", fmt.Errorf("%w: %s is no population of resources, findings or deviations", posture.ErrInvalid, name)
		}
		items = append(items, item)
	}
	_, digest, err = p.digest(name)
	return items, digest, err
}

// Audit is the audit that the package is for, or else the package itself.
func (p *Package) Audit() (string, error) {
	m, err := Read[Manifest](p, ManifestFile)
	return cmp.Or(m.Audit, m.ID), err
}
