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
	s.registerPosture(api)
	s.registerFindings(api)
	s.registerWork(api)
	s.registerPeople(api)
}
