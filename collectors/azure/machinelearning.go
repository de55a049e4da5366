package azure

import (
	"cmp"
	"context"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var machineLearningWorkspaces = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.MachineLearningWorkspaceType},
	Operations: []collectors.Operation{
		{Name: "armmachinelearning.WorkspacesClient.NewListBySubscriptionPager", Permission: "Microsoft.MachineLearningServices/workspaces/read", Body: collectors.Store},
		// Holds set-up scripts, environment variables, and tokens and passwords of attached clusters.
		{Name: "armmachinelearning.ComputeClient.NewListPager", Permission: "Microsoft.MachineLearningServices/workspaces/computes/read", Body: collectors.Digest},
	},
	Collect: collectMachineLearning,
}

func collectMachineLearning(ctx context.Context, c *client, emit collectors.Emit) error {
	factory, err := armmachinelearning.NewClientFactory(c.subscription, c.credential, c.options)
	if err != nil {
		return err
	}
	var found []*armmachinelearning.Workspace
	err = pages(ctx, factory.NewWorkspacesClient().NewListBySubscriptionPager(nil), func(page armmachinelearning.WorkspacesClientListBySubscriptionResponse) error {
		found = append(found, page.Value...)
		return nil
	})
	_ = parallel(found, func(w *armmachinelearning.Workspace) string { return idOf(w.ID) }, func(w *armmachinelearning.Workspace) error {
		out := newMachineLearningWorkspace(w)
		var gaps []collectors.Gap
		if err := readComputes(ctx, factory.NewComputeClient(), &out); err != nil {
			gaps = append(gaps, collectors.Unread(err, "compute_local_auth_enabled", "compute_public_ip"))
		}
		emit(idOf(w.ID), &out, gaps...)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list workspaces: %w", err)
	}
	return nil
}

func newMachineLearningWorkspace(w *armmachinelearning.Workspace) schema.MachineLearningWorkspace {
	p := value(w.Properties)
	return schema.MachineLearningWorkspace{
		Resource: resource(w.ID, w.Name, w.Location, w.Tags), Kind: text(w.Kind), PublicNetworkAccess: cmp.Or(text(p.PublicNetworkAccess), "Enabled"),
		PrivateEndpointsApproved: approved(p.PrivateEndpointConnections,
			func(e *armmachinelearning.PrivateEndpointConnection) *armmachinelearning.PrivateEndpointServiceConnectionStatus {
				return value(value(e.Properties).PrivateLinkServiceConnectionState).Status
			}),
		ManagedNetworkIsolation: cmp.Or(text(value(p.ManagedNetwork).IsolationMode), string(armmachinelearning.IsolationModeDisabled)),
		EncryptionStatus:        cmp.Or(text(value(p.Encryption).Status), string(armmachinelearning.EncryptionStatusDisabled)), HBI: is(p.HbiWorkspace),
	}
}

// readComputes counts the machines that the workspace runs itself; what is merely attached to it has settings of its own.
func readComputes(ctx context.Context, api *armmachinelearning.ComputeClient, out *schema.MachineLearningWorkspace) error {
	err := pages(ctx, api.NewListPager(out.ResourceGroup, out.Name, nil), func(page armmachinelearning.ComputeClientListResponse) error {
		for _, r := range page.Value {
			var public *bool
			switch machines := r.Properties.(type) {
			case *armmachinelearning.AmlCompute:
				public = value(machines.Properties).EnableNodePublicIP
			case *armmachinelearning.ComputeInstance:
				public = value(machines.Properties).EnableNodePublicIP
			default:
				continue
			}
			if !is(r.Properties.GetCompute().DisableLocalAuth) {
				out.ComputeLocalAuthEnabled++
			}
			if public == nil || *public {
				out.ComputePublicIP++
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("list computes: %w", err)
	}
	return nil
}
