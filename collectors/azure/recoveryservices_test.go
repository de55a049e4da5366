package azure

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/recoveryservices/armrecoveryservicesbackup/v4"
)

func TestDaysThatPoliciesKeepBackups(t *testing.T) {
	keep := func(count int32, of armrecoveryservicesbackup.RetentionDurationType) *armrecoveryservicesbackup.RetentionDuration {
		return &armrecoveryservicesbackup.RetentionDuration{Count: &count, DurationType: &of}
	}
	days, weeks, invalid := armrecoveryservicesbackup.RetentionDurationTypeDays, armrecoveryservicesbackup.RetentionDurationTypeWeeks, armrecoveryservicesbackup.RetentionDurationTypeInvalid
	daily := &armrecoveryservicesbackup.DailyRetentionSchedule{RetentionDuration: keep(30, days)}
	weekly := &armrecoveryservicesbackup.WeeklyRetentionSchedule{RetentionDuration: keep(12, weeks)}
	long := func(p armrecoveryservicesbackup.LongTermRetentionPolicy) *armrecoveryservicesbackup.AzureIaaSVMProtectionPolicy {
		return &armrecoveryservicesbackup.AzureIaaSVMProtectionPolicy{RetentionPolicy: &p}
	}
	simple := func(d *armrecoveryservicesbackup.RetentionDuration) *armrecoveryservicesbackup.SimpleRetentionPolicy {
		return &armrecoveryservicesbackup.SimpleRetentionPolicy{RetentionDuration: d}
	}
	kind := func(k armrecoveryservicesbackup.PolicyType, d *armrecoveryservicesbackup.RetentionDuration) *armrecoveryservicesbackup.SubProtectionPolicy {
		return &armrecoveryservicesbackup.SubProtectionPolicy{PolicyType: &k, RetentionPolicy: simple(d)}
	}
	for name, test := range map[string]struct {
		policy armrecoveryservicesbackup.ProtectionPolicyClassification
		days   int64
		known  bool
	}{
		"daily goes before weekly":            {long(armrecoveryservicesbackup.LongTermRetentionPolicy{DailySchedule: daily, WeeklySchedule: weekly}), 30, true},
		"weekly backups only":                 {long(armrecoveryservicesbackup.LongTermRetentionPolicy{WeeklySchedule: weekly}), 84, true},
		"no schedule at all":                  {long(armrecoveryservicesbackup.LongTermRetentionPolicy{}), 0, false},
		"a duration without a unit":           {&armrecoveryservicesbackup.AzureSQLProtectionPolicy{RetentionPolicy: simple(keep(3, invalid))}, 0, false},
		"of databases the full backups count": {&armrecoveryservicesbackup.AzureVMWorkloadProtectionPolicy{SubProtectionPolicy: []*armrecoveryservicesbackup.SubProtectionPolicy{kind(armrecoveryservicesbackup.PolicyTypeLog, keep(7, days)), kind(armrecoveryservicesbackup.PolicyTypeFull, keep(5, weeks))}}, 35, true},
		"of shares what the vault keeps":      {&armrecoveryservicesbackup.AzureFileShareProtectionPolicy{RetentionPolicy: simple(keep(7, days)), VaultRetentionPolicy: &armrecoveryservicesbackup.VaultRetentionPolicy{VaultRetention: simple(keep(40, days))}}, 40, true},
		"of shares the snapshots otherwise":   {&armrecoveryservicesbackup.AzureFileShareProtectionPolicy{RetentionPolicy: simple(keep(7, days))}, 7, true},
		"a policy of a kind without times":    {&armrecoveryservicesbackup.GenericProtectionPolicy{}, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			if days, known := policyDays(test.policy); known != test.known || known && days != test.days {
				t.Errorf("got %d, %v; want %d, %v", days, known, test.days, test.known)
			}
		})
	}
}
