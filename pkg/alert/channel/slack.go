package channel

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// slack posts to an incoming webhook (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks).
type slack struct {
	url    string
	client *http.Client
}

func newSlack(r config.Receiver, client *http.Client) (alert.Channel, []string) {
	if r.Slack == nil {
		return nil, nil
	}
	address := string(r.Slack.URL)
	secrets := []string{address}
	if u, err := url.Parse(address); err == nil && len(u.Path) > 1 {
		secrets = append(secrets, u.Path, u.Path[strings.LastIndexByte(u.Path, '/')+1:])
	}
	return slack{address, client}, secrets
}

type slackMessage struct {
	Text        string       `json:"text"` // for notifications, and where blocks are not shown
	UnfurlLinks bool         `json:"unfurl_links"`
	UnfurlMedia bool         `json:"unfurl_media"`
	Blocks      []slackBlock `json:"blocks"`
}

type slackBlock struct {
	Type string    `json:"type"`
	Text slackText `json:"text"`
}

type slackText struct {
	Type     string `json:"type"`
	Text     string `json:"text"`
	Verbatim bool   `json:"verbatim"` // no links or mentions are made of plain text
}

const (
	slackLine    = 500  // runes of a line; each becomes at most 5 bytes
	slackSection = 3000 // characters of a block's text
	slackBlocks  = 20   // what is more is left to the page
)

func (s slack) Send(ctx context.Context, m alert.Message) (string, error) {
	out := slackMessage{Text: slackEscape(m.Headline())}
	text := "*" + out.Text + "*"
	add := func(line string) {
		if len(text)+1+len(line) > slackSection {
			out.Blocks = append(out.Blocks, slackBlock{"section", slackText{"mrkdwn", text, true}})
			text = line
			return
		}
		text += "\n" + line
	}
	for _, line := range m.Body() {
		if len(out.Blocks) == slackBlocks {
			add("…")
			break
		}
		add(slackEscape(line))
	}
	if m.URL != "" {
		add("<" + slackEscape(m.URL) + "|Open in Plumbline>")
	}
	add("_" + slackEscape(m.Delivery) + "_")
	out.Blocks = append(out.Blocks, slackBlock{"section", slackText{"mrkdwn", text, true}})
	body, err := json.Marshal(out)
	if err != nil {
		return "", err
	}
	return post(ctx, s.client, s.url, body, nil)
}

var slackMarkup = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "`", "'")

// slackEscape returns text in which nothing mentions, links or begins a block of code.
func slackEscape(s string) string {
	if r := []rune(s); len(r) > slackLine {
		s = string(r[:slackLine-1]) + "…"
	}
	return slackMarkup.Replace(s)
}
