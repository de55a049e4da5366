package channel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"html"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// email sends plain text with an HTML rendering beside it. The message is put together here: go-mail's own messages bring
// text/template along, which keeps the linker from dropping what nobody calls.
type email struct {
	config.Email
	roots *x509.CertPool // nil: those of the system
}

func newEmail(r config.Receiver, _ *http.Client) (alert.Channel, []string) {
	if r.Email == nil {
		return nil, nil
	}
	e := *r.Email
	secrets := []string{string(e.Password)}
	if e.Password != "" { // as it travels
		secrets = append(secrets, base64.StdEncoding.EncodeToString([]byte(e.Password)),
			base64.StdEncoding.EncodeToString([]byte("\x00"+e.Username+"\x00"+string(e.Password))))
	}
	return email{Email: e}, secrets
}

func (e email) Send(ctx context.Context, m alert.Message) (string, error) {
	text, err := e.message(m, time.Now())
	if err != nil {
		return "", err
	}
	answer, err := e.send(ctx, text)
	var refused *textproto.Error
	switch {
	case errors.As(err, &refused):
		return "", &failure{text: fmt.Sprintf("%d %s", refused.Code, refused.Msg), permanent: refused.Code >= 500}
	case ctx.Err() != nil:
		return "", &failure{text: "the server did not answer in time"}
	}
	return answer, err
}

func (e email) send(ctx context.Context, text []byte) (answer string, err error) {
	host, _, err := net.SplitHostPort(e.Server)
	if err != nil {
		return "", &failure{text: err.Error(), permanent: true}
	}
	secure := &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: e.roots}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", e.Server)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if e.TLS == "implicit" {
		conn = tls.Client(conn, secure)
	}
	client, err := smtp.NewClient(conn, host)
	if err != nil {
		return "", err
	}
	if e.TLS == "starttls" {
		if err := client.StartTLS(secure); err != nil {
			return "", err
		}
	}
	if e.Username != "" {
		if err := e.signIn(client, host); err != nil {
			return "", err
		}
	}
	if err := client.Mail("<" + e.From + ">"); err != nil {
		return "", err
	}
	var refused []string
	for _, to := range e.To {
		var why *textproto.Error
		err := client.Rcpt("<" + to + ">")
		if errors.As(err, &why) && len(refused) < len(e.To)-1 { // the others still get it
			refused = append(refused, fmt.Sprintf("; not to %s: %v", to, why))
			continue
		}
		if err != nil {
			return "", err
		}
	}
	w, err := client.Data()
	if err != nil {
		return "", err
	}
	if _, err := w.Write(text); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	if d, ok := w.(*smtp.DataCloser); ok {
		answer = d.ServerResponse()
	}
	_ = client.Quit() // the message was taken
	return answer + strings.Join(refused, ""), nil
}

// signIn sends the password only over TLS or to this machine, which smtp sees to.
func (e email) signIn(client *smtp.Client, host string) error {
	_, offered := client.Extension("AUTH")
	if strings.Contains(offered, "LOGIN") && !strings.Contains(offered, "PLAIN") {
		return client.Auth(smtp.LoginAuth(e.Username, string(e.Password), host, false))
	}
	return client.Auth(smtp.PlainAuth("", e.Username, string(e.Password), host, false))
}

// message is the whole mail. Its Message-ID is that of the delivery; mails of one alert are one thread.
func (e email) message(m alert.Message, now time.Time) ([]byte, error) {
	_, domain, _ := strings.Cut(e.From, "@")
	id := func(name string) string {
		return "<" + strings.NewReplacer("/", ".", " ", ".").Replace(name) + ".plumbline@" + domain + ">"
	}
	delivery := m.Delivery
	if m.Key != "" {
		delivery = m.Delivery + "." + m.Key
	}
	var b bytes.Buffer
	header := func(name, value string) { b.WriteString(name + ": " + value + "\r\n") }
	header("From", "Plumbline <"+e.From+">")
	header("To", "<"+strings.Join(e.To, ">,\r\n <")+">")
	header("Subject", subject(m.Headline()))
	header("Date", now.Format(time.RFC1123Z))
	header("Message-ID", id(delivery))
	if m.Key != "" {
		header("References", id(m.Key))
	}
	header("Auto-Submitted", "auto-generated")
	header("MIME-Version", "1.0")
	parts := multipart.NewWriter(&b)
	boundary := sha256.Sum256([]byte(id(delivery))) // the same mail again is the same bytes but for its date
	if err := parts.SetBoundary(hex.EncodeToString(boundary[:16])); err != nil {
		return nil, err
	}
	header("Content-Type", "multipart/alternative; boundary="+parts.Boundary())
	b.WriteString("\r\n")
	lines := m.Body()
	if m.URL != "" {
		lines = append(lines, "", m.URL)
	}
	for _, part := range []struct{ kind, text string }{
		{"text/plain", m.Headline() + "\r\n\r\n" + strings.Join(lines, "\r\n") + "\r\n"},
		{"text/html", page(m, lines)},
	} {
		w, err := parts.CreatePart(textproto.MIMEHeader{
			"Content-Type": {part.kind + "; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"},
		})
		if err != nil {
			return nil, err
		}
		quoted := quotedprintable.NewWriter(w)
		if _, err := quoted.Write([]byte(part.text)); err != nil {
			return nil, err
		}
		if err := quoted.Close(); err != nil {
			return nil, err
		}
	}
	err := parts.Close()
	return b.Bytes(), err
}

// subject is at most 150 runes, encoded where it has to be and folded.
func subject(s string) string {
	if r := []rune(s); len(r) > 150 {
		s = string(r[:149]) + "…"
	}
	return strings.ReplaceAll(mime.QEncoding.Encode("utf-8", s), "?= =?", "?=\r\n =?")
}

// page is the HTML rendering.
func page(m alert.Message, lines []string) string {
	var b strings.Builder
	b.WriteString("<!DOCTYPE html>\r\n<html><body><p><strong>" + html.EscapeString(m.Headline()) + "</strong></p>\r\n<p>")
	for _, line := range lines {
		if line == m.URL && line != "" {
			b.WriteString(`<a href="` + html.EscapeString(line) + `">Open in Plumbline</a>`)
			continue
		}
		b.WriteString(html.EscapeString(line) + "<br>\r\n")
	}
	b.WriteString("</p></body></html>\r\n")
	return b.String()
}
