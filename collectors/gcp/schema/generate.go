// Package schema declares the Google Cloud resource types: plain structs without any SDK.
package schema

//go:generate go run github.com/plumbline-dev/plumbline/collectors/schemagen
//go:generate go run github.com/plumbline-dev/plumbline/collectors/refgen gcp
