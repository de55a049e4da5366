# The role that Plumbline reads as: in the account where this is applied and, with organizational_unit_ids, in every account below
# them, today's and tomorrow's. Apply it in the management account to read an organization.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 6.0"
    }
  }
}

variable "trusted_principals" {
  description = "ARNs of the roles or users that may assume the role in this account."
  type        = list(string)
  default     = []
}

variable "kubernetes" {
  description = "The service account that may assume the role, where Plumbline runs in an EKS cluster with an IAM OIDC provider."
  type = object({
    oidc_provider_arn = string
    namespace         = string
    service_account   = string
  })
  default = null
}

variable "external_id" {
  description = "Asked for when trusted_principals assume the role, and in every member account. Empty: none."
  type        = string
  default     = ""
}

variable "organizational_unit_ids" {
  description = "Roots or organizational units whose accounts get the role through a StackSet. Empty: this account alone."
  type        = list(string)
  default     = []
}

variable "role_name" {
  type    = string
  default = "plumbline-read"
}

variable "role_path" {
  type    = string
  default = "/audit/"
  validation {
    condition     = startswith(var.role_path, "/") && endswith(var.role_path, "/")
    error_message = "A path begins and ends with a slash."
  }
}

variable "stack_region" {
  description = "Region of the StackSet's stacks. IAM is global, so one is enough."
  type        = string
  default     = "us-east-1"
}

data "aws_partition" "current" {}

locals {
  external_id_condition = var.external_id == "" ? {} : { StringEquals = { "sts:ExternalId" = var.external_id } }
  issuer                = var.kubernetes == null ? "" : split("oidc-provider/", var.kubernetes.oidc_provider_arn)[1]

  trust = concat(
    length(var.trusted_principals) == 0 ? [] : [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { AWS = var.trusted_principals }
      Condition = local.external_id_condition
    }],
    var.kubernetes == null ? [] : [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.kubernetes.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "${local.issuer}:aud" = "sts.amazonaws.com"
          "${local.issuer}:sub" = "system:serviceaccount:${var.kubernetes.namespace}:${var.kubernetes.service_account}"
        }
      }
    }],
  )

  policies = [for actions in local.actions : {
    Version   = "2012-10-17"
    Statement = [{ Sid = "PlumblineRead", Effect = "Allow", Action = actions, Resource = "*" }]
  }]
}

resource "aws_iam_role" "plumbline" {
  name                 = var.role_name
  path                 = var.role_path
  description          = "What a scan by Plumbline reads, and nothing else."
  max_session_duration = 14400
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = local.trust })

  lifecycle {
    precondition {
      condition     = length(local.trust) > 0
      error_message = "Nobody could assume the role: set trusted_principals or kubernetes."
    }
  }
}

resource "aws_iam_policy" "read" {
  count  = length(local.policies)
  name   = "${var.role_name}-${count.index}"
  path   = var.role_path
  policy = jsonencode(local.policies[count.index])
}

resource "aws_iam_role_policy_attachment" "read" {
  count      = length(local.policies)
  role       = aws_iam_role.plumbline.name
  policy_arn = aws_iam_policy.read[count.index].arn
}

# From here on: the members of an organization.

resource "aws_iam_role_policy" "assume_members" {
  count = length(var.organizational_unit_ids) > 0 ? 1 : 0
  name  = "assume-members"
  role  = aws_iam_role.plumbline.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid      = "AssumeMembers"
      Effect   = "Allow"
      Action   = "sts:AssumeRole"
      Resource = "arn:${data.aws_partition.current.partition}:iam::*:role${var.role_path}${var.role_name}"
    }]
  })
}

resource "aws_cloudformation_stack_set" "members" {
  count            = length(var.organizational_unit_ids) > 0 ? 1 : 0
  name             = var.role_name
  description      = "The role that Plumbline reads as."
  permission_model = "SERVICE_MANAGED"
  capabilities     = ["CAPABILITY_NAMED_IAM"]

  auto_deployment {
    enabled                          = true
    retain_stacks_on_account_removal = false
  }

  operation_preferences {
    max_concurrent_percentage    = 25
    failure_tolerance_percentage = 10
  }

  template_body = jsonencode({
    Resources = merge(
      {
        Role = {
          Type = "AWS::IAM::Role"
          Properties = {
            RoleName           = var.role_name
            Path               = var.role_path
            MaxSessionDuration = 14400
            ManagedPolicyArns  = [for i, _ in local.policies : { Ref = "Policy${i}" }]
            AssumeRolePolicyDocument = {
              Version = "2012-10-17"
              Statement = [{
                Effect    = "Allow"
                Action    = "sts:AssumeRole"
                Principal = { AWS = aws_iam_role.plumbline.arn }
                Condition = local.external_id_condition
              }]
            }
          }
        }
      },
      { for i, policy in local.policies : "Policy${i}" => {
        Type       = "AWS::IAM::ManagedPolicy"
        Properties = { Path = var.role_path, PolicyDocument = policy }
      } },
    )
  })

  lifecycle {
    ignore_changes = [administration_role_arn] # set by the service for SERVICE_MANAGED
  }
}

resource "aws_cloudformation_stack_instances" "members" {
  count          = length(var.organizational_unit_ids) > 0 ? 1 : 0
  stack_set_name = aws_cloudformation_stack_set.members[0].name
  regions        = [var.stack_region]

  deployment_targets {
    organizational_unit_ids = var.organizational_unit_ids
  }
}

output "role_arn" {
  description = "For plumbline scan --role-arn, and for the service account of the chart."
  value       = aws_iam_role.plumbline.arn
}

output "member_role" {
  description = "For plumbline scan --member-role, and for connections.aws.role."
  value       = "${trimprefix(var.role_path, "/")}${var.role_name}"
}
