package scan

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Checkpoints keep what the tasks of an unfinished scan have read, so that a scan that was interrupted goes on where it stopped.
type Checkpoints interface {
	// Checkpoints returns what earlier attempts of the run saved, by task.
	Checkpoints(ctx context.Context, account, run string) (map[string][]byte, error)
	SaveCheckpoint(ctx context.Context, account, run, task string, data []byte) error
	// DropCheckpoints removes all of the account's.
	DropCheckpoints(ctx context.Context, account string) error
}

// maxResume is how old a checkpoint may be: a snapshot must not join settings that never were in force together.
const maxResume = time.Hour

// checkpoint is one task's reading as it is saved. Only tasks that read all their cells to the end are.
type checkpoint struct {
	Tool      string            `json:"tool"`
	Cells     []posture.Cell    `json:"cells"`
	Resources []savedResource   `json:"resources"`
	Calls     []posture.Call    `json:"calls"`
	Bodies    map[string][]byte `json:"bodies"`
}

type savedResource struct {
	posture.Key
	Attributes json.RawMessage  `json:"attributes"`
	Unread     []posture.Unread `json:"unread,omitempty"`
}

// resumption is one scan's use of checkpoints; the zero value uses none.
type resumption struct {
	store   Checkpoints
	account string
	run     string
	tool    string
	now     time.Time
	journal *transport.Journal
	log     *slog.Logger

	saved map[string][]byte
}

// taskName tells the tasks of an account apart.
func taskName(position int, task collectors.Task) string {
	return fmt.Sprintf("%d %s %s", position, task.Fills[0].Name, task.Region)
}

// restore returns what an earlier attempt read for the task. A checkpoint that does not fit is no checkpoint.
func (r *resumption) restore(name string, task collectors.Task) (cells []posture.Cell, resources []*posture.Resource, ok bool) {
	if r == nil || r.saved[name] == nil {
		return nil, nil, false
	}
	c, err := decodeCheckpoint(r.saved[name])
	if err != nil || c.Tool != r.tool || len(c.Cells) == 0 || r.now.Sub(c.Cells[0].Started) > maxResume {
		return nil, nil, false
	}
	for _, saved := range c.Resources {
		t := typeNamed(task.Fills, saved.Type)
		if t == nil {
			return nil, nil, false
		}
		attributes, unread, err := t.Decode(saved.Attributes, saved.Unread)
		if err != nil {
			return nil, nil, false
		}
		resources = append(resources, &posture.Resource{Key: saved.Key, Attributes: attributes, Unread: unread})
	}
	r.journal.Add(c.Calls, c.Bodies)
	return c.Cells, resources, true
}

// save keeps a task's reading. A checkpoint that cannot be written costs time after an interruption, no more.
func (r *resumption) save(ctx context.Context, name string, task collectors.Task, cells []posture.Cell, resources []*posture.Resource, read *transport.Cell) {
	if r == nil || task.Skip != nil {
		return
	}
	for _, c := range cells {
		if _, gap := c.Gap(); gap {
			return
		}
	}
	c := checkpoint{Tool: r.tool, Cells: cells}
	c.Calls, c.Bodies = read.Journal()
	data, err := c.encode(task, resources)
	if err == nil {
		err = r.store.SaveCheckpoint(ctx, r.account, r.run, name, data)
	}
	if err != nil {
		r.log.WarnContext(ctx, "checkpoint not saved", "account", r.account, "task", name, "error", err)
	}
}

func (c *checkpoint) encode(task collectors.Task, resources []*posture.Resource) ([]byte, error) {
	for _, resource := range resources {
		attributes, err := json.Marshal(typeNamed(task.Fills, resource.Type).Encode(resource.Attributes, resource.Unread))
		if err != nil {
			return nil, fmt.Errorf("encode %s %s: %w", resource.Type, resource.ID, err)
		}
		c.Resources = append(c.Resources, savedResource{resource.Key, attributes, resource.Unread})
	}
	data, err := json.Marshal(c)
	if err != nil {
		return nil, err
	}
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return nil, err
	}
	return w.EncodeAll(data, nil), w.Close()
}

func decodeCheckpoint(data []byte) (c checkpoint, err error) {
	r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return c, err
	}
	defer r.Close()
	if data, err = r.DecodeAll(data, nil); err != nil {
		return c, err
	}
	return c, json.Unmarshal(data, &c)
}

func typeNamed(types []*posture.Type, name string) *posture.Type {
	for _, t := range types {
		if t.Name == name {
			return t
		}
	}
	return nil
}
