package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
)

// graphClient reads Microsoft Graph through the SDK's own pipeline: about twenty reads need no client library of their own.
type graphClient struct {
	endpoint string
	pipeline runtime.Pipeline
}

func newGraph(credential azcore.TokenCredential, endpoint string, settings policy.ClientOptions) (*graphClient, error) {
	bearer := runtime.NewBearerTokenPolicy(credential, []string{endpoint + "/.default"}, nil)
	pipeline := runtime.NewPipeline("plumbline", "", runtime.PipelineOptions{PerRetry: []policy.Policy{bearer}}, &settings)
	return &graphClient{endpoint, pipeline}, nil
}

// get reads one answer into out.
func (g *graphClient) get(ctx context.Context, path string, query url.Values, out any) error {
	address := g.endpoint + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	return g.send(ctx, http.MethodGet, address, out)
}

func (g *graphClient) send(ctx context.Context, verb, address string, out any) error {
	req, err := runtime.NewRequest(ctx, verb, address)
	if err != nil {
		return err
	}
	req.Raw().Header.Set("Accept", "application/json")
	resp, err := g.pipeline.Do(req)
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return runtime.NewResponseError(resp)
	}
	return runtime.UnmarshalAsJSON(resp, out)
}

// graphPages reads a list to its end, following its links as they are, and hands over each element.
func graphPages[T any](ctx context.Context, g *graphClient, path string, query url.Values, each func(T) error) error {
	address := g.endpoint + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	for address != "" {
		var page struct {
			Value []json.RawMessage `json:"value"`
			Next  string            `json:"@odata.nextLink"`
		}
		if err := g.send(ctx, http.MethodGet, address, &page); err != nil {
			return err
		}
		for _, raw := range page.Value {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				return err
			}
			if err := each(v); err != nil {
				return err
			}
		}
		address = page.Next
	}
	return nil
}
