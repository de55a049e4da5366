package azure

import (
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/to"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appservice/armappservice/v4"
)

func TestStack(t *testing.T) {
	linux := func(version string) armappservice.SiteConfig {
		return armappservice.SiteConfig{LinuxFxVersion: &version, NetFrameworkVersion: to.Ptr("v4.0")}
	}
	dotnet := func(version string) armappservice.SiteConfig {
		return armappservice.SiteConfig{LinuxFxVersion: to.Ptr(""), NetFrameworkVersion: &version, PhpVersion: to.Ptr("5.6")}
	}
	flex := &armappservice.Site{Kind: to.Ptr("functionapp,linux"), Properties: &armappservice.SiteProperties{FunctionAppConfig: &armappservice.FunctionAppConfig{
		Runtime: &armappservice.FunctionsRuntime{Name: to.Ptr(armappservice.RuntimeNameDotnetIsolated), Version: to.Ptr("9.0")}}}}
	app, function := &armappservice.Site{Kind: to.Ptr("app")}, &armappservice.Site{Kind: to.Ptr("functionapp")}
	for name, test := range map[string]struct {
		site          *armappservice.Site
		config        armappservice.SiteConfig
		want, version string // "" when it is not told
	}{
		"Python":                                 {app, linux("PYTHON|3.12"), "python", "3.12"},
		"Node names its support":                 {app, linux("NODE|20-lts"), "node", "20"},
		"Node with a minor version":              {app, linux("node|18.17"), "node", "18"},
		".NET":                                   {app, linux("DOTNETCORE|8.0"), "dotnet", "8.0"},
		".NET of isolated functions":             {function, linux("DOTNET-ISOLATED|10.0"), "dotnet", "10.0"},
		"Java by itself":                         {app, linux("JAVA|17-java17"), "java", "17"},
		"Java 8 by its other name":               {app, linux("JAVA|8-jre8"), "java", "8"},
		"Java below Tomcat":                      {app, linux("TOMCAT|10.1-java21"), "java", "21"},
		"Java 8 below Tomcat":                    {app, linux("TOMCAT|9.0-jre8"), "java", "8"},
		"Java below JBoss":                       {app, linux("JBOSSEAP|8-java17"), "java", "17"},
		"an image":                               {app, linux("DOCKER|acme.azurecr.io/shop:1.4"), "container", ""},
		"several images":                         {app, linux("COMPOSE|dmVyc2lvbjogJzMnCg=="), "container", ""},
		"an image on Windows":                    {app, armappservice.SiteConfig{WindowsFxVersion: to.Ptr("DOCKER|acme.azurecr.io/shop:1.4")}, "container", ""},
		"the flexible plan has its own member":   {flex, armappservice.SiteConfig{}, "dotnet", "9.0"},
		"Java on Windows":                        {app, armappservice.SiteConfig{JavaVersion: to.Ptr("1.8"), NetFrameworkVersion: to.Ptr("v4.0")}, "java", "8"},
		"Java of a function on Windows":          {function, armappservice.SiteConfig{JavaVersion: to.Ptr("17"), NetFrameworkVersion: to.Ptr("v6.0")}, "java", "17"},
		"PowerShell":                             {function, armappservice.SiteConfig{PowerShellVersion: to.Ptr("~7.4"), NetFrameworkVersion: to.Ptr("v8.0")}, "powershell", "7.4"},
		".NET on Windows":                        {app, dotnet("v6.0"), "dotnet", "6.0"},
		".NET 10 on Windows":                     {app, dotnet("v10.0"), "dotnet", "10.0"},
		"what every Windows site says":           {app, dotnet("v4.0"), "", ""},
		"the host's version is not a function's": {function, dotnet("v6.0"), "", ""},
		"nothing":                                {app, armappservice.SiteConfig{}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, version, told := stack(test.site, test.config)
			if got != test.want || version != test.version || told != (test.want != "") {
				t.Errorf("got %q %q, told %v; want %q %q", got, version, told, test.want, test.version)
			}
		})
	}
}

func TestRestrictions(t *testing.T) {
	rule := func(address, action string, priority int32) *armappservice.IPSecurityRestriction {
		return &armappservice.IPSecurityRestriction{IPAddress: &address, Action: &action, Priority: &priority}
	}
	office, rest := rule("198.51.100.0/24", "Allow", 100), rule("Any", "Deny", 2147483647)
	door := rule("0.0.0.0/0", "Allow", 200)
	door.Headers = map[string][]*string{"x-azure-fdid": {to.Ptr("55ce4ed1-4b06-4bf1-b40e-4638452104da")}}
	subnet := &armappservice.IPSecurityRestriction{VnetSubnetResourceID: to.Ptr("/subscriptions/s/subnets/apps"), Action: to.Ptr("Allow"), Priority: to.Ptr[int32](300)}
	for name, test := range map[string]struct {
		fallback armappservice.DefaultAction
		rules    []*armappservice.IPSecurityRestriction
		want     string
		narrow   int
	}{
		"no rule":                                    {"", nil, "Allow", 0},
		"no rule, and all denied":                    {"Deny", nil, "Deny", 0},
		"rules shut out the rest":                    {"", []*armappservice.IPSecurityRestriction{office, subnet}, "Deny", 2},
		"rules that let the rest in":                 {"Allow", []*armappservice.IPSecurityRestriction{office}, "Allow", 1},
		"the rest is a rule":                         {"Allow", []*armappservice.IPSecurityRestriction{office, rest}, "Deny", 1},
		"a rule for everybody before it":             {"Deny", []*armappservice.IPSecurityRestriction{rest, office, rule("0.0.0.0/0", "Allow", 50)}, "Allow", 1},
		"an action that is not written allows":       {"Deny", []*armappservice.IPSecurityRestriction{{IPAddress: to.Ptr("Any")}}, "Allow", 0},
		"everybody who comes through the front door": {"", []*armappservice.IPSecurityRestriction{door}, "Deny", 1},
	} {
		t.Run(name, func(t *testing.T) {
			c := armappservice.SiteConfig{IPSecurityRestrictions: test.rules}
			if test.fallback != "" {
				c.IPSecurityRestrictionsDefaultAction = &test.fallback
			}
			if got, narrow := restrictions(c); got != test.want || narrow != test.narrow {
				t.Errorf("got %s and %d rules, want %s and %d", got, narrow, test.want, test.narrow)
			}
		})
	}
}
