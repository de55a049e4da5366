package attribution

import "strings"

// activityLog says what an operation of Azure does, by its name in small letters. A write makes a resource or sets it anew. What can
// also be done past Resource Manager, such as with a storage account's own keys or in SQL, is hidden: a single event in this log does
// not tell that nobody else did it.
var activityLog = func() map[string][]known {
	const (
		group, account, container   = "azure.network.security_group", "azure.storage.account", "azure.storage.container"
		vault, vaultKey, secret     = "azure.keyvault.vault", "azure.keyvault.key", "azure.keyvault.secret"
		server, database, instance  = "azure.sql.server", "azure.sql.database", "azure.sql.managed_instance"
		assignment, definition      = "azure.authorization.role_assignment", "azure.authorization.role_definition"
		exported, diagnostics, lock = "azure.monitor.subscription_diagnostic_setting", "azure.monitor.resource_diagnostics", "azure.locks.lock"
		itself                      = "{resource}"
	)
	out := map[string][]known{}
	add := func(names string, list ...known) {
		for _, name := range strings.Fields(strings.ToLower(names)) {
			out[name] = append(out[name], list...)
		}
	}
	hidden := func(k known) known {
		k.hidden = true
		return k
	}
	writes := func(on string, fields ...string) known {
		return known{on: on, ids: []string{itself}, act: Puts, fields: append([]string{"tags"}, fields...)}
	}
	all := func(on, id string) known { return known{on: on, ids: []string{id}, act: Puts, every: true} }

	// Network security groups. What they are attached to is set on the other side.
	const nsg = "{in networksecuritygroups}"
	add("Microsoft.Network/networkSecurityGroups/write", writes(group, "rules"))
	add("Microsoft.Network/networkSecurityGroups/delete", deletes(group, itself))
	add("Microsoft.Network/networkSecurityGroups/securityRules/write Microsoft.Network/networkSecurityGroups/securityRules/delete", sets(group, nsg, "rules"))
	add("Microsoft.Network/networkSecurityGroups/join/action")
	add("Microsoft.Network/virtualNetworks/write Microsoft.Network/virtualNetworks/delete", sets(group, "", "attached_subnet_ids"))
	add("Microsoft.Network/virtualNetworks/subnets/write Microsoft.Network/virtualNetworks/subnets/delete", sets(group, "", "attached_subnet_ids"))
	add("Microsoft.Network/networkInterfaces/write Microsoft.Network/networkInterfaces/delete", sets(group, "", "attached_nic_ids"))

	// Storage accounts, whose services are resources of their own in the log.
	const storage, of = "Microsoft.Storage/storageAccounts/", "{in storageaccounts}"
	add(storage+"write", writes(account, "kind", "sku", "https_only", "minimum_tls_version", "allow_blob_public_access", "public_network_access", "network", "shared_key_access",
		"default_to_entra_auth", "cross_tenant_replication", "local_users_enabled", "sftp_enabled", "key_expiration_days", "sas_expiration_period", "encryption", "immutability"))
	add(storage+"delete", deletes(account, itself))
	add(storage+"regenerateKey/action "+storage+"rotateKey/action", sets(account, of, "key_created_at"))
	add(storage+"blobServices/write", hidden(sets(account, of, "blob")))
	add(storage+"fileServices/write "+storage+"fileServices/shares/write "+storage+"fileServices/shares/delete", hidden(sets(account, of, "file")))
	add(storage+"managementPolicies/write "+storage+"managementPolicies/delete", sets(account, of, "lifecycle"))
	add(storage+"encryptionScopes/write", sets(account, of, "encryption"))
	add(storage+"privateEndpointConnections/write "+storage+"privateEndpointConnections/delete "+storage+"PrivateEndpointConnectionsApproval/action",
		sets(account, of, "private_endpoints_approved"))
	add(storage+"blobServices/containers/write", hidden(all(container, itself)))
	add(storage+"blobServices/containers/delete", hidden(deletes(container, itself)))

	// Key vaults. Keys and secrets are mostly managed in the vault itself.
	const vaults = "Microsoft.KeyVault/vaults/"
	add(vaults+"write", writes(vault, "rbac_enabled", "soft_delete", "soft_delete_days", "purge_protection", "public_network_access", "network", "access_policy_count",
		"enabled_for_deployment", "enabled_for_template_deployment"))
	add(vaults+"delete", deletes(vault, itself))
	add(vaults+"accessPolicies/write", sets(vault, "{in vaults}", "access_policy_count"))
	add(vaults+"privateEndpointConnections/write "+vaults+"privateEndpointConnections/delete "+vaults+"PrivateEndpointConnectionsApproval/action",
		sets(vault, "{in vaults}", "private_endpoints_approved"))
	add(vaults+"keys/write", hidden(all(vaultKey, itself)))
	add(vaults+"secrets/write", hidden(all(secret, itself)))

	// SQL servers, databases and managed instances.
	const sql, onServer = "Microsoft.Sql/servers/", "{in servers}"
	add(sql+"write", writes(server, "minimum_tls_version", "public_network_access", "restrict_outbound", "entra_admin", "entra_only_auth"))
	add(sql+"delete", deletes(server, itself))
	add(sql+"administrators/write "+sql+"administrators/delete", sets(server, onServer, "entra_admin", "entra_only_auth"))
	add(sql+"azureADOnlyAuthentications/write", sets(server, onServer, "entra_only_auth"))
	add(sql+"auditingSettings/write "+sql+"extendedAuditingSettings/write", sets(server, onServer, "auditing"))
	add(sql+"securityAlertPolicies/write "+sql+"advancedThreatProtectionSettings/write", sets(server, onServer, "threat_detection"))
	add(sql+"firewallRules/write "+sql+"firewallRules/delete", hidden(sets(server, onServer, "firewall_rules")))
	add(sql+"encryptionProtector/write "+sql+"encryptionProtector/revalidate/action", sets(server, onServer, "tde_key_type", "tde_key_uri", "tde_auto_rotation"))
	add(sql+"vulnerabilityAssessments/write "+sql+"vulnerabilityAssessments/delete "+sql+"sqlVulnerabilityAssessments/write "+sql+"sqlVulnerabilityAssessments/delete",
		sets(server, onServer, "va"))
	add(sql+"privateEndpointConnections/write "+sql+"privateEndpointConnections/delete "+sql+"privateEndpointConnectionsApproval/action", sets(server, onServer, "private_endpoints_approved"))
	const databases = sql + "databases/"
	add(databases+"write", hidden(writes(database, "sku", "zone_redundant", "backup_redundancy")))
	add(databases+"delete", hidden(deletes(database, itself)))
	add(databases+"transparentDataEncryption/write", hidden(sets(database, "{in databases}", "tde_state")))
	add(databases+"backupShortTermRetentionPolicies/write", sets(database, "{in databases}", "short_term_retention_days"))
	add(databases+"backupLongTermRetentionPolicies/write", sets(database, "{in databases}", "long_term"))
	const managed, onInstance = "Microsoft.Sql/managedInstances/", "{in managedinstances}"
	add(managed+"write", writes(instance, "minimum_tls_version", "public_endpoint", "entra_only_auth", "zone_redundant", "backup_redundancy"))
	add(managed+"delete", deletes(instance, itself))
	add(managed+"administrators/write "+managed+"azureADOnlyAuthentications/write", sets(instance, onInstance, "entra_only_auth"))
	add(managed+"encryptionProtector/write", sets(instance, onInstance, "tde_key_type"))
	add(managed+"vulnerabilityAssessments/write "+managed+"vulnerabilityAssessments/delete", sets(instance, onInstance, "va"))
	add(managed+"securityAlertPolicies/write", sets(instance, onInstance, "threat_detection"))

	// Who may do what, and locks.
	const access = "Microsoft.Authorization/"
	add(access+"roleAssignments/write", all(assignment, itself))
	add(access+"roleAssignments/delete", deletes(assignment, itself))
	add(access+"roleDefinitions/write", all(definition, itself), sets(assignment, "", "role_name", "role_privileged", "role_writes"))
	add(access+"roleDefinitions/delete", deletes(definition, itself))
	add(access+"locks/write", all(lock, itself))
	add(access+"locks/delete", deletes(lock, itself))

	// Diagnostic settings: those of the subscription are resources that are read, those of others make up what is read of each.
	ofSubscription := func(event document) bool { return strings.Count(event.text("target"), "/") == 2 }
	ofResource := func(event document) bool { return !ofSubscription(event) }
	write, remove := all(exported, itself), deletes(exported, itself)
	write.when, remove.when = ofSubscription, ofSubscription
	set := known{on: diagnostics, ids: []string{"{target}"}, every: true, when: ofResource}
	add("Microsoft.Insights/diagnosticSettings/write", write, set)
	add("Microsoft.Insights/diagnosticSettings/delete", remove, set)

	add("Microsoft.Resources/tags/write Microsoft.Resources/tags/delete", sets(anyType, "{target}", "tags"))
	return out
}()
