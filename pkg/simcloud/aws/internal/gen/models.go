//go:build models

package main

// The models are data files of this module; the import, which no build makes, keeps it in go.mod.
import _ "github.com/aws/aws-sdk-go"
