package azure

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/plumbline-dev/plumbline/collectors"
	"github.com/plumbline-dev/plumbline/collectors/azure/schema"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

var directoryRoles = collectors.Reader[*client]{
	Fills: []*posture.Type{schema.DirectoryRoleAssignmentType},
	Operations: []collectors.Operation{
		{Name: "graph.roleAssignments", Permission: "Graph: RoleManagement.Read.Directory", Body: collectors.Digest},
		{Name: "graph.roleDefinitions", Permission: "Graph: RoleManagement.Read.Directory", Body: collectors.Store},
		{Name: "graph.roleAssignmentScheduleInstances", Permission: "Graph: RoleAssignmentSchedule.Read.Directory", Body: collectors.Digest},
		{Name: "graph.roleEligibilityScheduleInstances", Permission: "Graph: RoleEligibilitySchedule.Read.Directory", Body: collectors.Digest},
		{Name: "graph.groupMembers", Permission: "Graph: Directory.Read.All", Body: collectors.Digest},
		{Name: "graph.subscribedSkus", Permission: "Graph: Directory.Read.All", Body: collectors.Store},
	},
	Collect: collectDirectoryRoles,
}

// privilegedRoles are the template ids of the built-in roles that Microsoft marks as privileged.
// https://learn.microsoft.com/entra/identity/role-based-access-control/permissions-reference
var privilegedRoles = []string{
	"db506228-d27e-4b7d-95e5-295956d6615f", // Agent ID Administrator
	"9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", // Application Administrator
	"cf1c38e5-3621-4004-a7cb-879624dced7c", // Application Developer
	"ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe", // Attribute Provisioning Administrator
	"422218e4-db15-4ef9-bbe0-8afb41546d79", // Attribute Provisioning Reader
	"c4e39bd9-1100-46d3-8c65-fb160da0071f", // Authentication Administrator
	"25a516ed-2fa0-40ea-a2d0-12923a21473a", // Authentication Extensibility Administrator
	"aaf43236-0c0d-4d5f-883a-6955382ac081", // B2C IEF Keyset Administrator
	"158c047a-c907-4556-b7ef-446551a6b5f7", // Cloud Application Administrator
	"7698a772-787b-4ac8-901f-60d6b08affd2", // Cloud Device Administrator
	"b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", // Conditional Access Administrator
	"9360feb5-f418-4baa-8175-e2a00bac4301", // Directory Writers
	"8329153b-31d0-4727-b945-745eb3bc5f31", // Domain Name Administrator
	"be2f45a1-457d-42af-a067-6ec1fa63bc45", // External Identity Provider Administrator
	globalAdministrator,
	"f2ef992c-3afb-46b9-b7cf-a126ee74c451", // Global Reader
	"729827e3-9c14-49f7-bb1b-9608f156bbb8", // Helpdesk Administrator
	"8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2", // Hybrid Identity Administrator
	"3a2c62db-5318-420d-8d74-23affee5d9d5", // Intune Administrator
	"59d46f88-662b-457b-bceb-5c3809e5908f", // Lifecycle Workflows Administrator
	"4ba39ca4-527c-499a-b93d-d9b492c50246", // Partner Tier1 Support
	"e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8", // Partner Tier2 Support
	"966707d0-3269-4727-9be2-8c3a10f19b9d", // Password Administrator
	"7be44c8a-adaf-4e2a-84d6-ab2649e08a13", // Privileged Authentication Administrator
	"e8611ab8-c189-46e8-94e1-60213ab1f814", // Privileged Role Administrator
	"194ae4cb-b126-40b2-bd5b-6091b380977d", // Security Administrator
	"5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", // Security Operator
	"5d6b6bb7-de71-4623-b4af-96380a352509", // Security Reader
	"fe930be7-5e62-47db-91af-98c3a49a38b1", // User Administrator
}

const globalAdministrator = "62e90394-69f5-4237-9190-012177145e10"

// heldRole is an assignment of a role, active or eligible, as Graph writes it.
type heldRole struct {
	ID          string     `json:"id"`
	Principal   directory  `json:"principal"`
	PrincipalID string     `json:"principalId"`
	Definition  string     `json:"roleDefinitionId"`
	Scope       string     `json:"directoryScopeId"`
	MemberType  string     `json:"memberType"`
	Ends        *time.Time `json:"endDateTime"`
}

// directory is an object of the directory, as much of it as is asked for.
type directory struct {
	ID   string `json:"id"`
	Type string `json:"@odata.type"`
}

// kind is the object's type: user, group, servicePrincipal.
func (d directory) kind() string { return strings.TrimPrefix(d.Type, "#microsoft.graph.") }

// withPrincipal asks for the type of who holds a role, and not for everything about a person.
var withPrincipal = url.Values{"$expand": {"principal($select=id)"}}

// collectDirectoryRoles lists who holds which role now, who may activate one, and the members of groups among them.
func collectDirectoryRoles(ctx context.Context, c *client, emit collectors.Emit) error {
	skus := sync.OnceValue(func() *licences { return readLicences(ctx, c.graph) })
	var active, eligible []heldRole
	err := graphPages(ctx, c.graph, "/v1.0/roleManagement/directory/roleAssignments", withPrincipal, func(h heldRole) error {
		active = append(active, h)
		return nil
	})
	if err != nil {
		return fmt.Errorf("list role assignments: %w", err)
	}
	err = graphPages(ctx, c.graph, "/v1.0/roleManagement/directory/roleEligibilityScheduleInstances", withPrincipal, func(h heldRole) error {
		if h.MemberType == "" || h.MemberType == "Direct" { // the rest repeats what groups and scopes hand down
			eligible = append(eligible, h)
		}
		return nil
	})
	var failed error
	if err != nil {
		if none, err := lacks(fmt.Errorf("list eligible roles: %w", err), premiumP2, skus); !none {
			failed = err
		}
	}
	definitions, defErr := directoryRoleDefinitions(ctx, c.graph)
	schedules, scheduleErr := directorySchedules(ctx, c.graph, skus)
	members := map[string][]string{} // users, by group
	for _, h := range slices.Concat(active, eligible) {
		if _, known := members[h.PrincipalID]; h.Principal.kind() == "group" && !known {
			if members[h.PrincipalID], err = groupMembers(ctx, c.graph, h.PrincipalID); err != nil {
				failed = errors.Join(failed, err)
			}
		}
	}
	send := func(h heldRole, kind string, gaps []collectors.Gap) {
		role := definitions[h.Definition]
		out := schema.DirectoryRoleAssignment{
			Meta: posture.Meta{Name: role.Name}, RoleName: role.Name, RoleTemplateID: cmp.Or(role.Template, h.Definition),
			RolePrivileged: role.privileged(), PrincipalID: h.PrincipalID, PrincipalType: h.Principal.kind(), DirectoryScopeID: h.Scope,
			AssignmentKind: kind, EndsAt: moment(h.Ends),
		}
		if defErr == nil && role.ID == "" {
			err := leftOut("graph.roleDefinitions", h.Definition)
			gaps = append(slices.Clip(gaps), collectors.Unread(err, "role_name", "role_template_id", "role_privileged"))
		}
		emit(h.ID, &out, gaps...)
		for _, user := range members[h.PrincipalID] {
			through := out
			through.PrincipalID, through.PrincipalType, through.ViaGroupID = user, "user", h.PrincipalID
			emit(h.ID+"/"+user, &through, gaps...)
		}
	}
	var gaps []collectors.Gap
	if defErr != nil {
		gaps = append(gaps, collectors.Unread(fmt.Errorf("list role definitions: %w", defErr), "role_name", "role_template_id", "role_privileged"))
	}
	for _, h := range eligible {
		send(h, "eligible", gaps)
	}
	if scheduleErr != nil {
		gaps = append(gaps, collectors.Unread(scheduleErr, "assignment_kind", "ends_at"))
	}
	for _, h := range active {
		s := schedules[h.ID]
		h.Ends = s.Ends
		send(h, s.kind(), gaps)
	}
	return failed
}

// directoryRole is a role's definition.
type directoryRole struct {
	ID         string `json:"id"`
	Name       string `json:"displayName"`
	Template   string `json:"templateId"`
	Privileged *bool  `json:"isPrivileged"`
}

func (r directoryRole) privileged() bool {
	if r.Privileged != nil {
		return *r.Privileged
	}
	return slices.Contains(privilegedRoles, r.Template)
}

func directoryRoleDefinitions(ctx context.Context, g *graphClient) (map[string]directoryRole, error) {
	out := map[string]directoryRole{}
	err := graphPages(ctx, g, "/v1.0/roleManagement/directory/roleDefinitions", nil, func(r directoryRole) error {
		out[r.ID] = r
		return nil
	})
	return out, err
}

// schedule says since when and until when an active assignment holds; the zero value stands for one without a schedule.
type schedule struct {
	Origin string     `json:"roleAssignmentOriginId"`
	Type   string     `json:"assignmentType"` // Assigned, Activated
	Ends   *time.Time `json:"endDateTime"`
}

func (s schedule) kind() string {
	switch {
	case s.Type == "Activated":
		return "activated"
	case s.Ends != nil:
		return "time_bound"
	}
	return "permanent"
}

// directorySchedules are the schedules of active assignments, by assignment. Without Entra ID P2 there are none: every
// assignment is permanent.
func directorySchedules(ctx context.Context, g *graphClient, skus func() *licences) (map[string]schedule, error) {
	out := map[string]schedule{}
	err := graphPages(ctx, g, "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances", nil, func(s schedule) error {
		out[s.Origin] = s
		return nil
	})
	if err == nil {
		return out, nil
	}
	none, err := lacks(fmt.Errorf("list role schedules: %w", err), premiumP2, skus)
	if none {
		return nil, nil
	}
	return nil, err
}

// groupMembers are the users of a group, those of groups in it too.
func groupMembers(ctx context.Context, g *graphClient, group string) ([]string, error) {
	out := []string{}
	query := url.Values{"$select": {"id"}, "$top": {"999"}}
	err := graphPages(ctx, g, "/v1.0/groups/"+url.PathEscape(group)+"/transitiveMembers", query, func(d directory) error {
		if d.kind() == "user" {
			out = append(out, d.ID)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list members of group %s: %w", group, err)
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
