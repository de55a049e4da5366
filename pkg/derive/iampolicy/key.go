package iampolicy

import (
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
)

// MixedDuties returns the principals of a key policy, account roots apart, that may both administer the key
// (kms:PutKeyPolicy or kms:ScheduleKeyDeletion) and use it (kms:Decrypt or kms:GenerateDataKey).
func (d Document) MixedDuties() []string {
	var mixed []string
	for _, s := range d.Statements {
		for _, p := range s.Principals {
			if s.Effect == allow && !accountRoot(p) &&
				(d.holds(p, "kms:putkeypolicy") || d.holds(p, "kms:schedulekeydeletion")) &&
				(d.holds(p, "kms:decrypt") || d.holds(p, "kms:generatedatakey")) {
				mixed = append(mixed, p)
			}
		}
	}
	return set(mixed)
}

// holds reports whether the principal is allowed the action, by name or because everyone is, and not denied it.
func (d Document) holds(principal, action string) bool {
	caller := Statement{Principals: []string{principal}}
	held := false
	for _, s := range d.Statements {
		switch {
		case !s.coversAction(action):
		case s.Effect == deny && s.unconditioned() && s.coversPrincipals(caller):
			return false
		case s.Effect == allow:
			held = held || slices.Contains(s.Principals, principal) || s.unconditioned() && s.public() &&
				!slices.Contains(s.NotPrincipals, principal)
		}
	}
	return held
}

// Enclave says how a key policy binds the key to measured Nitro enclaves.
type Enclave struct {
	UnattestedAllows int  // Allow statements over key use that require no measurement, the account's delegation apart
	BypassPaths      int  // the same and the delegation, unless Deny statements require attestation
	DeploymentBound  bool // every Allow over key use, the delegation apart, also fixes role, instance, signer, account or organization

	PCRValues map[string]string // "PCR0" to comma-joined, sorted lower-case hex; ImageSha384 is PCR0
}

const attestation = "kms:recipientattestation:"

// UsesAttestation reports whether a condition of the policy looks at a kms:RecipientAttestation key.
func (d Document) UsesAttestation() bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return slices.ContainsFunc(s.conditions(), func(c condition) bool { return measurement(c.key) != "" })
	})
}

// Enclave analyses a key policy. The delegation is an Allow to the root of the account own, which owns the key.
func (d Document) Enclave(own string) Enclave {
	result := Enclave{DeploymentBound: true, PCRValues: map[string]string{}}
	for _, s := range d.Statements {
		use := s.keyUse()
		if s.Effect != allow || len(use) == 0 {
			continue
		}
		delegation := s.delegates(own)
		if !s.attested() {
			if !delegation {
				result.UnattestedAllows++
			}
			if !d.eachDenied(s, use, func(no Statement) bool { return no.coversPrincipals(s) && no.requiresAttestation() }) {
				result.BypassPaths++
			}
		}
		if !delegation && !s.deploymentBound() {
			result.DeploymentBound = false
		}
	}
	for pcr, values := range d.measurements() {
		result.PCRValues[pcr] = strings.Join(values, ",")
	}
	return result
}

// PCRMismatches counts the measurements the policy refers to that are not approved for their PCR. PCRs without an
// approved list are not counted. Values may be hex or base64.
func (d Document) PCRMismatches(approved map[string][]string) int {
	allowed := map[string][]string{}
	for name, values := range approved {
		pcr := measurement(attestation + strings.ToLower(name))
		for _, v := range values {
			allowed[pcr] = append(allowed[pcr], digest(v))
		}
	}
	count := 0
	for pcr, values := range d.measurements() {
		for _, v := range values {
			if list := allowed[pcr]; len(list) > 0 && !slices.Contains(list, v) {
				count++
			}
		}
	}
	return count
}

// keyUse returns the attestable uses of the key which the statement covers.
func (s Statement) keyUse() []string {
	uses := []string{"kms:decrypt", "kms:derivesharedsecret", "kms:generatedatakey", "kms:generatedatakeypair",
		"kms:generaterandom"}
	return slices.DeleteFunc(uses, func(action string) bool { return !s.coversAction(action) })
}

func (s Statement) delegates(own string) bool {
	return len(s.Principals) > 0 && !slices.ContainsFunc(s.Principals, func(p string) bool {
		return !accountRoot(p) || principalAccount(p) != own
	})
}

// attested reports whether a string-equality condition fixes the image or a PCR.
func (s Statement) attested() bool { return s.measures(func(string) bool { return true }) }

func (s Statement) deploymentBound() bool {
	return s.fixes("aws:PrincipalAccount", "aws:SourceAccount", "aws:PrincipalOrgID") ||
		s.measures(func(pcr string) bool { return pcr == "PCR3" || pcr == "PCR4" || pcr == "PCR8" })
}

func (s Statement) measures(wanted func(pcr string) bool) bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		pcr := measurement(c.key)
		equality := c.operator == "stringequals" || c.operator == "stringequalsignorecase"
		return pcr != "" && wanted(pcr) && equality && !c.wild() && c.fixes([]string{c.key})
	})
}

// requiresAttestation reports whether a Deny applies to every request without a measurement or with a wrong one.
func (s Statement) requiresAttestation() bool {
	return !slices.ContainsFunc(s.conditions(), func(c condition) bool {
		if measurement(c.key) == "" {
			return true
		}
		return !(c.operator == "null" && c.all("true")) && (c.wild() || !c.spares([]string{c.key}))
	})
}

func (c condition) wild() bool {
	return slices.ContainsFunc(c.values, func(v string) bool { return strings.ContainsAny(v, "*?") })
}

// measurement returns the PCR a lower-cased condition key stands for, "" for other keys. The image's digest is PCR0.
func measurement(key string) string {
	name, found := strings.CutPrefix(key, attestation)
	switch {
	case !found:
		return ""
	case name == "imagesha384":
		return "PCR0"
	}
	return strings.ToUpper(name)
}

// measurements returns, by PCR, the sorted values all statements refer to, as lower-case hex.
func (d Document) measurements() map[string][]string {
	values := map[string][]string{}
	for _, s := range d.Statements {
		for _, c := range s.conditions() {
			pcr := measurement(c.key)
			if pcr == "" || c.operator == "null" {
				continue
			}
			for _, v := range c.values {
				values[pcr] = append(values[pcr], digest(v))
			}
			values[pcr] = set(values[pcr])
		}
	}
	return values
}

// digest returns a SHA-384 value, written as hex or base64, as lower-case hex; other text lower-cased.
func digest(value string) string {
	const size = 48
	if raw, err := hex.DecodeString(value); err == nil && len(raw) == size {
		return hex.EncodeToString(raw)
	}
	if raw, err := base64.StdEncoding.DecodeString(value); err == nil && len(raw) == size {
		return hex.EncodeToString(raw)
	}
	return strings.ToLower(value)
}
