// Package helm checks what the chart in deploy/helm renders. Kubernetes' schemas say
// whether a field exists. The tests here say whether the parts fit: selectors to labels,
// ports to names, files to volumes, variables to the server's settings.
//
// HELM is the helm to run; EVENTFLOW, if set, an eventflow that is asked what it thinks
// of the variables.
package helm

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

const chart = "../../helm/eventflow"

// rendered is what a release consists of, by name within its kind.
type rendered struct {
	deployments     map[string]*apps.Deployment
	statefulSets    map[string]*apps.StatefulSet
	services        map[string]*core.Service
	secrets         map[string]*core.Secret
	serviceAccounts map[string]*core.ServiceAccount
	ingresses       map[string]*networking.Ingress
	policies        map[string]*networking.NetworkPolicy
	scalers         map[string]*autoscaling.HorizontalPodAutoscaler
	budgets         map[string]*policy.PodDisruptionBudget
	monitors        map[string]*monitoring.ServiceMonitor
	rules           map[string]*monitoring.PrometheusRule
	all             []meta.Object
}

// workload is a StatefulSet or a Deployment.
type workload struct {
	name     string
	selector *meta.LabelSelector
	pod      core.PodTemplateSpec
	claims   []core.PersistentVolumeClaim
}

func (r *rendered) workloads() (all []workload) {
	for name, d := range r.deployments {
		all = append(all, workload{name, d.Spec.Selector, d.Spec.Template, nil})
	}
	for name, s := range r.statefulSets {
		all = append(all, workload{name, s.Spec.Selector, s.Spec.Template, s.Spec.VolumeClaimTemplates})
	}
	return all
}

// server is the workload of EventFlow itself.
func (r *rendered) server(t *testing.T) workload {
	t.Helper()
	for _, w := range r.workloads() {
		if w.pod.Labels["app.kubernetes.io/component"] == "server" {
			return w
		}
	}
	require.Fail(t, "there is no server")
	return workload{}
}

func (w workload) container() core.Container { return w.pod.Spec.Containers[0] }

func template(arguments ...string) (out, said string, err error) {
	command := exec.Command(os.Getenv("HELM"), append([]string{"template"}, arguments...)...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	return stdout.String(), stderr.String(), err
}

// render renders the chart with a file of values, and with more arguments of helm.
func render(t *testing.T, release, values string, more ...string) *rendered {
	t.Helper()
	out, said, err := template(append([]string{release, chart, "-f", values}, more...)...)
	require.NoError(t, err, said)
	return decode(t, out)
}

// decode reads documents as the API server does, and refuses fields that it would drop.
func decode(t *testing.T, text string) *rendered {
	t.Helper()
	r := &rendered{
		map[string]*apps.Deployment{}, map[string]*apps.StatefulSet{}, map[string]*core.Service{}, map[string]*core.Secret{},
		map[string]*core.ServiceAccount{}, map[string]*networking.Ingress{}, map[string]*networking.NetworkPolicy{},
		map[string]*autoscaling.HorizontalPodAutoscaler{}, map[string]*policy.PodDisruptionBudget{},
		map[string]*monitoring.ServiceMonitor{}, map[string]*monitoring.PrometheusRule{}, nil,
	}
	for _, document := range strings.Split("\n"+text, "\n---\n") {
		var kind meta.TypeMeta
		require.NoError(t, yaml.Unmarshal([]byte(document), &kind), document)
		switch kind.APIVersion + "/" + kind.Kind {
		case "/":
			// comments only
		case "apps/v1/Deployment":
			add(t, r, r.deployments, document)
		case "apps/v1/StatefulSet":
			add(t, r, r.statefulSets, document)
		case "v1/Service":
			add(t, r, r.services, document)
		case "v1/Secret":
			add(t, r, r.secrets, document)
		case "v1/ServiceAccount":
			add(t, r, r.serviceAccounts, document)
		case "networking.k8s.io/v1/Ingress":
			add(t, r, r.ingresses, document)
		case "networking.k8s.io/v1/NetworkPolicy":
			add(t, r, r.policies, document)
		case "autoscaling/v2/HorizontalPodAutoscaler":
			add(t, r, r.scalers, document)
		case "policy/v1/PodDisruptionBudget":
			add(t, r, r.budgets, document)
		case "monitoring.coreos.com/v1/ServiceMonitor":
			add(t, r, r.monitors, document)
		case "monitoring.coreos.com/v1/PrometheusRule":
			add(t, r, r.rules, document)
		default:
			require.Fail(t, "a kind that no test knows", "%s %s", kind.APIVersion, kind.Kind)
		}
	}
	return r
}

func add[T any, P interface {
	*T
	meta.Object
}](t *testing.T, r *rendered, to map[string]P, document string) {
	t.Helper()
	object := P(new(T))
	require.NoError(t, yaml.UnmarshalStrict([]byte(document), object), document)
	require.NotContains(t, to, object.GetName(), "two of a kind have one name")
	to[object.GetName()] = object
	r.all = append(r.all, object)
}

// everyValues runs a test for each file in values/.
func everyValues(t *testing.T, test func(t *testing.T, r *rendered)) {
	t.Helper()
	files, err := filepath.Glob("values/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			test(t, render(t, "events", file))
		})
	}
}

// TestBrokenValuesAreRefused holds that helm refuses what cannot work, and says why.
func TestBrokenValuesAreRefused(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("broken/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			first, _, _ := strings.Cut(string(text), "\n")
			wants, found := strings.CutPrefix(first, "# wants: ")
			require.True(t, found, "the first line must say what helm is to answer")
			_, said, err := template("events", chart, "-f", file)
			require.Error(t, err)
			require.Contains(t, said, wants)
		})
	}
}
