# A custom role on the root management group, which reaches every subscription of the tenant, the identity that holds it, and what
# it may read of Entra through Microsoft Graph.

terraform {
  required_version = ">= 1.5"
  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = ">= 4.0"
    }
    azuread = {
      source  = "hashicorp/azuread"
      version = ">= 3.0"
    }
  }
}

variable "root_management_group_id" {
  description = "Id of the root management group. Empty: the tenant's id, which it is called by unless it was renamed."
  type        = string
  default     = ""
}

variable "application_name" {
  type    = string
  default = "plumbline-read"
}

variable "kubernetes" {
  description = "The service account that may sign in as the application, where Plumbline runs in an AKS cluster with workload identity."
  type = object({
    issuer          = string
    namespace       = string
    service_account = string
  })
  default = null
}

data "azuread_client_config" "current" {}

data "azuread_application_published_app_ids" "well_known" {}

data "azurerm_management_group" "root" {
  name = var.root_management_group_id == "" ? data.azuread_client_config.current.tenant_id : var.root_management_group_id
}

resource "azuread_application" "plumbline" {
  display_name = var.application_name
}

resource "azuread_service_principal" "plumbline" {
  client_id = azuread_application.plumbline.client_id
}

resource "azuread_application_federated_identity_credential" "kubernetes" {
  count          = var.kubernetes == null ? 0 : 1
  application_id = azuread_application.plumbline.id
  display_name   = "kubernetes"
  issuer         = var.kubernetes.issuer
  subject        = "system:serviceaccount:${var.kubernetes.namespace}:${var.kubernetes.service_account}"
  audiences      = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_definition" "plumbline" {
  name              = "Plumbline read"
  scope             = data.azurerm_management_group.root.id
  description       = "What a scan by Plumbline reads, and nothing else."
  assignable_scopes = [data.azurerm_management_group.root.id]

  permissions {
    actions = local.actions
  }
}

resource "azurerm_role_assignment" "plumbline" {
  scope              = data.azurerm_management_group.root.id
  role_definition_id = azurerm_role_definition.plumbline.role_definition_resource_id
  principal_id       = azuread_service_principal.plumbline.object_id
  principal_type     = "ServicePrincipal"
}

resource "azuread_service_principal" "graph" {
  client_id    = data.azuread_application_published_app_ids.well_known.result["MicrosoftGraph"]
  use_existing = true
}

resource "azuread_app_role_assignment" "graph" {
  for_each            = toset(local.graph_permissions)
  app_role_id         = azuread_service_principal.graph.app_role_ids[each.value]
  principal_object_id = azuread_service_principal.plumbline.object_id
  resource_object_id  = azuread_service_principal.graph.object_id
}

output "client_id" {
  description = "For AZURE_CLIENT_ID, and for the service account of the chart."
  value       = azuread_application.plumbline.client_id
}

output "tenant_id" {
  description = "For plumbline scan --tenant, and for connections.azure.tenant."
  value       = data.azuread_client_config.current.tenant_id
}
