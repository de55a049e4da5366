package channel

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// pagerDuty sends events of the Events API v2 (https://developer.pagerduty.com/docs/send-alert-event). One alert is one incident.
type pagerDuty struct {
	url, key string
	client   *http.Client
}

func newPagerDuty(r config.Receiver, client *http.Client) (alert.Channel, []string) {
	if r.PagerDuty == nil {
		return nil, nil
	}
	key := string(r.PagerDuty.RoutingKey)
	return pagerDuty{strings.TrimSuffix(r.PagerDuty.URL, "/") + "/v2/enqueue", key, client}, []string{key}
}

type pagerEvent struct {
	RoutingKey string        `json:"routing_key"`
	Action     string        `json:"event_action"`
	DedupKey   string        `json:"dedup_key"`
	Client     string        `json:"client,omitempty"`
	ClientURL  string        `json:"client_url,omitempty"`
	Payload    *pagerPayload `json:"payload,omitempty"` // of a trigger
	Links      []pagerLink   `json:"links,omitempty"`
}

type pagerPayload struct {
	Summary   string            `json:"summary"` // at most 1024 characters
	Source    string            `json:"source"`
	Severity  string            `json:"severity"`
	Timestamp string            `json:"timestamp,omitempty"`
	Component string            `json:"component,omitempty"`
	Group     string            `json:"group,omitempty"`
	Class     string            `json:"class,omitempty"`
	Details   map[string]string `json:"custom_details,omitempty"`
}

type pagerLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

var pagerSeverities = map[string]string{"critical": "critical", "high": "error", "medium": "warning"}

func (p pagerDuty) Send(ctx context.Context, m alert.Message) (string, error) {
	e := pagerEvent{RoutingKey: p.key, DedupKey: m.Key}
	switch m.Kind {
	case alert.TellAcknowledged:
		e.Action = "acknowledge"
	case alert.TellResolved:
		e.Action = "resolve"
	case alert.TellDigest:
		return "", unfit("PagerDuty", m)
	case alert.TellTest:
		e.DedupKey = "plumbline test " + m.Delivery
		fallthrough
	default:
		e.Action, e.Client, e.ClientURL = "trigger", "Plumbline", m.URL
		e.Payload = &pagerPayload{
			Summary: m.Headline(), Source: m.Account, Severity: pagerSeverities[m.Severity], Component: strings.Join(m.Rules, ", "),
			Group: strings.Join(m.Controls, ", "), Class: string(m.Class),
			Details: map[string]string{"text": strings.Join(m.Body(), "\n"), "delivery": m.Delivery},
		}
		if r := []rune(e.Payload.Summary); len(r) > 1024 {
			e.Payload.Summary = string(r[:1023]) + "…"
		}
		if e.Payload.Source == "" {
			e.Payload.Source = "plumbline"
		}
		if e.Payload.Severity == "" {
			e.Payload.Severity = "info"
		}
		if !m.Began.IsZero() {
			e.Payload.Timestamp = m.Began.UTC().Format(time.RFC3339)
		}
		if m.URL != "" {
			e.Links = []pagerLink{{m.URL, "Open in Plumbline"}}
		}
	}
	answer, err := p.send(ctx, m.Delivery, e)
	if err == nil && m.Kind == alert.TellTest { // leaves no incident behind
		return p.send(ctx, m.Delivery, pagerEvent{RoutingKey: p.key, Action: "resolve", DedupKey: e.DedupKey})
	}
	return answer, err
}

// send names the delivery in a header: an acknowledgement and a resolution name their alert only.
func (p pagerDuty) send(ctx context.Context, delivery string, e pagerEvent) (string, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return "", err
	}
	return post(ctx, p.client, p.url, body, http.Header{"Plumbline-Delivery": {delivery}})
}
