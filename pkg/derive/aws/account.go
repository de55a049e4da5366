package aws

import (
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/aws/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
)

func identity(inv *derive.Inventory) {
	for _, i := range derive.Of[schema.Identity](inv, schema.IdentityType).Items {
		derive.Set(i, "principal_is_root", &i.V.PrincipalIsRoot,
			derive.Map(derive.Read(i, "principal_arn", i.V.PrincipalARN), func(arn string) bool { return strings.HasSuffix(arn, ":root") }))
	}
}

// regions: a region is covered by a logging trail that is multi-region or at home there.
func regions(inv *derive.Inventory) {
	trails := derive.Of[schema.Trail](inv, schema.TrailType)
	for _, r := range derive.Of[schema.Region](inv, schema.RegionType).Items {
		derive.Set(r, "trail_logging", &r.V.TrailLogging, derive.Exists(trails, func(t derive.Item[schema.Trail]) derive.Val[bool] {
			return derive.And(
				derive.Read(t, "is_logging", t.V.IsLogging),
				derive.Or(
					derive.Read(t, "is_multi_region", t.V.IsMultiRegion),
					derive.Map(derive.Read(t, "home_region", t.V.HomeRegion), func(home string) bool { return home == r.ID }),
				))
		}))
	}
}
