package project

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"google.golang.org/api/logging/v2"

	"github.com/plumbline-dev/plumbline/pkg/posture"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/gcp"
	"github.com/plumbline-dev/plumbline/pkg/simcloud/world"
)

// Where log entries go: what every node has from the start, and sinks and log buckets of people's own.
var loggingService = service{
	api: "logging.googleapis.com",
	kinds: []world.Kind{
		{
			Name: "gcp.log.system", Sort: inProject, Global: true, Count: len(systemNames), Fixed: true, Defects: systemDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return expectSystemSink("projects/"+s.Account.ID, it)
			},
		},
		{
			Name: "gcp.log.sink", Sort: inProject, Global: true, Count: 3,
			Defects: append([]world.Defect{{Name: "abroad", Share: 0.3, Drift: 0.3}}, sinkDefects...),
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.logging.sink", "projects/"+s.Account.ID+"/sinks/"+it.Name()), map[string]posture.Result{
					"gcp-log-sink-keeps-audit-logs": failIf(it.Has("drops-audit")),
				}
			},
			ExpectMore: expectExports,
		},
		{
			Name: "gcp.log.bucket", Sort: inProject, Global: true, Count: len(logBucketNames), Fixed: true, Defects: logBucketDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				fed := false
				switch it.Index {
				case 0:
					fed = true
				case 1:
					fed = !s.Find("gcp.log.system", posture.Global, 1).Has("off")
				case 2:
					fed = brings(s.Find("gcp.log.sink", posture.Global, 1))
				case 3: // of the organization's sink, which leads to the first project
					central, _ := s.World.State(organizationOf(s.Account), s.Time())
					fed = isCentral(s) && brings(central.Find("gcp.organization.log.sink", posture.Global, 1))
				}
				return expectLogBucket("projects/"+s.Account.ID, it, fed)
			},
		},
		{
			Name: "gcp.organization.log.system", Sort: inOrganization, Global: true, Count: len(systemNames), Fixed: true, Defects: systemDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return expectSystemSink(s.Account.ID, it)
			},
		},
		{
			Name: "gcp.organization.log.sink", Sort: inOrganization, Global: true, Count: 2, Fixed: true,
			Defects: append([]world.Defect{{Name: "only-itself", Share: 0.45, Drift: 0.5}}, sinkDefects...),
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.logging.sink", s.Account.ID+"/sinks/"+it.Name()), map[string]posture.Result{
					"gcp-log-sink-keeps-audit-logs": failIf(it.Has("drops-audit")),
				}
			},
		},
		{
			Name: "gcp.folder.log.sink", Sort: inOrganization, Global: true, Count: 1, Fixed: true, Defects: sinkDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return keyOf("gcp.logging.sink", firstFolder(s)+"/sinks/"+it.Name()), map[string]posture.Result{
					"gcp-log-sink-keeps-audit-logs": failIf(it.Has("drops-audit")),
				}
			},
		},
		{
			Name: "gcp.organization.log.bucket", Sort: inOrganization, Global: true, Count: 2, Fixed: true, Defects: logBucketDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				fed := it.Index == 0 || !s.Find("gcp.organization.log.system", posture.Global, 1).Has("off")
				return expectLogBucket(s.Account.ID, it, fed)
			},
		},
		{
			Name: "gcp.folder.log.bucket", Sort: inOrganization, Global: true, Count: 1, Fixed: true, Defects: logBucketDefects,
			Expect: func(s *world.State, it *world.Item) (posture.Key, map[string]posture.Result) {
				return expectLogBucket(firstFolder(s), it, brings(s.Find("gcp.folder.log.sink", posture.Global, 0)))
			},
		},
	},
	handle: handleLogging,
}

var (
	systemNames    = []string{"_Required", "_Default"}
	logBucketNames = []string{"_Required", "_Default", "audit", "all", "traces", "former"}
	systemDefects  = []world.Defect{{Name: "off", Drift: 0.25}, {Name: "drops-audit", Drift: 0.3}}
	// Sinks that are filtered take what containers write and nothing else; of the others the second of each node takes audit logs.
	sinkDefects = []world.Defect{{Name: "off", Drift: 0.4}, {Name: "filtered", Share: 0.3, Drift: 0.3}, {Name: "excludes", Share: 0.2, Drift: 0.6},
		{Name: "drops-audit", Drift: 0.3}}
	logBucketDefects = []world.Defect{{Name: "short", Share: 0.3}, {Name: "unlocked", Share: 0.3, Drift: 0.2}, {Name: "google-key", Share: 0.4}}
)

// brings reports whether audit logs get through a sink.
func brings(sink *world.Item) bool { return sink != nil && !sink.Has("off") && !sink.Has("filtered") }

func expectSystemSink(node string, it *world.Item) (posture.Key, map[string]posture.Result) {
	return keyOf("gcp.logging.sink", node+"/sinks/"+systemNames[it.Index]), map[string]posture.Result{
		"gcp-log-sink-keeps-audit-logs": unless(it.Index == 0, failIf(it.Has("off") || it.Has("drops-audit"))),
	}
}

func expectLogBucket(node string, it *world.Item, fed bool) (posture.Key, map[string]posture.Result) {
	name := logBucketName(node, it)
	id := path.Base(name)
	idle := !fed || id == "_Required"
	return in(strings.Split(name, "/")[3], "gcp.logging.bucket", name), map[string]posture.Result{
		"gcp-log-bucket-retention-sufficient": unless(idle, failIf(it.Has("short"))),
		"gcp-log-bucket-locked":               unless(idle || id == "_Default", failIf(it.Has("unlocked"))),
		"gcp-log-bucket-cmek":                 unless(idle, failIf(it.Has("google-key"))),
	}
}

// expectExports: some sink takes everything, the project's own or that of the organization.
func expectExports(s *world.State) map[world.Judged]posture.Result {
	whole := func(it *world.Item) bool {
		return brings(it) && it.Index != 1 && !it.Has("excludes") && !it.Has("drops-audit")
	}
	exported := slices.ContainsFunc(s.Items("gcp.log.sink"), whole)
	if central, ok := s.World.State(organizationOf(s.Account), s.Time()); ok {
		it := central.Find("gcp.organization.log.sink", posture.Global, 0)
		exported = exported || whole(it) && !it.Has("only-itself")
	}
	return map[world.Judged]posture.Result{
		{Rule: "gcp-project-log-sink-exports-everything", Resource: keyOf("gcp.resourcemanager.project", s.Account.ID)}: failIf(!exported),
	}
}

// organizationOf is the organization that a project lies in, "" for none.
func organizationOf(a world.Account) string {
	if len(a.Above) == 0 {
		return ""
	}
	return a.Above[len(a.Above)-1]
}

// centralProject is the one that an organization's log entries are brought together in: its first.
func centralProject(w *world.World, organization string) string {
	for _, a := range w.Accounts {
		if organization != "" && organizationOf(a) == organization {
			return a.ID
		}
	}
	return ""
}

func isCentral(s *world.State) bool {
	return centralProject(s.World, organizationOf(s.Account)) == s.Account.ID
}

// firstFolder is the folder that has a sink and a log bucket; an organization without folders has them itself.
func firstFolder(s *world.State) string {
	var folders []string
	for _, a := range s.World.Accounts {
		if organizationOf(a) == s.Account.ID {
			folders = append(folders, a.Above[:len(a.Above)-1]...)
		}
	}
	if len(folders) == 0 {
		return s.Account.ID
	}
	return slices.Min(folders)
}

// exportBucket is the storage bucket that a project's, or an organization's, first sink writes into.
func exportBucket(s *world.State) string {
	if s.Account.Sort != inOrganization {
		return bucketName(s.Find("gcp.bucket", posture.Global, 0))
	}
	central, ok := s.World.State(centralProject(s.World, s.Account.ID), s.Time())
	if !ok {
		return "logs-of-nobody"
	}
	return bucketName(cmp.Or(central.Find("gcp.bucket", posture.Global, 1), central.Find("gcp.bucket", posture.Global, 0)))
}

// exported reports whether a sink writes into a storage bucket of the project.
func exported(s *world.State, it *world.Item) bool {
	if exportBucket(s) == bucketName(it) {
		return true
	}
	above, ok := s.World.State(organizationOf(s.Account), s.Time())
	return ok && exportBucket(above) == bucketName(it)
}

// logBucketName: people's own buckets lie in Europe.
func logBucketName(node string, it *world.Item) string {
	id := logBucketNames[it.Index]
	if it.Kind == "gcp.folder.log.bucket" {
		id = "team"
	}
	location := "global"
	if !strings.HasPrefix(id, "_") {
		location = "europe-west1"
	}
	return node + "/locations/" + location + "/buckets/" + id
}

func handleLogging(s *gcp.Server, w *states) {
	for kind, param := range map[string]string{"projects": "projectsId", "folders": "foldersId", "organizations": "organizationsId"} {
		gcp.List(s, "logging."+kind+".sinks.list", "sinks", func(c gcp.Call) (*logging.ListSinksResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			return &logging.ListSinksResponse{Sinks: sinksOf(state, kind+"/"+c.Params[param])}, nil
		})
		gcp.List(s, "logging."+kind+".locations.buckets.list", "buckets", func(c gcp.Call) (*logging.ListBucketsResponse, error) {
			state, err := w.at(c)
			if err != nil {
				return nil, err
			}
			return &logging.ListBucketsResponse{Buckets: logBucketsOf(state, kind+"/"+c.Params[param])}, nil
		})
	}
	gcp.List(s, "logging.projects.metrics.list", "metrics", func(c gcp.Call) (*logging.ListLogMetricsResponse, error) {
		state, err := w.at(c)
		if err != nil {
			return nil, err
		}
		return &logging.ListLogMetricsResponse{Metrics: logMetricsOf(state)}, nil
	})
}

// sinksOf lists the sinks of a node of the state's project or organization.
func sinksOf(s *world.State, node string) []*logging.LogSink {
	var out []*logging.LogSink
	project := s.Account.Sort != inOrganization
	if project || node == s.Account.ID {
		system := "gcp.log.system"
		if !project {
			system = "gcp.organization.log.system"
		}
		for _, it := range s.Items(system) {
			out = append(out, systemSink(s, node, it))
		}
	}
	for _, it := range slices.Concat(s.Items("gcp.log.sink"), s.Items("gcp.organization.log.sink"), s.Items("gcp.folder.log.sink")) {
		if it.Kind == "gcp.organization.log.sink" && node != s.Account.ID || it.Kind == "gcp.folder.log.sink" && node != firstFolder(s) {
			continue
		}
		sink := &logging.LogSink{
			Name: it.Name(), ResourceName: node + "/sinks/" + it.Name(), Destination: sinkDestination(s, it), Disabled: it.Has("off"),
			WriterIdentity: "serviceAccount:service-" + it.Hex(12, "writer") + "@gcp-sa-logging.iam.gserviceaccount.com",
			CreateTime:     stamp(s.Long(it, 90)), UpdateTime: stamp(s.Long(it, 40)),
			IncludeChildren: it.Kind == "gcp.organization.log.sink" && !it.Has("only-itself"),
		}
		if it.Has("filtered") {
			sink.Filter = `resource.type = k8s_container`
		} else if it.Index == 1 {
			sink.Filter = `logName:"cloudaudit.googleapis.com"`
		}
		if it.Has("excludes") {
			sink.Exclusions = append(sink.Exclusions, &logging.LogExclusion{
				Name: "health-checks", Filter: `resource.type="http_load_balancer" AND httpRequest.status=200`,
			})
		}
		if it.Has("drops-audit") {
			sink.Exclusions = append(sink.Exclusions, dropsAudit(true))
		} else {
			sink.Exclusions = append(sink.Exclusions, dropsAudit(false))
		}
		out = append(out, sink)
	}
	return out
}

// dropsAudit is an exclusion of what people read, in force or not.
func dropsAudit(inForce bool) *logging.LogExclusion {
	return &logging.LogExclusion{Name: "reads", Disabled: !inForce, Filter: `-- too much
LOG_ID("cloudaudit.googleapis.com/data_access") AND NOT protoPayload.serviceName=iam.googleapis.com`}
}

func systemSink(s *world.State, node string, it *world.Item) *logging.LogSink {
	required := []string{}
	for _, log := range []string{"activity", "system_event", "access_transparency"} {
		for _, by := range []string{"cloudaudit", "externalaudit"} {
			required = append(required, `LOG_ID("`+by+`.googleapis.com/`+log+`")`)
		}
	}
	name := systemNames[it.Index]
	sink := &logging.LogSink{Name: name, ResourceName: node + "/sinks/" + name}
	sink.Destination = "logging.googleapis.com/" + node + "/locations/global/buckets/" + name
	if it.Index == 0 {
		sink.Filter = strings.Join(required, " OR ")
		return sink
	}
	sink.Filter = "NOT " + strings.Join(required, " AND NOT ")
	sink.Disabled = it.Has("off")
	if it.Has("drops-audit") {
		sink.Exclusions = []*logging.LogExclusion{dropsAudit(true)}
	}
	return sink
}

// sinkDestination is where a sink of people's own leads.
func sinkDestination(s *world.State, it *world.Item) string {
	switch {
	case it.Kind == "gcp.folder.log.sink":
		return "logging.googleapis.com/" + firstFolder(s) + "/locations/europe-west1/buckets/team"
	case it.Index == 0:
		return "storage.googleapis.com/" + exportBucket(s)
	case it.Kind == "gcp.organization.log.sink":
		central := centralProject(s.World, s.Account.ID)
		return "logging.googleapis.com/projects/" + Number(central) + "/locations/europe-west1/buckets/all"
	case it.Index == 1:
		return "logging.googleapis.com/projects/" + s.Account.ID + "/locations/europe-west1/buckets/audit"
	case it.Has("abroad"):
		return "logging.googleapis.com/projects/partner-operations/locations/eu/buckets/customers"
	}
	return "bigquery.googleapis.com/projects/" + s.Account.ID + "/datasets/logs"
}

// logBucketsOf lists the log buckets of a node.
func logBucketsOf(s *world.State, node string) []*logging.LogBucket {
	var out []*logging.LogBucket
	for _, it := range slices.Concat(s.Items("gcp.log.bucket"), s.Items("gcp.organization.log.bucket"), s.Items("gcp.folder.log.bucket")) {
		if it.Kind == "gcp.organization.log.bucket" && node != s.Account.ID || it.Kind == "gcp.folder.log.bucket" && node != firstFolder(s) {
			continue
		}
		b := &logging.LogBucket{Name: logBucketName(node, it), RetentionDays: 400, Locked: !it.Has("unlocked"), LifecycleState: "ACTIVE"}
		if it.Has("short") {
			b.RetentionDays = 30
		}
		if !it.Has("google-key") {
			const keys = "projects/acme-keys/locations/europe-west1/keyRings/logs/cryptoKeys/"
			b.CmekSettings = &logging.CmekSettings{Name: node + "/cmekSettings", KmsKeyName: keys + path.Base(b.Name)}
		}
		switch path.Base(b.Name) {
		case "_Required":
			b.RetentionDays, b.Locked, b.CmekSettings = 400, true, nil
		case "_Default":
		case "former":
			b.LifecycleState = "DELETE_REQUESTED"
			fallthrough
		default:
			b.CreateTime = stamp(s.Long(it, 90))
		}
		out = append(out, b)
	}
	return out
}
