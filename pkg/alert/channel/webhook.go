package channel

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// webhook posts the message as JSON. Plumbline-Signature is "v1=" and the hex HMAC-SHA256 of the timestamp, a dot and the body;
// the timestamp, in seconds, is the header Plumbline-Timestamp. Plumbline-Delivery stays the same when a message is sent again.
type webhook struct {
	url    string
	secret []byte
	client *http.Client
}

func newWebhook(r config.Receiver, client *http.Client) (alert.Channel, []string) {
	if r.Webhook == nil {
		return nil, nil
	}
	return webhook{r.Webhook.URL, []byte(r.Webhook.Secret), client}, []string{string(r.Webhook.Secret), r.Webhook.URL}
}

func (w webhook) Send(ctx context.Context, m alert.Message) (string, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	return post(ctx, w.client, w.url, body, http.Header{
		"Plumbline-Delivery":  {m.Delivery},
		"Plumbline-Timestamp": {timestamp},
		"Plumbline-Signature": {"v1=" + Sign(w.secret, timestamp, body)},
	})
}

// Sign is the signature of a webhook's body.
func Sign(secret []byte, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(timestamp + "."))
	mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}
