package aws

import "github.com/plumbline-dev/plumbline/collectors"

// readers lists every reader, by service.
func readers() []collectors.Reader[*client] {
	return []collectors.Reader[*client]{
		identity,
		regions, contacts,
		trails,
	}
}
