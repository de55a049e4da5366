package channel

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	maxAnswer = 4 << 10 // bytes read of an answer
	longest   = 24 * time.Hour
)

// post sends JSON and returns the status and the beginning of the answer. Redirects are failures: nothing that we are told may
// move a secret elsewhere.
func post(ctx context.Context, client *http.Client, address string, body []byte, headers http.Header) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return "", &failure{text: "its URL is not valid", permanent: true} // the error would show it
	}
	for name, values := range headers {
		r.Header[name] = values
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Plumbline")
	answer, err := client.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err // without the URL
		}
		return "", &failure{text: err.Error()}
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	said := strings.TrimSpace(answer.Status + " " + string(text))
	switch code := answer.StatusCode; {
	case code >= 200 && code < 300:
		return said, nil
	case code == http.StatusRequestTimeout || code == http.StatusTooEarly || code == http.StatusTooManyRequests || code >= 500:
		return "", &failure{text: said, after: retryAfter(answer.Header.Get("Retry-After"), time.Now())}
	case code >= 300 && code < 400:
		return "", &failure{text: fmt.Sprintf("%s: it redirects, which is not followed", answer.Status), permanent: true}
	default:
		return "", &failure{text: said, permanent: true}
	}
}

// retryAfter reads a Retry-After header: seconds or a date. 0 is none.
func retryAfter(value string, now time.Time) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(strings.TrimSpace(value), 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		wait = at.Sub(now)
	}
	return min(max(wait, 0), longest)
}
