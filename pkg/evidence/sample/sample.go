// Package sample draws samples that anyone can draw again: a seed and a population always give the same items. It does no I/O.
package sample

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Method is how items are chosen.
type Method string

// The methods.
const (
	Random     Method = "random"     // a larger draw with the same seed goes on where the smaller one ended
	Stratified Method = "stratified" // one of each of n equal runs of time
	All        Method = "all"
	Chosen     Method = "chosen" // named by the auditor
)

// Sizes are offered by how often a control operates; the choice is the firm's.
var Sizes = map[string]int{"annual": 1, "quarterly": 2, "monthly": 2, "weekly": 5, "daily": 25, "many_per_day": 40}

// Item is a member of a population.
type Item struct {
	ID   string    `json:"id"`
	Time time.Time `json:"time"` // zero: not known; such items come first
}

// Seed is the one that follows from audit, control and population.
func Seed(audit, control, population string) [32]byte {
	return sha256.Sum256([]byte(audit + "|" + control + "|" + population))
}

// ParseSeed reads a seed that an auditor supplies: 64 hex digits, or any other text, whose SHA-256 it is then.
func ParseSeed(text string) [32]byte {
	if data, err := hex.DecodeString(strings.ToLower(text)); err == nil && len(data) == 32 {
		return [32]byte(data)
	}
	return sha256.Sum256([]byte(text))
}

// Draw chooses n items, or those with the ids. What cannot be drawn is posture.ErrInvalid. Random and stratified draws come in the order
// of rank and of time; all in that of the population.
func Draw(method Method, population []Item, seed [32]byte, n int, ids []string) ([]Item, error) {
	known := make(map[string]Item, len(population))
	for _, item := range population {
		if _, twice := known[item.ID]; twice {
			return nil, fmt.Errorf("%w: %q is in the population twice", posture.ErrInvalid, item.ID)
		}
		known[item.ID] = item
	}
	if (method == Random || method == Stratified) && n < 1 {
		return nil, fmt.Errorf("%w: a sample of %d", posture.ErrInvalid, n)
	}
	n = min(n, len(population))
	switch method {
	case Random:
		return byRank(population, seed)[:n], nil
	case Stratified:
		return stratified(population, seed, n), nil
	case All:
		return slices.Clone(population), nil
	case Chosen:
		var out []Item
		for _, id := range ids {
			item, ok := known[id]
			if !ok {
				return nil, fmt.Errorf("%w: %q is not in the population", posture.ErrInvalid, id)
			}
			out = append(out, item)
		}
		return out, nil
	}
	return nil, fmt.Errorf("%w: method %q: want random, stratified, all or chosen", posture.ErrInvalid, method)
}

// byRank orders items by HMAC-SHA256 of their ids under the seed.
func byRank(items []Item, seed [32]byte) []Item {
	type ranked struct {
		Item
		rank []byte
	}
	list := make([]ranked, len(items))
	for i, item := range items {
		mac := hmac.New(sha256.New, seed[:])
		mac.Write([]byte(item.ID))
		list[i] = ranked{item, mac.Sum(nil)}
	}
	slices.SortFunc(list, func(a, b ranked) int { return bytes.Compare(a.rank, b.rank) })
	out := make([]Item, len(list))
	for i := range list {
		out[i] = list[i].Item
	}
	return out
}

func stratified(items []Item, seed [32]byte, n int) []Item {
	sorted := slices.Clone(items)
	slices.SortFunc(sorted, func(a, b Item) int {
		if c := a.Time.Compare(b.Time); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	var out []Item
	for i := range n {
		run := sorted[i*len(sorted)/n : (i+1)*len(sorted)/n]
		out = append(out, byRank(run, seed)[0])
	}
	return out
}
