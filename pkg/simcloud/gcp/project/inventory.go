package project

import (
	"regexp"
	"slices"
	"strings"

	"google.golang.org/api/cloudasset/v1"

	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// walk leads to the resources of one type in a project by the methods of their own service, so that the inventory says the same.
// Words in braces stand for members of what was listed last, {project} for the project's id, {in} for the name of what it lies in.
type walk struct {
	assetType string
	lists     []string // each is asked of all that the one before found
	name      string
	policy    string // "" if it has none
}

var walks = []walk{
	{"artifactregistry.googleapis.com/Repository", []string{"artifactregistry.googleapis.com/v1/projects/{project}/locations", "artifactregistry.googleapis.com/v1/{name}/repositories"},
		"{name}", "GET artifactregistry.googleapis.com/v1/{name}:getIamPolicy"},
	{"clouddeploy.googleapis.com/Target", []string{"clouddeploy.googleapis.com/v1/projects/{project}/locations", "clouddeploy.googleapis.com/v1/{name}/targets"}, "{name}", ""},
	{"cloudfunctions.googleapis.com/Function", []string{"cloudfunctions.googleapis.com/v2/projects/{project}/locations/-/functions"},
		"{name}", "GET cloudfunctions.googleapis.com/v2/{name}:getIamPolicy"},
	{"cloudkms.googleapis.com/KeyRing", []string{"cloudkms.googleapis.com/v1/projects/{project}/locations", "cloudkms.googleapis.com/v1/{name}/keyRings"},
		"{name}", "GET cloudkms.googleapis.com/v1/{name}:getIamPolicy"},
	{"cloudkms.googleapis.com/CryptoKey", []string{"cloudkms.googleapis.com/v1/projects/{project}/locations", "cloudkms.googleapis.com/v1/{name}/keyRings",
		"cloudkms.googleapis.com/v1/{name}/cryptoKeys"}, "{name}", "GET cloudkms.googleapis.com/v1/{name}:getIamPolicy"},
	{"compute.googleapis.com/Network", []string{"compute.googleapis.com/compute/v1/projects/{project}/global/networks"},
		"projects/{project}/global/networks/{name}", ""},
	{"dataproc.googleapis.com/Cluster", []string{"compute.googleapis.com/compute/v1/projects/{project}/regions", "dataproc.googleapis.com/v1/projects/{project}/regions/{name}/clusters"},
		"projects/{project}/regions/{in}/clusters/{clusterName}", ""},
	{"iam.googleapis.com/ServiceAccount", []string{"iam.googleapis.com/v1/projects/{project}/serviceAccounts"},
		"projects/{project}/serviceAccounts/{uniqueId}", "POST iam.googleapis.com/v1/{name}:getIamPolicy"},
	{"pubsub.googleapis.com/Topic", []string{"pubsub.googleapis.com/v1/projects/{project}/topics"}, "{name}", "GET pubsub.googleapis.com/v1/{name}:getIamPolicy"},
	{"run.googleapis.com/Service", []string{"run.googleapis.com/v1/projects/{project}/locations", "run.googleapis.com/v2/{name}/services"},
		"{name}", "GET run.googleapis.com/v2/{name}:getIamPolicy"},
	{"secretmanager.googleapis.com/Secret", []string{"secretmanager.googleapis.com/v1/projects/{project}/secrets"},
		"{name}", "GET secretmanager.googleapis.com/v1/{name}:getIamPolicy"},
	{"storage.googleapis.com/Bucket", []string{"storage.googleapis.com/storage/v1/b?project={project}"}, "{name}", "GET storage.googleapis.com/storage/v1/b/{name}/iam"},
}

// find returns the resources at the end of the walk: the members of each that are text, and {full}, the name in the inventory.
func (k walk) find(s *gcp.Server, project string) ([]map[string]string, error) {
	found := []map[string]string{{"project": project}}
	for _, list := range k.lists {
		var below []map[string]string
		for _, above := range found {
			var answer map[string]any
			if err := s.Ask("GET", "https://"+expand(list, above), &answer); err != nil {
				return nil, err
			}
			for _, member := range answer {
				elements, _ := member.([]any) // the one list of the answer, of objects
				for _, e := range elements {
					r := map[string]string{"project": project, "in": above["name"]}
					for name, value := range e.(map[string]any) {
						if text, ok := value.(string); ok {
							r[name] = text
						}
					}
					below = append(below, r)
				}
			}
		}
		found = below
	}
	host, _, _ := strings.Cut(k.assetType, "/")
	for _, r := range found {
		r["full"] = "//" + host + "/" + expand(k.name, r)
	}
	return found, nil
}

var braced = regexp.MustCompile(`\{\w+\}`)

func expand(template string, members map[string]string) string {
	return braced.ReplaceAllStringFunc(template, func(word string) string { return members[word[1:len(word)-1]] })
}

// resourcesIn are the names of a project's resources, the part of each that readers ask for.
func resourcesIn(s *gcp.Server, c gcp.Call) (*cloudasset.SearchAllResourcesResponse, error) {
	out := &cloudasset.SearchAllResourcesResponse{}
	for _, k := range walks {
		if !slices.Contains(c.Query["assetTypes"], k.assetType) {
			continue
		}
		found, err := k.find(s, c.Account)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			out.Results = append(out.Results, &cloudasset.ResourceSearchResult{Name: r["full"], AssetType: k.assetType})
		}
	}
	return out, nil
}

// policiesIn are the policies of a project's resources, as their services tell them.
func policiesIn(s *gcp.Server, project *world.State) ([]*cloudasset.IamPolicySearchResult, error) {
	var out []*cloudasset.IamPolicySearchResult
	for _, k := range walks {
		if k.policy == "" {
			continue
		}
		found, err := k.find(s, project.Account.ID)
		if err != nil {
			return nil, err
		}
		for _, r := range found {
			result := &cloudasset.IamPolicySearchResult{
				Resource: r["full"], AssetType: k.assetType, Project: "projects/" + Number(project.Account.ID), Policy: &cloudasset.Policy{},
			}
			if above := project.Account.Above; len(above) > 0 {
				result.Folders, result.Organization = above[:len(above)-1], above[len(above)-1]
			}
			verb, address, _ := strings.Cut(expand(k.policy, r), " ")
			if err := s.Ask(verb, "https://"+address, result.Policy); err != nil {
				return nil, err
			}
			out = append(out, result)
		}
	}
	return out, nil
}
