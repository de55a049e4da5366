package audit

// seeds are what auditors commonly ask for, with what this tool has for it and what people have to add.
var seeds = []Request{
	{Title: "Cloud accounts in scope", Asks: "Every account, project and subscription, which of them the audit looks at, and why others are left out.",
		Answer: "scope.json; reconciliation.json for what the organization or tenant itself lists"},
	{Title: "People, service identities and administrators", Asks: "Everyone and everything that can act in the accounts, with roles and with grants that give wide rights, and by which path they are inherited.",
		Answer: "populations of identities and role assignments, with the calls that listed them in calls.jsonl"},
	{Title: "Sign-in protection", Asks: "Whether sign-in takes several factors, what passwords have to be like, and how the root or first administrator is protected.",
		Answer: "results.jsonl of controls identity-mfa, identity-password-policy and identity-root-protected, with the values read"},
	{Title: "Joiners, leavers and changes of role", Asks: "Which identities came, went or got other rights in the period.",
		Answer: "populations of identities and grants of the snapshots at both ends of the period; people attach the list of the personnel department to compare with"},
	{Title: "Access reviews", Asks: "That rights were gone through, by whom, and what was taken away afterwards.",
		Answer: "populations of identities and grants as a worksheet; people attach the signed review; the populations of later snapshots show what was removed since"},
	{Title: "Networks and what is exposed", Asks: "Firewall rules, how networks are laid out, what can be reached from outside, and how production is kept apart.",
		Answer: "populations of networks and their rules, results of the network controls, scope.json for how accounts are split"},
	{Title: "Encryption and keys", Asks: "How each store is encrypted, how data travels, and how keys are rotated.",
		Answer: "results.jsonl of the encryption and kms controls, store by store"},
	{Title: "Logs and alerts", Asks: "That logs are written, how long they stay, who could change them, and where alerts go.",
		Answer: "results.jsonl of the logging and monitoring controls; deviations say when alerts were sent and acknowledged"},
	{Title: "Vulnerabilities and threats", Asks: "That scanning and threat detection are in use, and how old what they found is.",
		Answer: "results.jsonl of monitoring-vulnerability-scanning and monitoring-threat-detection; findings.jsonl with ages; people attach how tickets were closed"},
	{Title: "Changes to the infrastructure", Asks: "All changes of settings in the period, who made them, and whether by a pipeline or by hand.",
		Answer: "deviations with actors as far as the clouds' logs tell; people attach the list of changes and the tickets of a sample"},
	{Title: "Backups, recovery and capacity", Asks: "What is backed up, the newest points to return to, the last restore that was tried, and how capacity follows load.",
		Answer: "results.jsonl of the availability controls; people attach the record of the restore"},
	{Title: "Vendors with access", Asks: "Which third parties can act in the accounts, and what their own reports say.",
		Answer: "results.jsonl of identity-no-public-trust and identity-vendor-access-approval; people attach the reports and who read them"},
	{Title: "Incidents and exceptions", Asks: "Incidents of the period, or that there were none, and every failing result that was accepted, by whom and until when.",
		Answer: "exceptions.jsonl and findings.jsonl; people attach the register of incidents"},
	{Title: "The monitoring tool and who runs it", Asks: "How this tool works, which rules it judged by, what changed in it, and who administers it.",
		Answer: "rules/, snapshots.jsonl, period.json for changes of tool and rules, auditlog.jsonl, the roles in scope.json"},
	{Title: "Policies, training, people, premises and governance", Asks: "What is decided and done outside the cloud.",
		Answer: "people attach it to the slots of the controls; manual/index.jsonl"},
}

// Seeds are the requests that every audit begins with.
func Seeds() []Request {
	out := make([]Request, len(seeds))
	for i, r := range seeds {
		r.N, r.State, r.Steps = i+1, Open, []Step{}
		out[i] = r
	}
	return out
}
