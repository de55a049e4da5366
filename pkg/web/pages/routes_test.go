package pages

import (
	"net/http"
	"testing"
)

// TestPagesStandBesideTheAPI: the multiplexer refuses patterns of which neither is the more specific by a panic.
func TestPagesStandBesideTheAPI(t *testing.T) {
	mux := http.NewServeMux()
	mux.Handle("/api/", http.NotFoundHandler())
	mux.Handle("GET /signin/link", http.NotFoundHandler())
	mux.Handle("POST /signin/link", http.NotFoundHandler())
	(&Pages{}).Routes(mux)
}
