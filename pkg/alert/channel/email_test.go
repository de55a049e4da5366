package channel

import (
	"bufio"
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/plumbline-dev/plumbline/pkg/alert"
	"github.com/plumbline-dev/plumbline/pkg/config"
)

// mailed is a mail as the server took it.
type mailed struct {
	Port int
	From string
	To   []string
	TLS  bool
	User any
	Data string
}

// startSMTP runs aiosmtpd, which nobody here wrote, until the test ends.
func startSMTP(t *testing.T, mode string) (server email, next func() mailed) {
	python := cmp.Or(os.Getenv("PLUMBLINE_PYTHON"), filepath.Join("..", "..", "..", ".venv", "bin", "python"))
	if out, err := exec.Command(python, "-c", "import aiosmtpd").CombinedOutput(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatalf("no mail server: run make venv first, or set PLUMBLINE_PYTHON: %v %s", err, out)
		}
		t.Skip("no mail server: run make venv, or set PLUMBLINE_PYTHON")
	}
	cert, key, roots := certificate(t)
	command := exec.CommandContext(t.Context(), python, filepath.Join("testdata", "smtpd.py"), mode, cert, key)
	command.Stdin = strings.NewReader(secret + "\n")
	var errs strings.Builder
	command.Stderr = &errs
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines := make(chan mailed, 10)
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(output)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			var m mailed
			if json.Unmarshal(scanner.Bytes(), &m) == nil {
				lines <- m
			}
		}
	}()
	t.Cleanup(func() { // the server is killed before
		for range lines {
		}
		_ = command.Wait()
	})
	next = func() mailed {
		t.Helper()
		select {
		case m, ok := <-lines:
			if !ok {
				t.Fatalf("the mail server stopped: %s", errs.String())
			}
			return m
		case <-time.After(20 * time.Second):
			t.Fatal("the mail server has nothing to say")
			return mailed{}
		}
	}
	server = email{
		Email: config.Email{Server: fmt.Sprintf("localhost:%d", next().Port), TLS: mode, From: "plumbline@example.com", To: []string{"dana@example.com", "li@example.com"}},
		roots: roots,
	}
	if mode != "none" {
		server.Username, server.Password = "plumbline", secret
	}
	return server, next
}

// certificate makes one for localhost.
func certificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: encoded}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots = x509.NewCertPool()
	roots.AddCert(parsed)
	return cert, key, roots
}

func TestEmail(t *testing.T) {
	for _, mode := range []string{"none", "starttls", "implicit"} {
		t.Run(mode, func(t *testing.T) {
			server, next := startSMTP(t, mode)
			answer, err := guard{server, []string{secret}}.Send(t.Context(), message(alert.TellOpened))
			if err != nil || !strings.Contains(answer, "taken") {
				t.Fatalf("answer %q, error %v", answer, err)
			}
			got := next()
			if got.From != "plumbline@example.com" || !slices.Equal(got.To, server.To) || got.TLS != (mode != "none") || mode != "none" && got.User != true {
				t.Errorf("taken: %+v", got)
			}
			m, err := mail.ReadMessage(strings.NewReader(got.Data))
			if err != nil {
				t.Fatal(err)
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
			if err != nil || !strings.HasPrefix(subject, "[high] The bucket is public") || strings.ContainsAny(subject, "\r\n\u202e") {
				t.Errorf("subject %q, error %v", subject, err)
			}
			if m.Header.Get("Bcc") != "" || m.Header.Get("Message-ID") != "<D-12.plumbline.example.com.A-7.plumbline@example.com>" || m.Header.Get("References") == "" {
				t.Errorf("headers %v", m.Header)
			}
			if to, err := m.Header.AddressList("To"); err != nil || len(to) != 2 {
				t.Errorf("to %v, error %v", to, err)
			}
			plain, page := parts(t, m)
			if !strings.Contains(plain, "<script>") || !strings.Contains(plain, "https://plumbline.example.com/alerts/7") || !strings.Contains(plain, "and 399 more") {
				t.Errorf("text: %s", plain)
			}
			if strings.Contains(page, "<script>") || strings.Contains(page, "<!channel>") || !strings.Contains(page, "&lt;script&gt;") || !strings.Contains(page, `<a href="https://plumbline.example.com/alerts/7">`) {
				t.Errorf("page: %s", page)
			}
		})
	}
}

// parts returns the text and the page of a mail.
func parts(t *testing.T, m *mail.Message) (plain, page string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("content type %s, error %v", kind, err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	for _, want := range []struct {
		kind string
		text *string
	}{{"text/plain; charset=utf-8", &plain}, {"text/html; charset=utf-8", &page}} {
		part, err := reader.NextPart()
		if err != nil || part.Header.Get("Content-Type") != want.kind {
			t.Fatalf("part %v, error %v", part, err)
		}
		data, err := io.ReadAll(part)
		if err != nil {
			t.Fatal(err)
		}
		*want.text = string(data)
	}
	if _, err := reader.NextPart(); err != io.EOF {
		t.Errorf("after the last part: %v", err)
	}
	return plain, page
}

func TestEmailFailures(t *testing.T) {
	server, next := startSMTP(t, "starttls")
	send := func(change func(*email)) (string, error) {
		e := server
		change(&e)
		return guard{e, []string{secret}}.Send(t.Context(), message(alert.TellOpened))
	}
	for name, test := range map[string]struct {
		change    func(*email)
		permanent bool
	}{
		"a wrong password is refused for good":                         {func(e *email) { e.Password = "wrong" }, true},
		"a recipient that is not there is refused for good":            {func(e *email) { e.To = []string{"nobody@example.com"} }, true},
		"a certificate that nobody vouches for is no place to sign in": {func(e *email) { e.roots = x509.NewCertPool() }, false},
		"a server that is away is tried again":                         {func(e *email) { e.Server = "127.0.0.1:1" }, false},
		"no plain text where TLS is needed":                            {func(e *email) { e.TLS = "none" }, true},
	} {
		t.Run(name, func(t *testing.T) {
			if answer, err := send(test.change); err == nil || errors.Is(err, alert.ErrPermanent) != test.permanent || strings.Contains(err.Error(), secret) {
				t.Errorf("answer %q, error %v", answer, err)
			}
		})
	}
	answer, err := send(func(e *email) { e.To = []string{"nobody@example.com", "dana@example.com"} })
	if err != nil || !strings.Contains(answer, "not to nobody@example.com: 550") {
		t.Errorf("answer %q, error %v", answer, err)
	}
	if got := next(); !slices.Equal(got.To, []string{"dana@example.com"}) {
		t.Errorf("one of two recipients: %+v", got)
	}
}
