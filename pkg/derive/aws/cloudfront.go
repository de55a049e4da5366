package aws

import (
	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

// distributions: any of the three ways of logging is enough.
func distributions(inv *derive.Inventory) {
	for _, d := range derive.Of[schema.Distribution](inv, schema.DistributionType).Items {
		set := func(path, value string) derive.Val[bool] { return derive.Not(is(derive.Read(d, path, value), "")) }
		derive.Set(d, "logging.enabled", &d.V.Logging.Enabled, derive.Or(
			set("logging.standard_bucket", d.V.Logging.StandardBucket),
			set("logging.realtime_config_arn", d.V.Logging.RealtimeConfigARN),
			derive.Read(d, "logging.v2_delivery", d.V.Logging.V2Delivery)))
	}
}
