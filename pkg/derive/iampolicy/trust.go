package iampolicy

import (
	"regexp"
	"slices"
	"strings"
)

// TrustPublic reports whether anyone may assume the role: see PublicWithin and TrustLimits.
func (d Document) TrustPublic() bool { return d.PublicWithin(TrustLimits()...) }

// ExternalAccounts returns the account ids in AWS principals of Allow statements other than own and the trusted ones
// (the organization's and the deployment's). "*" names no account: see PublicWithin.
func (d Document) ExternalAccounts(own string, trusted []string) []string {
	var accounts []string
	for _, s := range d.Statements {
		if s.Effect == allow {
			accounts = append(accounts, s.externalAccounts(own, trusted)...)
		}
	}
	return set(accounts)
}

func (s Statement) externalAccounts(own string, trusted []string) []string {
	var accounts []string
	for _, p := range s.Principals {
		if account := principalAccount(p); account != "" && account != own && !slices.Contains(trusted, account) {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

// ExternalTrustConditioned reports whether every Allow that trusts an external account requires sts:ExternalId,
// aws:PrincipalOrgID or MFA. True where no external account is trusted.
func (d Document) ExternalTrustConditioned(own string, trusted []string) bool {
	return !slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return s.Effect == allow && len(s.externalAccounts(own, trusted)) > 0 &&
			!s.fixes("sts:ExternalId", "aws:PrincipalOrgID") && !s.requiresMFA()
	})
}

// requiresMFA: the age of the sign-in is only known after MFA, so that a bound on it, or its presence, requires MFA.
func (s Statement) requiresMFA() bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		switch {
		case c.ifExists || c.quantifier == "forallvalues":
			return false
		case c.key == "aws:multifactorauthpresent":
			return c.operator == "bool" && c.all("true")
		case c.key == "aws:multifactorauthage":
			return strings.HasPrefix(c.operator, "numericless") || c.operator == "null" && c.all("false")
		}
		return false
	})
}

// FederatedSubjectOpen reports whether a CI provider's tokens are accepted whatever their subject: an Allow of
// sts:AssumeRoleWithWebIdentity without a condition on the provider's sub claim, or with one that fixes nobody. For a
// provider which many organizations share, the organization must be spelled out; for a provider of one's own any text
// beyond wildcards will do.
func (d Document) FederatedSubjectOpen() bool {
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		if s.Effect != allow || !s.coversAction("sts:assumerolewithwebidentity") {
			return false
		}
		return slices.ContainsFunc(s.Principals, func(p string) bool {
			issuer, shared, isCI := ciProvider(p)
			return isCI && !s.fixesSubject(issuer+":sub", shared)
		})
	})
}

func (s Statement) fixesSubject(key string, shared bool) bool {
	return slices.ContainsFunc(s.conditions(), func(c condition) bool {
		switch c.operator {
		case "stringequals", "stringequalsignorecase", "stringlike":
			return c.key == key && !c.ifExists && c.quantifier != "forallvalues" &&
				!slices.ContainsFunc(c.values, func(v string) bool { return openSubject(v, shared) })
		}
		return false
	})
}

// namedOwner: a label, then an organization's name up to its end, as in repo:example/ or organization:example:.
var namedOwner = regexp.MustCompile(`^[^:/]+[:/]+[^:/]+[:/]`)

func openSubject(subject string, shared bool) bool {
	wildcard := strings.IndexAny(subject, "*?")
	switch {
	case subject == "" || policyVariable.MatchString(subject):
		return true
	case wildcard < 0:
		return false
	case shared:
		return !namedOwner.MatchString(subject[:wildcard])
	}
	return strings.Trim(subject, "*?:/") == ""
}

// ciProvider returns the issuer, lower-cased, of a principal that is a CI system's identity provider, and whether
// the issuer serves more than one organization.
func ciProvider(principal string) (issuer string, shared, isCI bool) {
	name, isFederated := strings.CutPrefix(principal, "Federated:")
	if !isFederated {
		return "", false, false
	}
	if _, after, found := strings.Cut(name, ":oidc-provider/"); found {
		name = after
	}
	issuer = strings.ToLower(name)
	switch issuer {
	case "token.actions.githubusercontent.com", "gitlab.com", "app.terraform.io", "agent.buildkite.com",
		"api.pulumi.com/oidc", "oidc.codefresh.io", "app.env0.com", "login.app.env0.com":
		return issuer, true, true
	}
	host, _, _ := strings.Cut(issuer, "/")
	switch host {
	case "token.actions.githubusercontent.com", "oidc.circleci.com", "api.bitbucket.org", "vstoken.dev.azure.com",
		"oidc.vercel.com", "app.harness.io":
		return issuer, false, true
	}
	own := strings.HasPrefix(host, "gitlab.") || strings.HasSuffix(host, ".ghe.com") ||
		strings.HasSuffix(host, ".app.spacelift.io") || strings.HasSuffix(host, ".semaphoreci.com")
	return issuer, false, own
}

// ServiceRole reports whether every trusted principal is an AWS service, and there is one.
func (d Document) ServiceRole() bool {
	found := false
	for _, s := range d.Statements {
		if s.Effect != allow {
			continue
		}
		if len(s.NotPrincipals) > 0 {
			return false
		}
		for _, p := range s.Principals {
			if !strings.HasPrefix(p, "Service:") {
				return false
			}
			found = true
		}
	}
	return found
}

// ConfusedDeputyExposed reports whether an Allow trusts an AWS service that can act for other customers without fixing
// aws:SourceAccount, aws:SourceArn, aws:SourceOrgID or aws:SourceOrgPaths.
func (d Document) ConfusedDeputyExposed() bool {
	keys := []string{"aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"}
	return slices.ContainsFunc(d.Statements, func(s Statement) bool {
		return s.Effect == allow && slices.ContainsFunc(s.Principals, deputy) && !s.fixes(keys...) &&
			!d.eachDenied(s, s.actionsWithin("*"), func(no Statement) bool {
				return no.coversPrincipals(s) && no.sparesOnly(keys)
			})
	})
}

var region = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]$`)

// deputy reports whether the principal is a service whose guide asks for a source condition in the trust policies of
// its roles. Services that only ever run under a role passed within the account (EC2, Lambda) are not among them.
func deputy(principal string) bool {
	name, isService := strings.CutPrefix(principal, "Service:")
	if !isService {
		return false
	}
	name = strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(name), ".cn"), ".amazonaws.com")
	labels := slices.DeleteFunc(strings.Split(name, "."), region.MatchString)
	switch strings.Join(labels, ".") {
	case "access-analyzer", "airflow", "airflow-env", "amplify", "apigateway", "appflow", "appsync", "aps",
		"auditmanager", "backup", "batch", "batchoperations.s3", "bedrock", "bedrock-agentcore", "braket",
		"build.apprunner", "cassandra.application-autoscaling", "cloudtrail", "codebuild", "codepipeline", "cognito-idp",
		"comprehend", "config", "connect", "controltower", "databrew", "datasync", "delivery.logs", "dlm", "dms",
		"drs", "ecs", "ecs-tasks", "elasticmapreduce", "emr-serverless", "entityresolution", "events",
		"export.rds", "finspace", "firehose", "fis", "forecast", "frauddetector", "glue", "grafana", "guardduty",
		"healthlake", "imagebuilder", "inspector2", "internetmonitor", "iot", "iotevents", "iotsitewise", "ivs",
		"kafkaconnect", "kendra", "kinesisanalytics", "lakeformation", "lex", "lexv2", "location", "logs", "lookoutmetrics",
		"m2", "macie", "malware-protection-plan.guardduty", "mediaconvert", "medialive", "mgn", "monitoring.rds",
		"omics", "osis-pipelines", "personalize", "pipes", "polly", "proton", "qbusiness", "quicksight", "redshift",
		"redshift-serverless", "rekognition", "resiliencehub", "s3", "sagemaker", "scheduler", "securitylake", "ses",
		"sms-voice", "sns", "ssm", "ssm-incidents", "states", "storagegateway", "synthetics", "tasks.apprunner", "textract",
		"timestream", "transcribe", "transfer", "translate", "vpc-flow-logs", "wisdom", "workmail":
		return true
	}
	return false
}
