package azure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	return g.send(ctx, http.MethodGet, address, nil, out)
}

// send makes one request, with in as its body unless that is nil, and reads the answer into out.
func (g *graphClient) send(ctx context.Context, verb, address string, in, out any) error {
	req, err := runtime.NewRequest(ctx, verb, address)
	if err != nil {
		return err
	}
	if in != nil {
		if err := runtime.MarshalAsJSON(req, in); err != nil {
			return err
		}
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
		if err := g.send(ctx, http.MethodGet, address, nil, &page); err != nil {
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

// The plans of Entra ID that some reads need, as licences list them.
const (
	premiumP1 = "AAD_PREMIUM"
	premiumP2 = "AAD_PREMIUM_P2"
)

// licences are the plans of the tenant that are in force, read once however often they are asked for.
type licences struct {
	plans map[string]bool
	err   error
}

func readLicences(ctx context.Context, g *graphClient) *licences {
	out := &licences{plans: map[string]bool{}}
	type sku struct {
		Status string `json:"capabilityStatus"`
		Plans  []struct {
			Name   string `json:"servicePlanName"`
			Status string `json:"provisioningStatus"`
		} `json:"servicePlans"`
	}
	out.err = graphPages(ctx, g, "/v1.0/subscribedSkus", nil, func(s sku) error {
		for _, p := range s.Plans {
			if s.Status == "Enabled" && p.Status != "Disabled" {
				out.plans[p.Name] = true
			}
		}
		return nil
	})
	return out
}

// unlicensed reports whether err is Graph's answer to a tenant that lacks a licence. Missing consent has other codes.
func unlicensed(err error) bool {
	return hasCode(err, "AadPremiumLicenseRequired", "NoLicense", "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
}

// lacks reports whether err says that the tenant has no such plan, and its licences say so too: Graph is known to refuse
// tenants that do have it, when it fails to look that up. skus reads the licences. The error is err, or why nobody knows.
func lacks(err error, plan string, skus func() *licences) (bool, error) {
	if !unlicensed(err) {
		return false, err
	}
	l := skus()
	if l.err != nil {
		return false, fmt.Errorf("read licences: %w", l.err)
	}
	if l.plans[plan] || plan == premiumP1 && l.plans[premiumP2] {
		return false, err
	}
	return true, needs(err, plan)
}

// needs names in the code of a refusal the plan for want of which it was refused.
func needs(err error, plan string) error {
	var answered *azcore.ResponseError
	if !errors.As(err, &answered) {
		return err
	}
	named := *answered
	named.ErrorCode = "needs " + plan + ": " + answered.ErrorCode
	return &named
}
