// Package rules holds the rule files, <cloud>/<service>/<name>.yaml, and soc2.yaml: the controls they bear witness to.
package rules

import "embed"

// FS holds the files of this folder.
//
//go:embed soc2.yaml aws
var FS embed.FS
