package attribution

import "strings"

// auditLog says what a method of Google Cloud does, by service and method (see verbOf).
var auditLog = func() map[string][]known {
	const (
		project, folder, organization = "gcp.resourcemanager.project", "gcp.resourcemanager.folder", "gcp.resourcemanager.organization"
		bucket, firewall, instance    = "gcp.storage.bucket", "gcp.compute.firewall_rule", "gcp.sql.instance"
		sink, logBucket, metric       = "gcp.logging.sink", "gcp.logging.bucket", "gcp.logging.metric"
		account, accountKey, key      = "gcp.iam.service_account", "gcp.iam.service_account_key", "gcp.kms.crypto_key"
	)
	out := map[string][]known{}
	add := func(service, names string, list ...known) {
		for _, name := range strings.Fields(names) {
			out[service+":"+name] = append(out[service+":"+name], list...)
		}
	}
	within := func(part string, k known) known {
		k.when = func(event document) bool { return strings.Contains(event.text("resourceName"), part) }
		return k
	}

	// Projects, folders, organizations and what is granted on them. Projects go by their id, which the name of the log tells.
	const hierarchy = "cloudresourcemanager"
	add(hierarchy, "SetIamPolicy projects.setIamPolicy", within("projects/", sets(project, "{project}", "iam")),
		within("folders/", sets(folder, "{resource}", "iam")), within("organizations/", sets(organization, "{resource}", "iam")))
	add(hierarchy, "UpdateProject", sets(project, "{project}", "name", "tags", "parent", "ancestors"))
	add(hierarchy, "MoveProject", sets(project, "{project}", "parent", "ancestors"))
	add(hierarchy, "DeleteProject UndeleteProject", sets(project, "{project}", "state"))
	add(hierarchy, "CreateFolder", creates(folder, "{response.name?folders/}"))
	add(hierarchy, "UpdateFolder", sets(folder, "{resource}", "name"))
	add(hierarchy, "MoveFolder", sets(folder, "{resource}", "parent"))
	add(hierarchy, "DeleteFolder UndeleteFolder", sets(folder, "{resource}", "state"))

	// Buckets. The log does not tell what of a bucket was set.
	settings := []string{
		"name", "tags", "uniform_bucket_level_access", "public_access_prevention", "acl_public", "versioning", "soft_delete_seconds", "retention_seconds",
		"retention_locked", "object_retention_mode", "kms_key_name", "lifecycle_rule_count", "log_bucket",
	}
	add("storage", "buckets.create", creates(bucket, "{last}"))
	add("storage", "buckets.delete", deletes(bucket, "{last}"))
	add("storage", "buckets.update buckets.patch buckets.lockRetentionPolicy", sets(bucket, "{last}", settings...))
	add("storage", "setIamPermissions buckets.setIamPolicy", sets(bucket, "{last}", "iam", "acl_public"))

	// Firewall rules of networks, and of the policies that networks share.
	add("compute", "firewalls.insert", creates(firewall, "{resource}"))
	add("compute", "firewalls.delete", deletes(firewall, "{resource}"))
	add("compute", "firewalls.update", known{on: firewall, ids: []string{"{resource}"}, every: true})
	add("compute", "firewalls.patch", by(firewall, "{resource}", map[string]string{
		"@type": "", "name": "", "description": "", "kind": "", "id": "", "selfLink": "", "creationTimestamp": "",
		"network": "networks", "direction": "direction", "priority": "priority", "disabled": "disabled", "sourceRanges": "source_ranges", "sourceTags": "source_tags",
		"sourceServiceAccounts": "source_service_accounts", "destinationRanges": "destination_ranges", "targetTags": "targets", "targetServiceAccounts": "targets",
		"alloweds": "layer4", "allowed": "layer4", "denieds": "layer4", "denied": "layer4", "logConfig": "log_enabled",
	}))
	for _, policy := range []string{"networkFirewallPolicies", "regionNetworkFirewallPolicies", "firewallPolicies"} {
		rule := "{resource}/rules/{request.priority}"
		add("compute", policy+".addRule", creates(firewall, rule))
		add("compute", policy+".removeRule", deletes(firewall, rule))
		add("compute", policy+".patchRule", known{on: firewall, ids: []string{rule}, every: true})
		add("compute", policy+".addAssociation "+policy+".removeAssociation", sets(firewall, "", "networks", "nodes"))
		add("compute", policy+".insert "+policy+".delete "+policy+".patch "+policy+".cloneRules", known{on: firewall, act: Puts, every: true}, deletes(firewall, ""))
	}

	// Cloud SQL
	const sqlID = "projects/{project}/instances/{last}"
	add("cloudsql", "instances.create instances.clone instances.createReplica", creates(instance, sqlID))
	add("cloudsql", "instances.delete", deletes(instance, sqlID))
	add("cloudsql", "instances.update instances.patch instances.promoteReplica instances.switchover instances.restoreBackup", known{on: instance, ids: []string{sqlID}, every: true})
	add("cloudsql", "instances.restart instances.failover instances.startReplica instances.stopReplica", sets(instance, sqlID, "state"))
	add("cloudsql", "users.create users.update users.delete databases.create databases.update databases.delete backupRuns.create backupRuns.delete sslCerts.create sslCerts.delete")

	// Logging. What is made is named after its parent.
	add("logging", "CreateSink", known{on: sink, act: Creates, ids: []string{"{resource?/sinks/}", "{resource}/sinks/{request.sink.name}"}})
	add("logging", "UpdateSink", known{on: sink, ids: []string{"{resource?/sinks/}", "{request.sinkName?/sinks/}"}, every: true})
	add("logging", "DeleteSink", known{on: sink, act: Deletes, ids: []string{"{resource?/sinks/}", "{request.sinkName?/sinks/}"}})
	add("logging", "CreateBucket CreateBucketAsync", known{on: logBucket, act: Creates, ids: []string{"{request.parent}/buckets/{request.bucketId}", "{resource?/buckets/}"}})
	add("logging", "UpdateBucket UpdateBucketAsync", known{on: logBucket, ids: []string{"{resource?/buckets/}", "{request.name?/buckets/}"}, every: true})
	add("logging", "DeleteBucket UndeleteBucket", known{on: logBucket, fields: []string{"lifecycle_state"}, ids: []string{"{resource?/buckets/}", "{request.name?/buckets/}"}})
	add("logging", "CreateLogMetric", known{on: metric, act: Creates, ids: []string{"{resource?/metrics/}", "{request.parent}/metrics/{request.metric.name}"}})
	add("logging", "UpdateLogMetric", known{on: metric, act: Puts, every: true, ids: []string{"{resource?/metrics/}", "{request.metricName?/metrics/}"}})
	add("logging", "DeleteLogMetric", known{on: metric, act: Deletes, ids: []string{"{resource?/metrics/}", "{request.metricName?/metrics/}"}})

	// Service accounts. Requests may name them by number; the labels of the log entry have the e-mail.
	const accountID = "projects/{project}/serviceAccounts/{entry.resource.labels.email_id?@}"
	add("iam", "CreateServiceAccount", known{on: account, act: Creates, ids: []string{"projects/{project}/serviceAccounts/{response.email}", accountID}})
	add("iam", "DeleteServiceAccount", deletes(account, accountID))
	add("iam", "UndeleteServiceAccount", creates(account, accountID))
	add("iam", "DisableServiceAccount EnableServiceAccount", sets(account, accountID, "disabled"))
	add("iam", "UpdateServiceAccount PatchServiceAccount", sets(account, accountID, "display_name", "name"))
	add("iam", "SetIAMPolicy SetIamPolicy", within("serviceAccounts/", sets(account, accountID, "iam")))
	add("iam", "CreateServiceAccountKey UploadServiceAccountKey", sets(account, accountID, "user_managed_key_ids"), known{on: accountKey, act: Creates, ids: []string{"{response.name?/keys/}"}})
	add("iam", "DeleteServiceAccountKey", sets(account, accountID, "user_managed_key_ids"), deletes(accountKey, accountID+"/keys/{last}"))

	// Keys. A key ring's grants are those of all its keys.
	add("cloudkms", "CreateCryptoKey", known{on: key, act: Creates, ids: []string{"{response.name?/cryptoKeys/}", "{request.parent}/cryptoKeys/{request.cryptoKeyId}"}})
	add("cloudkms", "UpdateCryptoKey", sets(key, "{key?/cryptoKeys/}", "tags", "rotation_seconds", "next_rotation_time"))
	add("cloudkms", "UpdateCryptoKeyPrimaryVersion CreateCryptoKeyVersion", sets(key, "{key?/cryptoKeys/}", "primary_state", "protection_level", "next_rotation_time"))
	add("cloudkms", "UpdateCryptoKeyVersion DestroyCryptoKeyVersion RestoreCryptoKeyVersion ImportCryptoKeyVersion", sets(key, "{key?/cryptoKeys/}", "primary_state"))
	add("cloudkms", "SetIamPolicy", within("/cryptoKeys/", sets(key, "{key}", "iam")), within("/keyRings/", sets(key, "", "key_ring_iam")))
	return out
}()
