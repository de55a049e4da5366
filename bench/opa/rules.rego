# Ten of Plumbline's rules: the same conditions over the same attributes. Undefined counts as fail, for want of unknown.
package plumbline

default bucket_versioning := "fail"

bucket_versioning := "pass" if input.versioning == "Enabled"

default bucket_kms := "fail"

bucket_kms := "pass" if input.encryption.algorithm in {"aws:kms", "aws:kms:dsse"}

default bucket_lifecycle := "fail"

bucket_lifecycle := "pass" if {
	some rule in input.lifecycle_rules
	rule.enabled
}

default bucket_blocked := "fail"

bucket_blocked := "pass" if {
	input.effective_block.block_public_acls
	input.effective_block.ignore_public_acls
	input.effective_block.block_public_policy
	input.effective_block.restrict_public_buckets
}

default bucket_logging := "fail"

bucket_logging := "does_not_apply" if input.is_log_bucket

else := "pass" if input.logging.target_bucket != ""

default database_backup := "fail"

database_backup := "does_not_apply" if not stands_alone

else := "pass" if input.backup_retention_days >= 7

stands_alone if {
	input.cluster_id == ""
	input.read_replica_source == ""
}

default database_private := "fail"

database_private := "pass" if not input.publicly_accessible

default instance_imds := "fail"

instance_imds := "does_not_apply" if not input.live

else := "pass" if input.metadata.http_tokens == "required"

else := "pass" if input.metadata.http_endpoint == "disabled"

default group_ssh := "fail"

group_ssh := "pass" if not ssh_open

ssh_open if {
	some rule in input.public_ingress
	rule.protocol in {"tcp", "all"}
	some port in [22]
	rule.from_port <= port
	port <= rule.to_port
}

default trail_kms := "fail"

trail_kms := "pass" if input.kms_key_id != ""
