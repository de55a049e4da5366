package transport

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"sync"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Journal records every call of one scan and the bodies that are kept. It is safe for concurrent use.
type Journal struct {
	mu     sync.Mutex
	calls  []posture.Call
	bodies map[string][]byte
}

// NewJournal returns an empty journal.
func NewJournal() *Journal { return &Journal{bodies: map[string][]byte{}} }

// Calls returns what was recorded so far, in order.
func (j *Journal) Calls() []posture.Call {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]posture.Call(nil), j.calls...)
}

// Bodies returns the kept bodies, each once.
func (j *Journal) Bodies() []posture.Body {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]posture.Body, 0, len(j.bodies))
	for digest, data := range j.bodies {
		out = append(out, posture.Body{SHA256: digest, Data: data})
	}
	return out
}

// record adds a call and, when the operation's bodies are kept, the body as it is to be stored.
func (j *Journal) record(call posture.Call, stored []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	call.Seq = len(j.calls) + 1
	if stored != nil {
		call.Stored = digest(stored)
		j.bodies[call.Stored] = stored
	}
	j.calls = append(j.calls, call)
}

// Add takes over what an earlier attempt of the same scan recorded.
func (j *Journal) Add(calls []posture.Call, bodies map[string][]byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, call := range calls {
		call.Seq = len(j.calls) + 1
		j.calls = append(j.calls, call)
	}
	maps.Copy(j.bodies, bodies)
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// Cell is what the transport keeps for one running cell: how many calls it made, and how often each request was answered.
type Cell struct {
	mu       sync.Mutex
	calls    int
	answered map[string]int
	journal  Journal
}

// rounds is how often a cell may ask the same. A page offered twice asks for the details of its resources twice, at the same
// time: answering both lets either reading be whole. Who comes a third time runs in a circle.
const rounds = 2

type cellKey struct{}

// WithCell returns a context whose calls belong to a new cell.
func WithCell(ctx context.Context) (context.Context, *Cell) {
	cell := &Cell{answered: map[string]int{}, journal: Journal{bodies: map[string][]byte{}}}
	return context.WithValue(ctx, cellKey{}, cell), cell
}

// Calls is the number of attempts made so far.
func (c *Cell) Calls() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calls
}

// Journal is what the cell's calls were and the bodies that are kept of them, by digest.
func (c *Cell) Journal() ([]posture.Call, map[string][]byte) {
	return c.journal.Calls(), c.journal.bodies
}

func (c *Cell) record(call posture.Call, stored []byte) {
	if c != nil {
		c.journal.record(call, stored)
	}
}

func (c *Cell) count() {
	if c != nil {
		c.mu.Lock()
		c.calls++
		c.mu.Unlock()
	}
}

// answer notes that a request was answered; it returns collectors.ErrRepeatedPage when the cell asks the same again and again.
func (c *Cell) answer(fingerprint string) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answered[fingerprint]++
	if c.answered[fingerprint] > rounds {
		return collectors.ErrRepeatedPage
	}
	return nil
}

func cellOf(ctx context.Context) *Cell {
	c, _ := ctx.Value(cellKey{}).(*Cell)
	return c
}
