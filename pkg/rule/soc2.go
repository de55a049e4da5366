package rule

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// SOC2 is what soc2.yaml holds: the controls, and the criteria they speak to.
type SOC2 struct {
	Controls   []Control   `yaml:"controls"`
	Uncovered  []Uncovered `yaml:"uncovered"`
	Categories []Category  `yaml:"categories"`
	Series     []Series    `yaml:"series"`
	Criteria   []Criterion `yaml:"criteria"`
	// SameControls lists groups of criteria that are meant to have the same set of controls.
	SameControls [][]string `yaml:"same_controls"`
}

// Control is something the organisation does, which rules bear witness to.
type Control struct {
	ID        string `yaml:"id"`
	Title     string `yaml:"title"`
	Statement string `yaml:"statement"`
	Nature    string `yaml:"nature"` // state, event or periodic: how a period is tested
	Domain    string `yaml:"domain"`
	Criteria  []Link `yaml:"criteria"`
}

// Link says what a control's settings support of a criterion, and what they leave unproved even when every rule passes.
type Link struct {
	ID       string `yaml:"id"`
	Supports string `yaml:"supports"`
	Leaves   string `yaml:"leaves"`
}

// Criterion is one SOC 2 criterion by its public number, in our own words.
type Criterion struct {
	ID          string              `yaml:"id"`
	Series      string              `yaml:"series"`
	Category    string              `yaml:"category"`
	Title       string              `yaml:"title"`
	Summary     string              `yaml:"summary"`
	Automatable string              `yaml:"automatable"` // full, partial or manual
	Nature      []string            `yaml:"nature"`
	CSOC        bool                `yaml:"csoc"`      // usually left to the cloud provider
	Attach      []string            `yaml:"attach"`    // what people have to attach
	Limit       string              `yaml:"limit"`     // what the automated part must not be read as proving
	Crosswalk   map[string][]string `yaml:"crosswalk"` // related numbers of other frameworks
}

// Uncovered is a criterion close to cloud settings that no control speaks to, and why.
type Uncovered struct {
	ID     string `yaml:"id"`
	Reason string `yaml:"reason"`
}

// Category is one of the five an organisation chooses its report from.
type Category struct {
	ID       string `yaml:"id"`
	Title    string `yaml:"title"`
	Required bool   `yaml:"required"`
}

// Series groups criteria.
type Series struct {
	ID       string `yaml:"id"`
	Category string `yaml:"category"`
	Title    string `yaml:"title"`
}

// Control returns the control with that id.
func (s *SOC2) Control(id string) (Control, bool) {
	i := slices.IndexFunc(s.Controls, func(c Control) bool { return c.ID == id })
	if i < 0 {
		return Control{}, false
	}
	return s.Controls[i], true
}

// Criterion returns the criterion with that id.
func (s *SOC2) Criterion(id string) (Criterion, bool) {
	i := slices.IndexFunc(s.Criteria, func(c Criterion) bool { return c.ID == id })
	if i < 0 {
		return Criterion{}, false
	}
	return s.Criteria[i], true
}

// LoadSOC2 reads soc2.yaml.
func LoadSOC2(fsys fs.FS, file string) (*SOC2, error) {
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read controls: %w", err)
	}
	var s SOC2
	if err := decodeStrict(data, &s); err != nil {
		return nil, invalid(file, err)
	}
	return &s, nil
}

// Lint says what is wrong with the controls and criteria.
func (s *SOC2) Lint() []error {
	var out []error
	complain := func(format string, args ...any) {
		out = append(out, fmt.Errorf("soc2.yaml: "+format+": %w", append(args, posture.ErrInvalid)...))
	}
	seen := map[string]bool{}
	once := func(kind, id string) {
		if id == "" || seen[kind+id] {
			complain("%s %q is there twice, or has no id", kind, id)
		}
		seen[kind+id] = true
	}
	for _, c := range s.Categories {
		once("category", c.ID)
	}
	for _, x := range s.Series {
		once("series", x.ID)
		if !seen["category"+x.Category] {
			complain("series %s: category %q does not exist", x.ID, x.Category)
		}
	}
	for _, c := range s.Criteria {
		once("criterion", c.ID)
		if !seen["series"+c.Series] || !seen["category"+c.Category] || c.Title == "" || c.Summary == "" || len(c.Nature) == 0 ||
			!slices.Contains([]string{"full", "partial", "manual"}, c.Automatable) {
			complain("criterion %s: series, category, title, summary, automatable and nature are required", c.ID)
		}
	}
	controls := map[string][]string{} // by criterion
	for _, c := range s.Controls {
		once("control", c.ID)
		if c.Title == "" || c.Statement == "" || !slices.Contains([]string{"state", "event", "periodic"}, c.Nature) {
			complain("control %s: title, statement and nature are required", c.ID)
		}
		for _, l := range c.Criteria {
			once("link of "+c.ID+" to ", l.ID)
			if !seen["criterion"+l.ID] {
				complain("control %s: criterion %q does not exist", c.ID, l.ID)
			}
			if l.Supports == "" || l.Leaves == "" {
				complain("control %s: the link to %s must say what it supports and what it leaves unproved", c.ID, l.ID)
			}
			controls[l.ID] = append(controls[l.ID], c.ID)
		}
	}
	for _, u := range s.Uncovered {
		if !seen["criterion"+u.ID] || u.Reason == "" || len(controls[u.ID]) > 0 {
			complain("uncovered %s: must be a criterion without controls, with a reason", u.ID)
		}
	}
	sets := map[string]string{}
	for _, c := range s.Criteria {
		slices.Sort(controls[c.ID])
		set := strings.Join(controls[c.ID], " ")
		if other := sets[set]; set != "" && other != "" && !s.sameControls(other, c.ID) {
			complain("criteria %s and %s have the same controls, which same_controls does not declare", other, c.ID)
		}
		sets[set] = c.ID
	}
	return out
}

func (s *SOC2) sameControls(a, b string) bool {
	return slices.ContainsFunc(s.SameControls, func(group []string) bool {
		return slices.Contains(group, a) && slices.Contains(group, b)
	})
}

// Choice is what an audit looks at.
type Choice struct{ Categories, Criteria, Controls []string }

// Choose returns some categories and the required ones, their criteria, and the controls that speak to any of those, or of these the
// ones named.
func (s *SOC2) Choose(categories, controls []string) (Choice, error) {
	var out Choice
	for _, id := range categories {
		if !slices.ContainsFunc(s.Categories, func(c Category) bool { return c.ID == id }) {
			return out, fmt.Errorf("category %q: %w", id, posture.ErrNotFound)
		}
	}
	for _, c := range s.Categories {
		if c.Required || slices.Contains(categories, c.ID) {
			out.Categories = append(out.Categories, c.ID)
		}
	}
	for _, c := range s.Criteria {
		if slices.Contains(out.Categories, c.Category) {
			out.Criteria = append(out.Criteria, c.ID)
		}
	}
	for _, c := range s.Controls {
		if slices.ContainsFunc(c.Criteria, func(l Link) bool { return slices.Contains(out.Criteria, l.ID) }) {
			out.Controls = append(out.Controls, c.ID)
		}
	}
	for _, id := range controls {
		if !slices.Contains(out.Controls, id) {
			return out, fmt.Errorf("control %q that speaks to a criterion chosen: %w", id, posture.ErrNotFound)
		}
	}
	if len(controls) > 0 {
		out.Controls = slices.DeleteFunc(out.Controls, func(id string) bool { return !slices.Contains(controls, id) })
	}
	slices.Sort(out.Controls)
	return out, nil
}
