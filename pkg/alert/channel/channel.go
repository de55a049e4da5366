// Package channel sends the messages of alerts: one file for each kind of receiver, one line in the table kinds.
package channel

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// kinds are the channels. Each returns nil for a receiver of another kind, and otherwise the secrets that no text may show.
var kinds = []func(config.Receiver, *http.Client) (c alert.Channel, secrets []string){
	newSlack, newPagerDuty, newAlertmanager, newEmail, newWebhook,
}

// New returns the channels of receivers by name. A receiver without one is posture.ErrInvalid.
func New(receivers []config.Receiver) (map[string]alert.Channel, error) {
	client := &http.Client{
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // the body and its secrets stay here
	}
	out := make(map[string]alert.Channel, len(receivers))
	for _, r := range receivers {
		for _, kind := range kinds {
			if c, secrets := kind(r, client); c != nil {
				slices.SortFunc(secrets, func(a, b string) int { return len(b) - len(a) }) // one may hold another
				out[r.Name] = guard{c, secrets}
			}
		}
		if out[r.Name] == nil {
			return nil, fmt.Errorf("receiver %q: no channel: %w", r.Name, posture.ErrInvalid)
		}
	}
	return out, nil
}

// guard stands before every channel: texts go in clean, and nothing comes out that holds a secret.
type guard struct {
	alert.Channel
	secrets []string
}

func (g guard) Send(ctx context.Context, m alert.Message) (string, error) {
	answer, err := g.Channel.Send(ctx, m.Clean())
	if err == nil {
		return g.hide(answer), nil
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{text: err.Error()}
	}
	switch text := g.hide(f.text); {
	case f.permanent:
		return "", fmt.Errorf("%w: %s", alert.ErrPermanent, text)
	case f.after > 0:
		return "", &alert.Later{After: f.after, Err: errors.New(text)}
	default:
		return "", errors.New(text)
	}
}

func (g guard) hide(text string) string {
	for _, secret := range g.secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "[hidden]")
		}
	}
	return alert.Clean(text)
}

// failure is why a message was not taken.
type failure struct {
	text      string
	permanent bool
	after     time.Duration // what the other side asks to wait
}

func (f *failure) Error() string { return f.text }

// unfit is a message that a channel has no form for.
func unfit(channel string, m alert.Message) error {
	return &failure{text: channel + " has no form for messages of kind " + string(m.Kind), permanent: true}
}
