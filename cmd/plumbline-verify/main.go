// Plumbline-verify checks a package of evidence without a network, a database or the service that made it.
package main

import (
	"os"

	"github.com/plumbline-dev/plumbline/pkg/evidence/check"
)

func main() { os.Exit(check.Run("plumbline-verify", os.Args[1:], os.Stdout, os.Stderr)) }
