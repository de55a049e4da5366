package pack

import (
	"cmp"
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/finding"
	"github.com/plumbline-dev/plumbline/pkg/ledger"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// The release of OSCAL that is written, and the name space of our own properties.
const (
	oscalVersion   = "1.1.3"
	oscalNamespace = "https://plumbline.dev/ns/oscal"
)

// The files in OSCAL.
const (
	catalogFile = "oscal/catalog.json"
	planFile    = "oscal/assessment-plan.json"
	resultsFile = "oscal/assessment-results.json"
	poamFile    = "oscal/poam.json"
)

// object is a JSON object.
type object map[string]any

// uuid names something for good: version 5 over its key.
func uuid(kind string, key ...string) string {
	namespace := [16]byte{0x5d, 0x1c, 0x8a, 0x0e, 0x7b, 0x43, 0x5f, 0x6a, 0x9e, 0x21, 0x0c, 0x4d, 0x88, 0xf3, 0x17, 0x62}
	sum := sha1.Sum(append(namespace[:], strings.Join(append([]string{kind}, key...), "\x00")...))
	sum[6], sum[8] = sum[6]&0x0f|0x50, sum[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

func prop(name, value string) object {
	return object{"name": name, "ns": oscalNamespace, "value": cmp.Or(strings.Join(strings.Fields(value), " "), "none")}
}

func (b *builder) metadata(title string) object {
	return object{"title": title, "last-modified": b.Head.Signed.UTC().Format(time.RFC3339Nano), "version": "1", "oscal-version": oscalVersion}
}

// key identifies the package in names before it has its own: what it is about, and the state of the log.
func (b *builder) key() string {
	return strings.Join([]string{b.Audit, b.Type, stampOf(b.From), stampOf(b.To), b.Head.Root.String(), strings.Join(b.names(), " ")}, "\x00")
}

func (b *builder) writeOSCAL(context.Context) error {
	return errors.Join(b.writeCatalog(), b.writePlan(), b.writeAssessment(), b.writeActions())
}

func controlID(criterion string) string         { return strings.ToLower(criterion) }
func objectiveID(criterion, rule string) string { return controlID(criterion) + "_obj." + rule }

// writeCatalog writes the criteria in our own words; the criteria themselves are the AICPA's.
func (b *builder) writeCatalog() error {
	source := uuid("source", "tsc")
	var groups []object
	for _, series := range b.Rules.SOC2.Series {
		var controls []object
		for _, c := range b.Rules.SOC2.Criteria {
			if c.Series != series.ID {
				continue
			}
			id := controlID(c.ID)
			controls = append(controls, object{"id": id, "class": "criterion", "title": c.Title, "props": []object{{"name": "label", "value": c.ID}},
				"links": []object{{"href": "#" + source, "rel": "reference"}},
				"parts": []object{{"id": id + "_smt", "name": "statement", "prose": oneLine(c.Summary)}}})
		}
		if controls != nil {
			groups = append(groups, object{"id": controlID(series.ID), "title": series.Title, "controls": controls})
		}
	}
	return b.files.value(catalogFile, object{"catalog": object{
		"uuid": uuid("catalog", fmt.Sprint(groups)), "metadata": b.metadata("Trust services criteria by number, in the words of this tool"), "groups": groups,
		"back-matter": object{"resources": []object{{"uuid": source, "title": "Trust Services Criteria",
			"description": "The titles and statements in this catalog are paraphrases to find one's way. The criteria themselves have to be taken from the AICPA.",
			"citation":    object{"text": "AICPA, TSP section 100, 2017 Trust Services Criteria with revised points of focus of 2022"}}}},
	}})
}

// objective is a rule as it speaks to a criterion.
type objective struct {
	criterion string
	rule      evidence.Rule
}

// objectives are those of the package's controls, each once.
func (b *builder) objectives() []objective {
	var out []objective
	seen := map[string]bool{}
	for _, c := range b.reports {
		for _, l := range c.Criteria {
			if len(b.Criteria) > 0 && !slices.Contains(b.Criteria, l.ID) {
				continue
			}
			for _, r := range b.rules {
				if id := objectiveID(l.ID, r.ID); r.Control == c.ID && !seen[id] {
					seen[id] = true
					out = append(out, objective{l.ID, r})
				}
			}
		}
	}
	slices.SortFunc(out, func(x, y objective) int {
		return cmp.Or(cmp.Compare(x.criterion, y.criterion), cmp.Compare(x.rule.ID, y.rule.ID))
	})
	return out
}

// reviewed are the controls and objectives that were looked at.
func reviewed(list []objective) object {
	var controls, objectives []object
	seen := map[string]bool{}
	for _, o := range list {
		if id := controlID(o.criterion); !seen[id] {
			seen[id] = true
			controls = append(controls, object{"control-id": id})
		}
		objectives = append(objectives, object{"objective-id": objectiveID(o.criterion, o.rule.ID)})
	}
	if list == nil {
		return object{"control-selections": []object{{"include-all": object{}}}}
	}
	return object{"control-selections": []object{{"include-controls": controls}}, "control-objective-selections": []object{{"include-objectives": objectives}}}
}

func (b *builder) platform() (component, platform object) {
	id := uuid("tool", b.Tool)
	return object{"uuid": id, "type": "software", "title": "Plumbline", "description": "Reads settings of cloud accounts and judges them by rules.",
			"props": []object{{"name": "version", "value": cmp.Or(b.Tool, "dev")}}, "status": object{"state": "operational"}},
		object{"uuid": uuid("platform", b.Tool), "title": "Plumbline", "uses-components": []object{{"component-uuid": id}}}
}

// writePlan gives each rule an objective of its own below each criterion that it speaks to.
func (b *builder) writePlan() error {
	list := b.objectives()
	var local []object
	for _, o := range list {
		local = append(local, object{"control-id": controlID(o.criterion), "description": o.rule.Title, "parts": []object{
			{"id": objectiveID(o.criterion, o.rule.ID), "name": "assessment-objective", "prose": o.rule.Reading,
				"props": []object{{"name": "method", "value": "EXAMINE"}, prop("rule-version", o.rule.Version)}}}})
	}
	sum, _ := b.files.digest(evidence.ScopeFile)
	scope := uuid("scope", sum)
	component, platform := b.platform()
	plan := object{
		"uuid": uuid("plan", b.key()), "metadata": b.metadata("Reading of cloud settings"), "import-ssp": object{"href": "#" + scope},
		"reviewed-controls": reviewed(list),
		"assessment-assets": object{"components": []object{component}, "assessment-platforms": []object{platform}},
		"tasks":             []object{{"uuid": uuid("task", b.key()), "type": "action", "title": "Read settings through the clouds' own interfaces and judge them by rules"}},
		"back-matter": object{"resources": []object{{"uuid": scope, "title": "Scope", "description": "What was looked at and what was left out, in place of a system security plan.",
			"rlinks": []object{{"href": "../" + evidence.ScopeFile, "media-type": "application/json", "hashes": []object{{"algorithm": "SHA-256", "value": sum}}}}}}},
	}
	if local != nil {
		plan["local-definitions"] = object{"objectives-and-methods": local}
	}
	return b.files.value(planFile, object{"assessment-plan": plan})
}

// stream writes JSON whose lists are too long for memory.
type stream struct {
	*output
	err   error
	begun bool // the list or object has a member
}

func (s *stream) text(t string) {
	if s.err == nil {
		_, s.err = s.Write([]byte(t))
	}
}

// member writes a member of an object; value nil leaves it to the caller.
func (s *stream) member(name string, value any) {
	if s.begun {
		s.text(",")
	}
	s.begun = true
	s.text(`"` + name + `":`)
	if value != nil {
		s.json(value)
	}
}

func (s *stream) json(value any) {
	data, err := ledger.Canonical(value)
	s.err = cmp.Or(s.err, err)
	s.text(string(data))
}

// list writes a member that is a list, and leaves it out when it is empty, as OSCAL wants.
func (s *stream) list(name string, fill func(add func(any)) error) {
	begun := false
	err := fill(func(v any) {
		if !begun {
			s.member(name, nil)
			s.text("[")
			begun = true
		} else {
			s.text(",")
		}
		s.json(v)
	})
	s.err = cmp.Or(s.err, err)
	if begun {
		s.text("]")
	}
}

func subject(account string, k posture.Key) string {
	return uuid("subject", account, k.Type, k.Region, k.ID)
}

func observation(r evidence.Result) string {
	return uuid("observation", r.Account, fmt.Sprint(r.Snapshots[0]), r.RuleID, r.Resource.Type, r.Resource.Region, r.Resource.ID)
}

// told reports whether a result belongs to the package's own account of things: of a day the newest snapshot, of a period those in it.
func (b *builder) told(r evidence.Result) bool {
	u := b.account(r.Account)
	return b.controlOf(r.RuleID) != "" && u.judged.Seq > 0 && r.Snapshots[0] <= u.judged.Seq && r.Snapshots[1] >= u.firstJudged
}

// maxRelated is how many observations a finding of OSCAL names.
const maxRelated = 500

func (b *builder) writeAssessment() error {
	out, err := b.files.create(resultsFile)
	if err != nil {
		return err
	}
	s := &stream{output: out}
	start, end := b.manifest.Window.First, b.manifest.Window.Last
	if b.Type == evidence.Type2 {
		start, end = b.From.UTC(), b.To.UTC()
	}
	list := b.objectives()
	component, platform := b.platform()
	s.text(`{"assessment-results":{`)
	s.member("uuid", uuid("results", b.key()))
	s.member("metadata", b.metadata("Observations of cloud settings"))
	s.member("import-ap", object{"href": "assessment-plan.json"})
	s.member("results", nil)
	s.text("[{")
	s.begun = false
	s.member("uuid", uuid("result", b.key()))
	s.member("title", "Readings of settings")
	s.member("description", "What rules say of recorded settings. A state of an objective is what its rule found; it is no conclusion about a criterion.")
	s.member("start", stampOf(start))
	s.member("end", stampOf(end))
	s.member("local-definitions", nil)
	s.text("{")
	s.begun = false
	s.list("inventory-items", b.inventory)
	s.member("assessment-assets", object{"components": []object{component}, "assessment-platforms": []object{platform}})
	s.text("}")
	s.member("reviewed-controls", reviewed(list))
	s.member("assessment-log", nil)
	s.text("{")
	s.begun = false
	s.list("entries", func(add func(any)) error {
		for _, entry := range b.logEntries() {
			add(entry)
		}
		return b.deviationEntries(add)
	})
	s.text("}")
	related := map[string][]object{}
	states := map[string]evidence.Counts{}
	s.list("observations", func(add func(any)) error { return b.observations(component["uuid"].(string), related, states, add) })
	s.list("risks", func(add func(any)) error { return b.risks(add) })
	s.list("findings", func(add func(any)) error {
		for _, o := range list {
			if f := oscalFinding(o, states[o.rule.ID], related[o.rule.ID]); f != nil {
				add(f)
			}
		}
		return nil
	})
	s.text("}]}}\n")
	return errors.Join(s.err, out.close())
}

// inventory lists the resources that observations are about, and the accounts.
func (b *builder) inventory(add func(any)) error {
	item := func(account string, k posture.Key) object {
		return object{"uuid": subject(account, k), "description": cmp.Or(k.ID, k.Type+" in "+k.Region), "props": []object{prop("account", account), prop("type", k.Type), prop("region", k.Region)}}
	}
	last := ""
	for r, err := range evidence.Rows[evidence.Resource](b.pkg, evidence.ResourcesFile) {
		if err != nil {
			return err
		}
		if id := subject(r.Account, r.Key()); id != last { // the versions of one follow each other
			add(item(r.Account, r.Key()))
			last = id
		}
	}
	seen := map[string]bool{}
	for r, err := range evidence.Rows[evidence.Result](b.pkg, evidence.ResultsFile) {
		if err != nil {
			return err
		}
		if id := subject(r.Account, r.Resource); (r.Resource.ID == "" || isAccount(r.Resource)) && !seen[id] {
			seen[id] = true
			add(item(r.Account, r.Resource))
		}
	}
	return nil
}

// logEntries are the runs, and of a period what changed and where nobody looked.
func (b *builder) logEntries() []object {
	var out []object
	for _, u := range b.accounts {
		for _, s := range u.snapshots {
			out = append(out, object{"uuid": uuid("run", s.ID()), "title": "Read " + u.name, "start": stampOf(s.Started), "end": stampOf(s.Finished),
				"props": []object{prop("snapshot", s.ID()), prop("root", s.Root), prop("use", s.Use)}})
		}
	}
	if b.period == nil {
		return out
	}
	for _, c := range b.period.Controls {
		for _, g := range c.Gaps {
			out = append(out, object{"uuid": uuid("gap", b.key(), c.ID, stampOf(g.From), stampOf(g.To), strings.Join(g.Causes, " ")), "title": "Not observed: " + c.Title, "start": stampOf(g.From), "end": stampOf(g.To),
				"props": []object{prop("gap", c.ID), prop("cause", strings.Join(g.Causes, ", ")), prop("cells", fmt.Sprint(g.Cells))}})
		}
	}
	for _, c := range b.period.Changes {
		out = append(out, object{"uuid": uuid("change", b.key(), c.Account, c.What, stampOf(c.At)), "title": "Changed: " + c.What + " of " + c.Account, "start": stampOf(c.At),
			"props": []object{prop("before", c.Before), prop("after", c.After)}})
	}
	return out
}

// deviationEntries are the deviations of a period, each from when it was first seen to when it ended.
func (b *builder) deviationEntries(add func(any)) error {
	if b.period == nil {
		return nil
	}
	for d, err := range evidence.Rows[evidence.Deviation](b.pkg, evidence.DeviationsFile) {
		if err != nil {
			return err
		}
		entry := object{"uuid": uuid("deviation", b.key(), d.Finding, stampOf(d.FirstSeen)), "title": "Deviated: " + d.Rule, "description": cmp.Or(oneLine(d.After), d.Rule), "start": stampOf(d.FirstSeen)}
		if ended := optTime(d.Ended); ended != "" {
			entry["end"] = ended
		}
		props := []object{prop("account", d.Account), prop("type", d.Resource.Type), prop("region", d.Resource.Region), prop("resource", d.Resource.ID)}
		for _, x := range deviationFacts(d) {
			if x[1] != "" { // a property has a value
				props = append(props, prop(strings.ReplaceAll(x[0], "_", "-"), x[1]))
			}
		}
		entry["props"] = props
		add(entry)
	}
	return nil
}

func (b *builder) observations(tool string, related map[string][]object, states map[string]evidence.Counts, add func(any)) error {
	sum, _ := b.files.digest(evidence.ResultsFile)
	n := 0
	for r, err := range evidence.Rows[evidence.Result](b.pkg, evidence.ResultsFile) {
		if err != nil {
			return err
		}
		n++
		if !b.told(r) {
			continue
		}
		counts := states[r.RuleID]
		counts.Add(r.Result, r.Exception != 0)
		states[r.RuleID] = counts
		id := observation(r)
		if r.Result != posture.DoesNotApply && len(related[r.RuleID]) < maxRelated && (r.Result != posture.Pass || counts.Fail+counts.Unknown == 0) {
			related[r.RuleID] = append(related[r.RuleID], object{"observation-uuid": id})
		}
		o := object{
			"uuid": id, "title": r.RuleID, "description": cmp.Or(oneLine(r.Reason), string(r.Result)), "methods": []string{"EXAMINE"}, "collected": stampOf(r.Observed),
			"props":             []object{prop("result", string(r.Result)), prop("rule", r.RuleID), prop("rule-version", r.RuleVersion), prop("line", fmt.Sprint(n))},
			"subjects":          []object{{"subject-uuid": subject(r.Account, r.Resource), "type": "inventory-item"}},
			"origins":           []object{{"actors": []object{{"type": "tool", "actor-uuid": tool}}}},
			"relevant-evidence": []object{{"href": "../" + evidence.ResultsFile, "description": "line " + fmt.Sprint(n), "props": []object{prop("sha256", sum)}}},
		}
		if r.Exception != 0 {
			o["props"] = append(o["props"].([]object), prop("exception", fmt.Sprint(r.Exception)))
		}
		if b.MaxGap > 0 {
			last := b.account(r.Account).snapshot(r.Snapshots[1])
			o["expires"] = stampOf(last.Started.Add(b.MaxGap))
		}
		add(o)
	}
	return nil
}

// oscalFinding is what a rule's results come to for an objective; nil where nothing was judged.
func oscalFinding(o objective, counts evidence.Counts, related []object) object {
	state, reason, result := "satisfied", "pass", posture.Pass
	switch {
	case counts.Fail > 0:
		state, reason, result = "not-satisfied", "fail", posture.Fail
	case counts.Unknown > 0:
		state, reason, result = "not-satisfied", "other", posture.Unknown
	case counts.Pass == 0:
		return nil
	}
	id := objectiveID(o.criterion, o.rule.ID)
	return object{
		"uuid": uuid("finding", id, fmt.Sprint(counts), fmt.Sprint(related)), "title": o.rule.Title, "description": o.rule.Reading,
		"props": []object{prop("result", string(result)), prop("pass", fmt.Sprint(counts.Pass)), prop("fail", fmt.Sprint(counts.Fail)), prop("fail-excepted", fmt.Sprint(counts.Excepted)),
			prop("unknown", fmt.Sprint(counts.Unknown)), prop("not-applicable", fmt.Sprint(counts.DoesNotApply))},
		"target":               object{"type": "objective-id", "target-id": id, "status": object{"state": state, "reason": reason}},
		"related-observations": related,
	}
}

// riskStatus is how OSCAL calls the states of findings.
func riskStatus(s finding.State) string {
	switch s {
	case finding.Open, finding.Disputed:
		return "open"
	case finding.Acknowledged:
		return "investigating"
	case finding.FixClaimed:
		return "remediating"
	case finding.ExceptionRequested:
		return "deviation-requested"
	case finding.Excepted:
		return "deviation-approved"
	}
	return "closed"
}

// risks are the findings of the controls, the ended ones too.
func (b *builder) risks(add func(any)) error {
	for f, err := range evidence.Rows[evidence.Finding](b.pkg, evidence.FindingsFile) {
		if err != nil {
			return err
		}
		if b.controlOf(f.RuleID) != "" {
			add(b.risk(f))
		}
	}
	return nil
}

func (b *builder) risk(f evidence.Finding) object {
	rule := f.RuleID
	if p, err := b.Rules.Program(f.RuleID); err == nil {
		rule = p.Title
	}
	out := object{"uuid": uuid("risk", f.ID), "title": rule, "description": cmp.Or(oneLine(f.Reason), f.RuleID), "statement": cmp.Or(b.why(f.RuleID), f.RuleID), "status": riskStatus(f.State),
		"props": []object{prop("finding", f.ID), prop("state", string(f.State)), prop("opened", stampOf(f.Opened)), prop("account", f.Account)}}
	if target := b.Targets[b.severity(f.RuleID)]; target > 0 && f.State.Active() {
		out["deadline"] = stampOf(f.Opened.Add(target))
	}
	return out
}

func (b *builder) why(ruleID string) string {
	p, err := b.Rules.Program(ruleID)
	if err != nil {
		return ""
	}
	return oneLine(p.Why)
}

// writeActions writes one item for each active finding. OSCAL knows no plan without items: there is no file then.
func (b *builder) writeActions() error {
	active := false
	for f, err := range evidence.Rows[evidence.Finding](b.pkg, evidence.FindingsFile) {
		if err != nil {
			return err
		}
		active = active || f.State.Active() && b.controlOf(f.RuleID) != ""
	}
	if !active {
		return nil
	}
	out, err := b.files.create(poamFile)
	if err != nil {
		return err
	}
	s := &stream{output: out}
	s.text(`{"plan-of-action-and-milestones":{`)
	s.member("uuid", uuid("poam", b.key()))
	s.member("metadata", b.metadata("Active findings"))
	sum, _ := b.files.digest(evidence.ScopeFile)
	s.member("system-id", object{"id": "plumbline-scope-" + sum[:16]})
	each := func(fn func(evidence.Finding)) error {
		for f, err := range evidence.Rows[evidence.Finding](b.pkg, evidence.FindingsFile) {
			if err != nil {
				return err
			}
			if f.State.Active() && b.controlOf(f.RuleID) != "" {
				fn(f)
			}
		}
		return nil
	}
	s.list("risks", func(add func(any)) error { return each(func(f evidence.Finding) { add(b.risk(f)) }) })
	s.list("poam-items", func(add func(any)) error {
		return each(func(f evidence.Finding) {
			add(object{"uuid": uuid("item", f.ID), "title": b.risk(f)["title"], "description": cmp.Or(oneLine(f.Resource.ID+": "+f.Reason), f.RuleID),
				"props": []object{prop("finding", f.ID), prop("assignee", f.Assignee), prop("reference", f.Reference)}, "related-risks": []object{{"risk-uuid": uuid("risk", f.ID)}}})
		})
	})
	s.text("}}\n")
	return errors.Join(s.err, out.close())
}
