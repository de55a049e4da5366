package pack

import (
	"cmp"
	"context"

	"github.com/plumbline-dev/plumbline/pkg/evidence"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// ocsfVersion is the release of the Open Cybersecurity Schema Framework whose compliance findings are written.
const ocsfVersion = "1.5.0"

// writeOCSF writes each result as a compliance finding, class 2003: a status of a rule on a resource, no conclusion about a criterion.
func (b *builder) writeOCSF(context.Context) error {
	severities := map[string]int{"critical": 5, "high": 4, "medium": 3, "low": 2}
	states := map[posture.Result]struct {
		id   int
		name string
	}{posture.Pass: {1, "Pass"}, posture.Fail: {3, "Fail"}, posture.Unknown: {0, "Unknown"}, posture.DoesNotApply: {99, "Other"}}
	criteria := map[string][]string{}
	for _, c := range b.reports {
		for _, l := range c.Criteria {
			criteria[c.ID] = append(criteria[c.ID], l.ID)
		}
	}
	fixes, titles := map[string]string{}, map[string]string{}
	for _, p := range b.Rules.Programs {
		fixes[p.ID], titles[p.ID] = oneLine(p.Fix), p.Title
	}
	return b.files.lines("ocsf/compliance-findings.jsonl", func(row func(any) error) error {
		for r, err := range evidence.Rows[evidence.Result](b.pkg, evidence.ResultsFile) {
			if err != nil {
				return err
			}
			if !b.told(r) {
				continue
			}
			control, status := b.controlOf(r.RuleID), states[r.Result]
			provider := b.account(r.Account).snapshots[0].Account
			finding := object{
				"activity_id": 1, "activity_name": "Create", "category_uid": 2, "category_name": "Findings", "class_uid": 2003, "class_name": "Compliance Finding", "type_uid": 200301,
				"time": r.Observed.UnixMilli(), "severity_id": severities[b.severity(r.RuleID)],
				"metadata":     object{"version": ocsfVersion, "product": object{"name": "Plumbline", "vendor_name": "Plumbline", "version": cmp.Or(b.Tool, "dev")}, "uid": observation(r), "profiles": []string{"cloud"}},
				"finding_info": object{"uid": cmp.Or(r.Finding, observation(r)), "title": cmp.Or(titles[r.RuleID], r.RuleID), "desc": r.Reason, "types": []string{string(r.Result)}, "first_seen_time": r.Observed.UnixMilli()},
				"compliance":   object{"control": control, "standards": []string{"SOC 2"}, "requirements": criteria[control], "status_id": status.id, "status": status.name, "desc": r.RuleID},
				"resources":    []object{{"uid": cmp.Or(r.Resource.ID, r.Resource.Region), "type": r.Resource.Type, "region": r.Resource.Region}},
				"cloud":        object{"provider": provider.Provider, "account": object{"uid": provider.ID, "name": provider.Name}, "region": r.Resource.Region},
				"message":      r.Reason,
				"unmapped":     object{"result": r.Result, "rule_version": r.RuleVersion, "snapshot": r.Snapshots[0], "exception_id": r.Exception},
			}
			if fix := fixes[r.RuleID]; fix != "" {
				finding["remediation"] = object{"desc": fix}
			}
			if err := row(finding); err != nil {
				return err
			}
		}
		return nil
	})
}
