package gcp

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// inEachLocation reads the resources of a type where they can be listed in one location at a time: list adds the locations there
// are, unless the inventory knows those that hold assets; read reads one. Each is read once, though a page of them were offered
// twice; one that fails is incomplete by itself.
func (c *client) inEachLocation(ctx context.Context, of *posture.Type, asset string, list func(add func(location string)) error, read func(location string) error) error {
	locations, known := c.inventory.inUse(ctx, asset)
	var err error
	if !known {
		err = list(func(location string) {
			if !slices.Contains(locations, location) {
				locations = append(locations, location)
			}
		})
	}
	var failed []error
	if err != nil {
		failed = append(failed, fmt.Errorf("list locations: %w", err))
	}
	for _, location := range locations {
		if err := read(location); err != nil {
			failed = append(failed, collectors.IncompleteIn(location, of, fmt.Errorf("in %s: %w", location, err)))
		}
	}
	return errors.Join(failed...)
}
