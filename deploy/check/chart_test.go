package check

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/labels"
	sigs "sigs.k8s.io/yaml"
)

var chartDir = filepath.Join(root(), "deploy", "helm", "plumbline")

const least = `
database: {secret: plumbline-database}
redactionKey: {secret: plumbline-redaction}
`

const everything = `
image: {repository: registry.example.com/plumbline, digest: "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", pullSecrets: [{name: registry}]}
config:
  server: {url: https://posture.example.com}
  connections: [{name: google, gcp: {organization: "123456789012"}}]
  sign_in: {oidc: {issuer: https://login.example.com, client_id: plumbline, client_secret_file: /run/secrets/plumbline/oidc}}
secretFiles: plumbline-files
dataClaim: plumbline-data
database: {secret: plumbline-database, migrationSecret: plumbline-owner, migrationKey: address}
redactionKey: {secret: plumbline-redaction}
serviceAccount: {name: reader, annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::111122223333:role/audit/plumbline-read"}}
podLabels: {azure.workload.identity/use: "true"}
podAnnotations: {example.com/team: audit}
nodeSelector: {kubernetes.io/arch: amd64}
tolerations: [{key: audit, operator: Exists}]
priorityClassName: important
extraEnv: [{name: AZURE_TENANT_ID, value: 11111111-2222-4333-8444-555555555555}]
service: {replicas: 3, annotations: {example.com/a: b}}
worker: {autoscaling: {waitingJobs: 4}}
ingress: {enabled: true, className: nginx, host: posture.example.com, tlsSecret: posture-tls, annotations: {a: b}}
networkPolicy: {from: [{namespaceSelector: {matchLabels: {name: ingress}}}], database: {port: 6432, to: [{ipBlock: {cidr: 10.0.0.0/8}}]}, metadata: true}
`

const fixed = `
database: {secret: plumbline-database}
redactionKey: {secret: plumbline-redaction}
serviceAccount: {create: false}
worker: {replicas: 4, autoscaling: {enabled: false}}
networkPolicy: {enabled: false}
podDisruptionBudget: {enabled: false}
`

// render is helm template.
func render(t *testing.T, values string) (map[string]string, error) {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	set, err := chartutil.ReadValues([]byte(values))
	if err != nil {
		t.Fatal(err)
	}
	all, err := chartutil.ToRenderValues(c, set, chartutil.ReleaseOptions{Name: "posture", Namespace: "audit", IsInstall: true}, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// objects are what the chart makes, as types of the Kubernetes API.
type objects struct {
	deployments []*apps.Deployment
	jobs        []*batch.Job
	scalers     []*autoscaling.HorizontalPodAutoscaler
	services    []*core.Service
	accounts    []*core.ServiceAccount
	configs     []*core.ConfigMap
	budgets     []*policy.PodDisruptionBudget
	policies    []*networking.NetworkPolicy
	ingresses   []*networking.Ingress
}

func added[T any](list *[]*T) any {
	*list = append(*list, new(T))
	return (*list)[len(*list)-1]
}

// decode reads every document; a field that the Kubernetes API does not have is an error.
func decode(t *testing.T, files map[string]string) (o objects) {
	t.Helper()
	kinds := map[string]func() any{
		"apps/v1 Deployment":                     func() any { return added(&o.deployments) },
		"batch/v1 Job":                           func() any { return added(&o.jobs) },
		"autoscaling/v2 HorizontalPodAutoscaler": func() any { return added(&o.scalers) },
		"v1 Service":                             func() any { return added(&o.services) },
		"v1 ServiceAccount":                      func() any { return added(&o.accounts) },
		"v1 ConfigMap":                           func() any { return added(&o.configs) },
		"policy/v1 PodDisruptionBudget":          func() any { return added(&o.budgets) },
		"networking.k8s.io/v1 NetworkPolicy":     func() any { return added(&o.policies) },
		"networking.k8s.io/v1 Ingress":           func() any { return added(&o.ingresses) },
	}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		for _, document := range strings.Split(text, "\n---\n") {
			var kind struct {
				APIVersion string `json:"apiVersion"`
				Kind       string `json:"kind"`
			}
			if err := sigs.Unmarshal([]byte(document), &kind); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
			if kind.Kind == "" {
				continue // nothing but a comment
			}
			create, ok := kinds[kind.APIVersion+" "+kind.Kind]
			if !ok {
				t.Fatalf("%s: %s %s is not known here", name, kind.APIVersion, kind.Kind)
			}
			if err := sigs.UnmarshalStrict([]byte(document), create()); err != nil {
				t.Fatalf("%s: %v\n%s", name, err, document)
			}
		}
	}
	return o
}

// pods are the pods of every deployment and job.
func (o objects) pods() map[string]core.PodTemplateSpec {
	out := map[string]core.PodTemplateSpec{}
	for _, d := range o.deployments {
		out[d.Name] = d.Spec.Template
	}
	for _, j := range o.jobs {
		out[j.Name] = j.Spec.Template
	}
	return out
}

func (o objects) deployment(t *testing.T, name string) *apps.Deployment {
	t.Helper()
	for _, d := range o.deployments {
		if d.Name == name {
			return d
		}
	}
	t.Fatalf("no deployment %s", name)
	return nil
}

func TestChartLints(t *testing.T) {
	values, err := chartutil.ReadValues([]byte(least))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range lint.AllWithKubeVersion(chartDir, values, "audit", nil).Messages {
		if m.Severity > 1 { // beyond hints
			t.Error(m)
		}
	}
}

func TestChartRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, test := range map[string]struct{ values, want string }{
		"no database":            {"redactionKey: {secret: x}", "secret"},
		"no redaction key":       {"database: {secret: x}", "redactionKey"},
		"a misspelt value":       {least + "worker: {replica: 3}", "replica"},
		"a value of no sense":    {least + "service: {replicas: 0}", "replicas"},
		"a digest that is none":  {least + "image: {digest: latest}", "digest"},
		"scaling by nothing":     {least + "worker: {autoscaling: {cpu: 0}}", "looks at nothing"},
		"an ingress for no name": {least + "ingress: {enabled: true}", "ingress.host"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := render(t, test.values); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want an error about %q", err, test.want)
			}
		})
	}
}

func TestChart(t *testing.T) {
	for name, values := range map[string]string{"least": least, "everything": everything, "fixed": fixed} {
		t.Run(name, func(t *testing.T) {
			files, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			o := decode(t, files)
			if len(o.deployments) != 2 || len(o.jobs) != 1 || len(o.configs) != 1 || len(o.services) != 1 {
				t.Fatalf("%d deployments, %d jobs, %d config maps, %d services", len(o.deployments), len(o.jobs), len(o.configs), len(o.services))
			}
			for name, pod := range o.pods() {
				checkPod(t, name, pod)
			}
			for _, d := range o.deployments {
				if !selects(d.Spec.Selector.MatchLabels, d.Spec.Template.Labels) {
					t.Errorf("%s does not select its own pods", d.Name)
				}
			}
			service, worker := o.deployment(t, "posture-plumbline"), o.deployment(t, "posture-plumbline-worker")
			if s := o.services[0].Spec.Selector; !selects(s, service.Spec.Template.Labels) || selects(s, worker.Spec.Template.Labels) {
				t.Errorf("the service selects %v", s)
			}
			container := service.Spec.Template.Spec.Containers[0]
			if container.ReadinessProbe.HTTPGet.Path != "/readyz" || container.LivenessProbe.HTTPGet.Path != "/healthz" {
				t.Error("the service is probed elsewhere than /healthz and /readyz")
			}
			if o.jobs[0].Annotations["helm.sh/hook"] != "pre-install,pre-upgrade" {
				t.Error("the migration does not come before the pods")
			}
			for _, b := range o.budgets {
				if n := boolean(selects(b.Spec.Selector.MatchLabels, service.Spec.Template.Labels)) + boolean(selects(b.Spec.Selector.MatchLabels, worker.Spec.Template.Labels)); n != 1 {
					t.Errorf("budget %s selects %d of the two deployments", b.Name, n)
				}
			}
			for _, h := range o.scalers {
				if h.Spec.ScaleTargetRef.Name != worker.Name || worker.Spec.Replicas != nil || len(h.Spec.Metrics) == 0 {
					t.Errorf("the scaler is for %s, beside replicas %v, by %d measures", h.Spec.ScaleTargetRef.Name, worker.Spec.Replicas, len(h.Spec.Metrics))
				}
			}
			var open []string
			for _, p := range o.policies {
				if selects(p.Spec.PodSelector.MatchLabels, worker.Spec.Template.Labels) {
					open = append(open, fmt.Sprint(len(p.Spec.Ingress), " ways in, ", len(p.Spec.Egress), " ways out"))
				}
			}
			if want := map[string][]string{"least": {"0 ways in, 3 ways out"}, "everything": {"0 ways in, 4 ways out"}}[name]; !slices.Equal(open, want) {
				t.Errorf("network policies of workers: %v, want %v", open, want)
			}
		})
	}
}

func TestChartValuesArrive(t *testing.T) {
	files, err := render(t, everything)
	if err != nil {
		t.Fatal(err)
	}
	o := decode(t, files)
	service, worker := o.deployment(t, "posture-plumbline"), o.deployment(t, "posture-plumbline-worker")
	pod := service.Spec.Template
	for what, ok := range map[string]bool{
		"digest":          pod.Spec.Containers[0].Image == "registry.example.com/plumbline@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		"replicas":        *service.Spec.Replicas == 3,
		"service account": pod.Spec.ServiceAccountName == "reader" && o.accounts[0].Name == "reader" && len(o.accounts[0].Annotations) == 1,
		"pod labels":      pod.Labels["azure.workload.identity/use"] == "true" && worker.Spec.Template.Labels["azure.workload.identity/use"] == "true",
		"pod annotations": pod.Annotations["example.com/team"] == "audit",
		"pull secrets":    pod.Spec.ImagePullSecrets[0].Name == "registry" && o.jobs[0].Spec.Template.Spec.ImagePullSecrets[0].Name == "registry",
		"data": slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool {
			return v.PersistentVolumeClaim != nil && v.PersistentVolumeClaim.ClaimName == "plumbline-data"
		}),
		"placement":          pod.Spec.NodeSelector["kubernetes.io/arch"] == "amd64" && len(pod.Spec.Tolerations) == 1 && pod.Spec.PriorityClassName == "important",
		"environment":        slices.ContainsFunc(pod.Spec.Containers[0].Env, func(e core.EnvVar) bool { return e.Name == "AZURE_TENANT_ID" }),
		"owner's secret":     o.jobs[0].Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Name == "plumbline-owner",
		"owner's key":        o.jobs[0].Spec.Template.Spec.Containers[0].Env[0].ValueFrom.SecretKeyRef.Key == "address",
		"settings":           strings.Contains(o.configs[0].Data["plumbline.yaml"], "client_secret_file: /run/secrets/plumbline/oidc"),
		"two ways to scale":  len(o.scalers[0].Spec.Metrics) == 2 && o.scalers[0].Spec.Metrics[1].External.Metric.Name == "plumbline_jobs",
		"ingress":            len(o.ingresses) == 1 && o.ingresses[0].Spec.Rules[0].HTTP.Paths[0].Backend.Service.Name == o.services[0].Name,
		"database's network": o.policies[0].Spec.Egress[1].Ports[0].Port.IntValue() == 6432 && o.policies[0].Spec.Egress[1].To[0].IPBlock.CIDR == "10.0.0.0/8",
		"who may come in":    o.policies[1].Spec.Ingress[0].From[0].NamespaceSelector != nil,
	} {
		if !ok {
			t.Errorf("%s: not as the values say", what)
		}
	}
	before := pod.Annotations["checksum/config"]
	files, err = render(t, strings.Replace(everything, "123456789012", "210987654321", 1))
	if err != nil {
		t.Fatal(err)
	}
	if after := decode(t, files).deployment(t, service.Name).Spec.Template.Annotations["checksum/config"]; after == before || before == "" {
		t.Error("other settings do not roll the pods")
	}
}

// checkPod holds a pod to what the restricted policy of Kubernetes asks for, and to volumes that exist.
func checkPod(t *testing.T, name string, pod core.PodTemplateSpec) {
	t.Helper()
	s := pod.Spec.SecurityContext
	if !*s.RunAsNonRoot || *s.RunAsUser == 0 || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
		t.Errorf("%s: the pod may be root, or calls the kernel unfiltered", name)
	}
	if *pod.Spec.AutomountServiceAccountToken || *pod.Spec.EnableServiceLinks {
		t.Errorf("%s: a token or variables that nobody needs", name)
	}
	volumes := map[string]bool{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = true
		if v.HostPath != nil {
			t.Errorf("%s: %s is a folder of the host", name, v.Name)
		}
	}
	for _, c := range pod.Spec.Containers {
		s := c.SecurityContext
		if *s.AllowPrivilegeEscalation || !*s.ReadOnlyRootFilesystem || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) {
			t.Errorf("%s: container %s has privileges", name, c.Name)
		}
		if c.Resources.Requests.Memory().IsZero() || c.Resources.Limits.Memory().IsZero() || c.Image == "" {
			t.Errorf("%s: container %s has no image or bounds no memory", name, c.Name)
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				t.Errorf("%s: no volume %s", name, m.Name)
			}
			delete(volumes, m.Name)
		}
		for _, e := range c.Env {
			if e.Name == "PLUMBLINE_DATABASE_URL" && e.ValueFrom.SecretKeyRef == nil {
				t.Errorf("%s: the database's address is in the open", name)
			}
		}
	}
	for v := range volumes {
		t.Errorf("%s: nothing mounts %s", name, v)
	}
}

func selects(selector map[string]string, of map[string]string) bool {
	return labels.SelectorFromSet(selector).Matches(labels.Set(of))
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}
