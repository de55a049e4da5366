package web

import (
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

//go:generate go run ./openapigen ../../docs/reference/openapi.yaml

// register adds every operation.
func (s *server) register(api huma.API) {
	api.OpenAPI().Components.Schemas.RegisterTypeAlias(reflect.TypeFor[posture.Opt[time.Time]](), reflect.TypeFor[*time.Time]())
	s.registerAccounts(api)
	s.registerResources(api)
	s.registerVerdicts(api)
	s.registerDrift(api)
	s.registerRules(api)
	s.registerFindings(api)
	s.registerExceptions(api)
	s.registerScans(api)
	s.registerAlerts(api)
	s.registerEvidence(api)
	s.registerAudits(api)
	s.registerUsers(api)
	s.registerTokens(api)
	s.registerAuditLog(api)
}
