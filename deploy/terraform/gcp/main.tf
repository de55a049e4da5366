# A custom role on the organization, which reaches every folder and project below it, and the service account that holds it.

terraform {
  required_version = ">= 1.5"
  required_providers {
    google = {
      source  = "hashicorp/google"
      version = ">= 6.0"
    }
  }
}

variable "organization_id" {
  description = "Number of the organization."
  type        = string
}

variable "project_id" {
  description = "The project that the service account lives in and whose quota counts."
  type        = string
}

variable "service_account_id" {
  type    = string
  default = "plumbline"
}

variable "impersonators" {
  description = "Members that may act as the service account, such as group:audit@example.com."
  type        = list(string)
  default     = []
}

variable "kubernetes" {
  description = "The service account of a GKE cluster with workload identity that Plumbline runs as. The pool is that of the cluster's project."
  type = object({
    workload_pool   = string
    namespace       = string
    service_account = string
  })
  default = null
}

locals {
  # APIs that belong to the caller: they have to be on here, whatever is on in the projects that are read.
  apis = ["accessapproval", "cloudasset", "cloudresourcemanager", "essentialcontacts", "iam", "iamcredentials", "orgpolicy", "policyanalyzer", "securitycenter", "serviceusage"]
}

resource "google_project_service" "caller" {
  for_each           = toset(local.apis)
  project            = var.project_id
  service            = "${each.value}.googleapis.com"
  disable_on_destroy = false
}

resource "google_service_account" "plumbline" {
  project      = var.project_id
  account_id   = var.service_account_id
  display_name = "Plumbline"
}

resource "google_organization_iam_custom_role" "plumbline" {
  org_id      = var.organization_id
  role_id     = "plumblineRead"
  title       = "Plumbline read"
  description = "What a scan by Plumbline reads, and nothing else."
  permissions = local.permissions
}

resource "google_organization_iam_member" "plumbline" {
  org_id = var.organization_id
  role   = google_organization_iam_custom_role.plumbline.name
  member = google_service_account.plumbline.member
}

resource "google_project_iam_member" "quota" {
  project = var.project_id
  role    = "roles/serviceusage.serviceUsageConsumer"
  member  = google_service_account.plumbline.member
}

resource "google_service_account_iam_member" "impersonators" {
  for_each           = toset(var.impersonators)
  service_account_id = google_service_account.plumbline.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.value
}

resource "google_service_account_iam_member" "kubernetes" {
  count              = var.kubernetes == null ? 0 : 1
  service_account_id = google_service_account.plumbline.name
  role               = "roles/iam.workloadIdentityUser"
  member             = "serviceAccount:${var.kubernetes.workload_pool}[${var.kubernetes.namespace}/${var.kubernetes.service_account}]"
}

output "service_account_email" {
  description = "For plumbline scan --impersonate, connections.gcp.impersonate, and the service account of the chart."
  value       = google_service_account.plumbline.email
}
