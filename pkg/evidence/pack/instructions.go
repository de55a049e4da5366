package pack

import (
	_ "embed"
	"strings"
)

//go:embed VERIFY.md
var verifyText string

// instructions tell how to check the package without any software of ours.
func (b *builder) instructions() string {
	return strings.NewReplacer("KEYID", b.Signer.Key.ID).Replace(verifyText)
}
