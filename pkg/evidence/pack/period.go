package pack

import "context"

// writePeriod writes what a period comes to, control by control; a day has none.
func (b *builder) writePeriod(context.Context) error { return nil }

func (b *builder) reportPeriod(*document) {}
