package reread

import "regexp"

// What stands for a removed value: in JSON a string, in XML text.
var (
	marked     = regexp.MustCompile(`redacted:[0-9a-f]{32}`)
	markedText = regexp.MustCompile(`"redacted:[0-9a-f]{32}"`)
)

// removals are other things that may have stood where something was removed: the kinds of values that readers look for. An attribute
// that comes out differently with one of them rests on what was removed. The first changes nothing but the digests.
var removals = []func([]byte) []byte{
	instead("redacted:00000000000000000000000000000000"),
	instead(""),
	instead("true"),
	instead("AKIAIOSFODNN7EXAMPLE"),
	instead("projects/1/zones/z/instanceGroupManagers/m"),
	func(body []byte) []byte { return markedText.ReplaceAllLiteral(body, []byte("null")) },
}

func instead(text string) func([]byte) []byte {
	return func(body []byte) []byte { return marked.ReplaceAllLiteral(body, []byte(text)) }
}
