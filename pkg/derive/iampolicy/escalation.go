package iampolicy

import (
	"slices"
	"strings"
)

// escalation is a way from the listed actions, held together, to permissions that were not granted.
type escalation struct {
	name    string
	actions []string
}

// escalations lists the known ways. Sources: the published research on IAM privilege escalation (changing one's own
// policies, credentials of others, PassRole with a service that runs code, code of a service that already has a role).
func escalations() []escalation {
	return []escalation{
		{"add-user-to-group", []string{"iam:addusertogroup"}},
		{"assume-any-role", []string{"sts:assumerole"}},
		{"attach-group-policy", []string{"iam:attachgrouppolicy"}},
		{"attach-role-policy", []string{"iam:attachrolepolicy"}},
		{"attach-user-policy", []string{"iam:attachuserpolicy"}},
		{"create-access-key", []string{"iam:createaccesskey"}},
		{"create-login-profile", []string{"iam:createloginprofile"}},
		{"create-policy-version", []string{"iam:createpolicyversion"}},
		{"delete-role-boundary", []string{"iam:deleterolepermissionsboundary"}},
		{"delete-user-boundary", []string{"iam:deleteuserpermissionsboundary"}},
		{"put-group-policy", []string{"iam:putgrouppolicy"}},
		{"put-role-policy", []string{"iam:putrolepolicy"}},
		{"put-user-policy", []string{"iam:putuserpolicy"}},
		{"set-default-policy-version", []string{"iam:setdefaultpolicyversion"}},
		{"update-login-profile", []string{"iam:updateloginprofile"}},
		{"update-role-trust", []string{"iam:updateassumerolepolicy"}},

		{"pass-role-and-auto-scaling", []string{"iam:passrole", "ec2:createlaunchtemplate", "autoscaling:createautoscalinggroup"}},
		{"pass-role-and-batch", []string{"iam:passrole", "batch:registerjobdefinition", "batch:submitjob"}},
		{"pass-role-and-cloudformation", []string{"iam:passrole", "cloudformation:createstack"}},
		{"pass-role-and-codebuild", []string{"iam:passrole", "codebuild:createproject", "codebuild:startbuild"}},
		{"pass-role-and-data-pipeline", []string{"iam:passrole", "datapipeline:createpipeline", "datapipeline:putpipelinedefinition", "datapipeline:activatepipeline"}},
		{"pass-role-and-ec2", []string{"iam:passrole", "ec2:runinstances"}},
		{"pass-role-and-ec2-profile", []string{"iam:passrole", "ec2:associateiaminstanceprofile"}},
		{"pass-role-and-ecs", []string{"iam:passrole", "ecs:registertaskdefinition", "ecs:runtask"}},
		{"pass-role-and-ecs-service", []string{"iam:passrole", "ecs:registertaskdefinition", "ecs:createservice"}},
		{"pass-role-and-emr", []string{"iam:passrole", "elasticmapreduce:runjobflow"}},
		{"pass-role-and-glue-endpoint", []string{"iam:passrole", "glue:createdevendpoint"}},
		{"pass-role-and-glue-job", []string{"iam:passrole", "glue:createjob", "glue:startjobrun"}},
		{"pass-role-and-glue-job-update", []string{"iam:passrole", "glue:updatejob", "glue:startjobrun"}},
		{"pass-role-and-glue-trigger", []string{"iam:passrole", "glue:createjob", "glue:createtrigger"}},
		{"pass-role-and-lambda", []string{"iam:passrole", "lambda:createfunction", "lambda:invokefunction"}},
		{"pass-role-and-lambda-permission", []string{"iam:passrole", "lambda:createfunction", "lambda:addpermission"}},
		{"pass-role-and-lambda-source", []string{"iam:passrole", "lambda:createfunction", "lambda:createeventsourcemapping"}},
		{"pass-role-and-lambda-url", []string{"iam:passrole", "lambda:createfunction", "lambda:createfunctionurlconfig"}},
		{"pass-role-and-sagemaker-notebook", []string{"iam:passrole", "sagemaker:createnotebookinstance", "sagemaker:createpresignednotebookinstanceurl"}},
		{"pass-role-and-sagemaker-processing", []string{"iam:passrole", "sagemaker:createprocessingjob"}},
		{"pass-role-and-sagemaker-training", []string{"iam:passrole", "sagemaker:createtrainingjob"}},
		{"pass-role-and-ssm-automation", []string{"iam:passrole", "ssm:startautomationexecution"}},
		{"pass-role-and-step-functions", []string{"iam:passrole", "states:createstatemachine", "states:startexecution"}},

		{"glue-endpoint-key", []string{"glue:updatedevendpoint"}},
		{"instance-connect", []string{"ec2-instance-connect:sendsshpublickey"}},
		{"lambda-code", []string{"lambda:updatefunctioncode"}},
		{"lambda-layer", []string{"lambda:updatefunctionconfiguration"}},
		{"sagemaker-notebook-url", []string{"sagemaker:createpresignednotebookinstanceurl"}},
		{"ssm-command", []string{"ssm:sendcommand"}},
		{"ssm-session", []string{"ssm:startsession"}},
		{"identity-center-assignment", []string{"sso:createaccountassignment"}},
		{"identity-center-inline-policy", []string{"sso:putinlinepolicytopermissionset"}},
	}
}

// PrivilegeEscalationPaths returns the names of the escalations whose actions the document grants together: by Allow
// statements without a limiting condition, on resources not narrowed down to some name, minus what its own
// unconditioned Deny statements take back.
func (d Document) PrivilegeEscalationPaths() []string {
	var paths []string
	for _, e := range escalations() {
		if !slices.ContainsFunc(e.actions, func(action string) bool { return !d.grantsAtLarge(action) }) {
			paths = append(paths, e.name)
		}
	}
	return set(paths)
}

func (d Document) grantsAtLarge(action string) bool {
	granted := false
	for _, s := range d.Statements {
		if !s.coversAction(action) || !s.unconditioned() {
			continue
		}
		resource := arbitrary(action)
		if s.Effect == deny && s.bars(resource) {
			return false
		}
		granted = granted || s.Effect == allow && s.reaches(resource)
	}
	return granted
}

// arbitrary returns a pattern for a resource of the kind the action works on, with a name that nobody gave on purpose:
// only a wildcard in place of the name meets it.
func arbitrary(action string) string {
	return "arn:*:" + resourceKind(action) + "\x00any"
}

// resourceKind returns the ARN, up to the name, of the resources which the action of an escalation works on.
func resourceKind(action string) string {
	service, call, _ := strings.Cut(action, ":")
	names := func(parts ...string) bool {
		return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(call, p) })
	}
	switch {
	case service == "sts", service == "iam" && names("role"):
		return "iam::*:role/"
	case service == "iam" && names("policyversion"):
		return "iam::*:policy/"
	case service == "iam" && names("group"):
		return "iam::*:group/"
	case service == "iam":
		return "iam::*:user/"
	case service == "ec2" && names("launchtemplate"):
		return "ec2:*:*:launch-template/"
	case service == "ec2", service == "ec2-instance-connect", names("sendcommand", "startsession"):
		return "ec2:*:*:instance/"
	case service == "glue" && names("endpoint"):
		return "glue:*:*:devEndpoint/"
	case service == "glue" && names("trigger"):
		return "glue:*:*:trigger/"
	case service == "ecs" && names("service"):
		return "ecs:*:*:service/"
	case service == "sagemaker" && names("notebook"):
		return "sagemaker:*:*:notebook-instance/"
	case service == "sagemaker" && names("processing"):
		return "sagemaker:*:*:processing-job/"
	}
	kind := map[string]string{
		"autoscaling": "autoScalingGroup:", "batch": "job-definition/", "cloudformation": "stack/", "codebuild": "project/",
		"datapipeline": "pipeline/", "ecs": "task-definition/", "elasticmapreduce": "cluster/", "glue": "job/",
		"lambda": "function:", "sagemaker": "training-job/", "ssm": "automation-definition/", "sso": "instance/",
		"states": "stateMachine:",
	}[service]
	return service + ":*:*:" + kind
}

func (s Statement) reaches(resource string) bool {
	meets := func(pattern string) bool { return meetsARN(pattern, resource) }
	if len(s.NotResources) > 0 {
		return !slices.ContainsFunc(s.NotResources, meets)
	}
	return len(s.Resources) == 0 || slices.ContainsFunc(s.Resources, meets)
}

// meetsARN is intersects for two ARNs, part by part.
func meetsARN(pattern, arn string) bool {
	a, b := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(a) < len(b) {
		return intersects(pattern, arn)
	}
	for i := range b {
		if !intersects(a[i], b[i]) {
			return false
		}
	}
	return true
}

// bars is coversResource, where a Deny that names its own account or partition counts for all: the policy holds in no other.
func (s Statement) bars(resource string) bool {
	relaxed := s
	relaxed.Resources = nil
	for _, r := range s.Resources {
		if parts := strings.SplitN(r, ":", 6); len(parts) == 6 && parts[0] == "arn" {
			parts[1] = "*"
			if accountID.MatchString(parts[4]) {
				parts[4] = "*"
			}
			r = strings.Join(parts, ":")
		}
		relaxed.Resources = append(relaxed.Resources, r)
	}
	return relaxed.coversResource(resource)
}
