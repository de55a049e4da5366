package gcp

import (
	"slices"
	"strings"

	"github.com/plumbline-dev/plumbline/collectors/gcp/schema"
	"github.com/plumbline-dev/plumbline/pkg/derive"
	"github.com/plumbline-dev/plumbline/pkg/posture"
)

// owning says what decides whose a member is.
type owning int

const (
	unknownOwner   owning = iota // a form that this package does not know
	noOwner                      // deleted: nobody is behind it any more
	everybody                    // allUsers, allAuthenticatedUsers
	google                       // agents of the platform
	byDomain                     // "acme.example", of an address
	byDirectory                  // a customer id, "C01acme42"
	byProject                    // a project's id or number
	byFolder                     // a folder's number
	byOrganization               // an organization's number
	byPool                       // the name of a workforce pool
)

// member is a member of an IAM policy, as far as it tells whose it is.
type member struct {
	owning owning
	owner  string
	email  string // of people, groups and service accounts
}

// parseMember reads the members of allow policies ("user:ada@acme.example") and of deny policies ("principal://goog/subject/…").
// https://cloud.google.com/iam/docs/principal-identifiers lists the forms.
func parseMember(text string) member {
	kind, rest, _ := strings.Cut(text, ":")
	switch kind {
	case "allUsers", "allAuthenticatedUsers":
		return member{owning: everybody}
	case "deleted":
		return member{owning: noOwner}
	case "user", "group":
		return address(rest)
	case "domain":
		return owned(byDomain, strings.ToLower(rest))
	case "serviceAccount":
		return account(rest)
	case "projectOwner", "projectEditor", "projectViewer":
		return owned(byProject, rest)
	case "principal", "principalSet":
		return principal(strings.TrimPrefix(rest, "//"))
	}
	return member{}
}

// owned is a member with that owner; without one, nothing is known.
func owned(by owning, owner string) member {
	if owner == "" {
		return member{}
	}
	return member{owning: by, owner: owner}
}

func address(email string) member {
	email = strings.ToLower(email)
	at := strings.LastIndexByte(email, '@')
	switch {
	case at < 1:
		return member{}
	case strings.HasSuffix(email, ".gserviceaccount.com"):
		return account(email)
	}
	m := owned(byDomain, email[at+1:])
	m.email = email
	return m
}

// account reads the address of a service account, which names the project that it was made in.
func account(email string) member {
	if host, _, kubernetes := strings.Cut(email, "["); kubernetes { // "acme.svc.id.goog[namespace/account]"
		for _, pool := range []string{".svc.id.goog", ".hub.id.goog"} {
			if id, ok := strings.CutSuffix(host, pool); ok {
				return owned(byProject, id)
			}
		}
		return member{}
	}
	email = strings.ToLower(email)
	at := strings.LastIndexByte(email, '@')
	if at < 1 {
		return member{}
	}
	name, host := email[:at], email[at+1:]
	m := member{}
	switch id, made := strings.CutSuffix(host, ".iam.gserviceaccount.com"); {
	case made:
		if m = owned(byProject, projectID(id)); platform(m.owner) {
			m = member{owning: google}
		}
	case host == "appspot.gserviceaccount.com":
		m = owned(byProject, projectID(name))
	case host == "developer.gserviceaccount.com", host == "cloudbuild.gserviceaccount.com": // they run what the project tells them to
		number, _, _ := strings.Cut(name, "-")
		m = owned(byProject, number)
	case strings.HasSuffix(host, ".gserviceaccount.com"): // cloudservices, system and others of Google's own
		m = member{owning: google}
	}
	m.email = email
	return m
}

// projectID turns the id of a project that belongs to a domain round, from the way addresses write it: "web.acme.example" is
// "acme.example:web".
func projectID(text string) string {
	if id, domain, scoped := strings.Cut(text, "."); scoped {
		return domain + ":" + id
	}
	return text
}

// principal reads what follows "principal://" or "principalSet://".
func principal(text string) member {
	host, path, _ := strings.Cut(text, "/")
	part := append(strings.Split(path, "/"), "", "", "", "")
	if host == "goog" {
		switch part[0] {
		case "public:all":
			return member{owning: everybody}
		case "subject", "group":
			return address(part[1])
		case "cloudIdentityCustomerId":
			return owned(byDirectory, part[1])
		}
		return member{}
	}
	switch {
	case part[0] == "projects" && part[2] == "serviceAccounts":
		return account(part[3])
	case part[0] == "projects":
		return owned(byProject, part[1])
	case part[0] == "folders":
		return owned(byFolder, part[1])
	case part[0] == "organizations":
		return owned(byOrganization, part[1])
	case part[0] == "locations" && part[2] == "workforcePools":
		return owned(byPool, part[3])
	}
	for _, label := range strings.Split(host, ".") { // identities that are built into resources: "agents.global.org-123.system.id.goog"
		if number, ok := strings.CutPrefix(label, "project-"); ok {
			return owned(byProject, number)
		}
		if number, ok := strings.CutPrefix(label, "org-"); ok {
			return owned(byOrganization, number)
		}
	}
	return member{}
}

// platform reports whether a project is one of those in which Google keeps the agents of its services.
func platform(project string) bool {
	return strings.HasPrefix(project, "gcp-sa-") || strings.HasPrefix(project, "google.com:") || strings.HasPrefix(project, "speckle-umbrella-") ||
		slices.Contains(platformProjects, project)
}

// platformProjects are the older ones, in order; newer agents live in projects whose names begin with "gcp-sa-".
// https://cloud.google.com/iam/docs/service-agents
var platformProjects = []string{
	"bigquery-encryption", "cloud-cdn-fill", "cloud-filer", "cloud-memcache-sa", "cloud-redis", "cloud-tpu", "cloudcomposer-accounts",
	"compute-system", "container-analysis", "container-engine-robot", "containerregistry", "dataflow-service-producer-prod", "dataproc-accounts",
	"dlp-api", "endpoints-portal", "firebase-rules", "firebase-sa-management", "gcf-admin-robot", "gcp-gae-service", "gs-project-accounts",
	"remotebuildexecution", "security-center-api", "serverless-robot-prod", "service-consumer-management", "service-networking",
	"sourcerepo-service-accounts", "storage-transfer-service", "trifacta-gcloud-prod",
}

// personal are mail services for everybody: an address there is nobody's employee, even when the deployment trusts the domain.
var personal = []string{"gmail.com", "googlemail.com", "hotmail.com", "icloud.com", "outlook.com", "proton.me", "yahoo.com"}

// insiders knows who belongs to the organization.
type insiders struct {
	organization derive.Val[string] // "organizations/123"; "" when the project is in none
	domain       derive.Val[string] // its directory's primary one
	directory    derive.Val[string] // its customer id
	own          string             // the scanned project
	number       derive.Val[string] // likewise
	projects     derive.Index[schema.Member]
	folders      derive.Index[schema.Folder]
	pools        derive.Index[schema.WorkforcePool]
	trusted      []string // by the deployment, as inside
}

// insidersOf reads them from the organization, or for a project from the one above it.
func insidersOf(inv *derive.Inventory) insiders {
	in := insiders{
		number:  derive.Known(""),
		folders: derive.ByID(organizationWide[schema.Folder](inv, schema.FolderType)),
		pools:   derive.ByID(organizationWide[schema.WorkforcePool](inv, schema.WorkforcePoolType)),
		projects: derive.ByEach(organizationWide[schema.Member](inv, schema.MemberType), "project_id", func(m derive.Item[schema.Member]) []string {
			return []string{m.V.ProjectID, strings.TrimPrefix(m.ID, "projects/")}
		}),
		organization: organizationName(inv),
	}
	if p, ok := ownProject(inv); ok {
		in.own, in.number = p.ID, derive.Read(p, "project_number", p.V.ProjectNumber)
	}
	for _, t := range inv.Trusted {
		in.trusted = append(in.trusted, strings.ToLower(t))
	}
	organizations := derive.ByID(organizationWide[schema.Organization](inv, schema.OrganizationType))
	of := func(path string, value func(*schema.Organization) string) derive.Val[string] {
		return derive.Then(in.organization, func(name string) derive.Val[string] {
			if name == "" {
				return derive.Known("")
			}
			return derive.Named(organizations.All(name), "cloudresourcemanager.organizations.get", func(o derive.Item[schema.Organization]) derive.Val[string] {
				return derive.Read(o, path, value(o.V))
			})
		})
	}
	in.domain = of("name", func(o *schema.Organization) string { return o.Name })
	in.directory = of("directory_customer_id", func(o *schema.Organization) string { return o.DirectoryCustomerID })
	return in
}

// external reports whether a member belongs to somebody else. What everybody may do is no guest's access, and what nobody
// is behind is nobody's.
func (in insiders) external(text string) derive.Val[bool] {
	m := parseMember(text)
	isPersonal := m.owning == byDomain && slices.Contains(personal, m.owner)
	trusts := func(name string) bool { return name != "" && slices.Contains(in.trusted, strings.ToLower(name)) }
	if trusts(text) || trusts(m.email) || trusts(m.owner) && !isPersonal {
		return derive.Known(false)
	}
	differs := func(name string) bool { return !strings.EqualFold(name, m.owner) }
	switch m.owning {
	case noOwner, everybody, google:
		return derive.Known(false)
	case byDomain:
		return derive.Or(derive.Known(isPersonal), derive.Map(in.domain, differs))
	case byDirectory:
		return derive.Map(in.directory, differs)
	case byOrganization:
		return derive.Map(in.organization, func(name string) bool { return name != "organizations/"+m.owner })
	case byProject:
		return derive.And(derive.Known(in.own != m.owner), derive.Map(in.number, differs), lacks(in.projects, m.owner))
	case byFolder:
		return lacks(in.folders, "folders/"+m.owner)
	case byPool:
		return lacks(in.pools, m.owner)
	}
	return derive.UnreadFor[bool](posture.Cause{Reason: posture.ReasonNotCollected, Code: "form of member " + text})
}

func lacks[T any](x derive.Index[T], key string) derive.Val[bool] {
	_, found, missing := x.Get(key)
	if !found && missing != nil {
		return derive.UnreadFor[bool](missing...)
	}
	return derive.Known(!found)
}

// externalMembers are the external ones among the members of a policy.
func (in insiders) externalMembers(policy derive.Val[[]schema.Binding]) derive.Elements[string] {
	bindings, read := policy.Get()
	out := derive.Elements[string]{Known: []string{}, Missing: policy.Causes()}
	if !read {
		return out
	}
	var members []string
	for _, b := range bindings {
		members = append(members, b.Members...)
	}
	for _, m := range sorted(members) {
		external := in.external(m)
		if yes, known := external.Get(); !known {
			out.Missing = append(out.Missing, external.Causes()...)
		} else if yes {
			out.Known = append(out.Known, m)
		}
	}
	return out
}
