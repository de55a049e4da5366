package drift

import "encoding/json"

// Holds reports whether a content document holds the whole value of the attribute at path.
func Holds(document []byte, path string) bool {
	var c content
	if json.Unmarshal(document, &c) != nil {
		return false
	}
	_, found := at(c.Attributes, path)
	return found && !c.incomplete(path)
}
