package fault

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
)

// InMemory returns a transport that calls the handler without sockets. As with a real connection, a body shorter than
// its declared length ends in io.ErrUnexpectedEOF, and a handler that aborts gives no response.
func InMemory(h http.Handler) http.RoundTripper { return memory{h} }

type memory struct{ handler http.Handler }

func (m memory) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
	}
	in := r.Clone(r.Context())
	in.RequestURI = r.URL.RequestURI()
	if in.Host == "" {
		in.Host = r.URL.Host
	}
	if in.Body == nil {
		in.Body = http.NoBody
	}
	out := newBuffer()
	err := serve(m.handler, out, in)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	if err != nil {
		return nil, err
	}
	length := out.body.Len()
	body := io.Reader(&out.body)
	if declared, err := strconv.Atoi(out.header.Get("Content-Length")); err == nil {
		if declared > length {
			body = io.MultiReader(body, broken{})
		}
		length = declared
	}
	if r.Method == http.MethodHead {
		body = bytes.NewReader(nil)
	}
	return &http.Response{
		Status: strconv.Itoa(out.status) + " " + http.StatusText(out.status), StatusCode: out.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: out.header, Body: io.NopCloser(body), ContentLength: int64(length), Request: r,
	}, nil
}

// serve runs the handler; one that aborts its connection gives io.EOF, as the client of a real one would see.
func serve(h http.Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		switch reason := recover(); {
		case reason == nil:
		case isAbort(reason):
			err = io.EOF
		default:
			panic(reason)
		}
	}()
	h.ServeHTTP(w, r)
	return nil
}

func isAbort(reason any) bool {
	err, ok := reason.(error)
	return ok && errors.Is(err, http.ErrAbortHandler)
}

// broken is the end of a cut connection.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
