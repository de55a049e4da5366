package schema

//go:generate go run github.com/plumbline-dev/plumbline/collectors/schemagen
//go:generate go run github.com/plumbline-dev/plumbline/collectors/refgen aws
