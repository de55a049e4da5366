// Package reread reads the accounts of a package a second time, from the answers recorded in it or from the clouds themselves, and
// says where the settings differ from the recorded ones.
package reread

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"sync"

	"golang.org/x/time/rate"

	"github.com/plumbline-dev/plumbline/collectors/transport"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// Recording answers requests with what one scan recorded, matched by operation, region and the digest of the request, which covers
// parameters and page. It dials nothing.
type Recording struct {
	answers map[transport.Asked][]posture.Call // in the order in which they came
	kept    map[string]bool                    // operations of which some answer is kept
	body    func(sha256 string) ([]byte, error)
	change  func([]byte) []byte // what becomes of a body that was redacted

	mu       sync.Mutex
	asked    map[transport.Asked]int
	unknown  map[string]int    // requests without a recorded answer, by operation
	notKept  map[string]bool   // operations whose answers the package does not hold
	redacted map[string]bool   // operations in whose answers something was removed
	altered  map[string]string // bodies that do not fit their digest: the digest that they have
}

func unlimited(string) rate.Limit { return 0 }

// NewRecording returns the recording of a scan that made these calls. The body of a call is asked for by its digest; fs.ErrNotExist
// says that it is not held.
func NewRecording(calls []posture.Call, body func(sha256 string) ([]byte, error)) *Recording {
	r := &Recording{
		answers: map[transport.Asked][]posture.Call{}, kept: map[string]bool{}, body: body, asked: map[transport.Asked]int{},
		unknown: map[string]int{}, notKept: map[string]bool{}, redacted: map[string]bool{}, altered: map[string]string{},
	}
	for _, c := range calls {
		key := askedBy(c)
		list := r.answers[key]
		if n := len(list) - 1; n >= 0 && (c.Attempt > 1 && list[n].Attempt == c.Attempt-1 || list[n].Status == http.StatusUnauthorized) {
			list[n] = c // of one request the last attempt counts, and not the challenge to sign in
		} else {
			r.answers[key] = append(list, c)
		}
		r.kept[c.Operation] = r.kept[c.Operation] || c.Stored != ""
	}
	return r
}

func askedBy(c posture.Call) transport.Asked {
	return transport.Asked{Target: transport.Target{Operation: c.Operation, Region: c.Region}, Parameters: c.Parameters}
}

var (
	errUnknown = errors.New("the package holds no such call")
	errNotKept = errors.New("the package does not hold the answer")
)

// lost is a call that got no answer.
type lost struct{ reason string }

func (e lost) Error() string { return e.reason }
func (e lost) Timeout() bool { return e.reason == string(posture.ReasonTimeout) }

// Do answers a request that a transport sends.
func (r *Recording) Do(req *http.Request) (*http.Response, error) {
	asked, ok := transport.AskedOf(req.Context())
	if !ok {
		return nil, fmt.Errorf("%s %s: %w", req.Method, req.URL.Host, errUnknown)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	list := r.answers[asked]
	if len(list) == 0 {
		if kept, called := r.kept[asked.Operation]; called && !kept {
			r.notKept[asked.Operation] = true // what is asked may rest on another answer that is not there
			return nil, errNotKept
		}
		r.unknown[asked.Operation]++
		return nil, errUnknown
	}
	call := list[min(r.asked[asked], len(list)-1)]
	r.asked[asked]++
	if call.Status == 0 {
		return nil, lost{call.Error}
	}
	body, err := r.stored(call)
	if err != nil {
		return nil, err
	}
	if body == nil || req.Method == http.MethodHead {
		r.notKept[call.Operation] = true
		if call.Status < 300 {
			return nil, errNotKept
		}
		body = fmt.Appendf(nil, `{"error":{"code":%s,"status":%q}}`, strconv.Quote(call.Code), call.Code)
	}
	header := http.Header{"Date": {call.ServerDate}, "X-Amzn-Requestid": {call.RequestID}}
	header.Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE(body)), 10)) // DynamoDB's client asks for it
	if protocol := req.Header.Get("Smithy-Protocol"); protocol != "" {
		header.Set("Smithy-Protocol", protocol)
	}
	if call.Code != "" {
		header.Set("X-Amzn-Errortype", call.Code)
		header.Set("X-Ms-Error-Code", call.Code)
	}
	return &http.Response{
		StatusCode: call.Status, Status: strconv.Itoa(call.Status) + " " + http.StatusText(call.Status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// stored returns the kept body of a call, nil if there is none.
func (r *Recording) stored(call posture.Call) ([]byte, error) {
	if call.Stored == "" {
		return nil, nil
	}
	body, err := r.body(call.Stored)
	if errors.Is(err, fs.ErrNotExist) {
		r.altered[call.Stored] = "no such file"
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != call.Stored {
		r.altered[call.Stored] = hex.EncodeToString(sum[:])
	}
	if marked.Match(body) {
		r.redacted[call.Operation] = true
		if r.change != nil {
			body = r.change(body)
		}
	}
	return body, nil
}
