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

// alertmanager posts to Prometheus Alertmanager's API v2 (its api/v2/openapi.yaml). An alert fires there until its end is told: what
// has no end gets one far away, as Alertmanager would end it after a few minutes.
type alertmanager struct {
	url, token string
	client     *http.Client
}

func newAlertmanager(r config.Receiver, client *http.Client) (alert.Channel, []string) {
	if r.Alertmanager == nil {
		return nil, nil
	}
	token := string(r.Alertmanager.Token)
	return alertmanager{strings.TrimSuffix(r.Alertmanager.URL, "/") + "/api/v2/alerts", token, client}, []string{token}
}

type postableAlert struct {
	Labels       map[string]string `json:"labels"` // the same for as long as an alert lasts: they are its name
	Annotations  map[string]string `json:"annotations"`
	StartsAt     time.Time         `json:"startsAt"`
	EndsAt       time.Time         `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL,omitempty"`
}

func (a alertmanager) Send(ctx context.Context, m alert.Message) (string, error) {
	out := postableAlert{
		Labels: map[string]string{
			"alertname": "Plumbline " + string(m.Class), "plumbline_alert": m.Key, "severity": m.Severity, "account": m.Account, "class": string(m.Class),
		},
		Annotations:  map[string]string{"summary": m.Headline(), "description": strings.Join(m.Body(), "\n"), "delivery": m.Delivery},
		StartsAt:     m.Began,
		EndsAt:       m.Began.AddDate(5, 0, 0),
		GeneratorURL: m.URL,
	}
	switch m.Kind {
	case alert.TellResolved:
		out.EndsAt = m.Ended
	case alert.TellTest:
		out.Labels["alertname"], out.Labels["plumbline_alert"] = "Plumbline test", m.Delivery
		out.EndsAt = m.Began.Add(time.Minute)
	case alert.TellDigest, alert.TellAcknowledged:
		return "", unfit("Alertmanager", m)
	}
	if len(m.Rules) == 1 {
		out.Labels["rule"] = m.Rules[0]
	}
	for name, value := range out.Labels {
		if value == "" {
			delete(out.Labels, name)
		}
	}
	body, err := json.Marshal([]postableAlert{out})
	if err != nil {
		return "", err
	}
	headers := http.Header{}
	if a.token != "" {
		headers.Set("Authorization", "Bearer "+a.token)
	}
	return post(ctx, a.client, a.url, body, headers)
}
