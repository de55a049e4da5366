package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// managedInstances marks the EC2 instances whose agent Systems Manager reaches.
func managedInstances(inv *derive.Inventory) {
	registered := derive.ByRead(derive.Of[schema.ManagedInstance](inv, schema.ManagedInstanceType), "instance_id",
		func(m derive.Item[schema.ManagedInstance]) string { return m.V.InstanceID })
	for _, i := range derive.Of[schema.EC2Instance](inv, schema.EC2InstanceType).Items {
		derive.Set(i, "ssm_managed", &i.V.SSMManaged, derive.Exists(registered.All(i.ID).In(i.Region),
			func(m derive.Item[schema.ManagedInstance]) derive.Val[bool] {
				return is(derive.Read(m, "ping_status", m.V.PingStatus), "Online")
			}))
	}
}
