package helm

import (
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation"
)

// selected are the workloads whose pods a selector chooses.
func (r *rendered) selected(t *testing.T, selector *meta.LabelSelector) (names []string) {
	t.Helper()
	chooses, err := meta.LabelSelectorAsSelector(selector)
	require.NoError(t, err)
	for _, w := range r.workloads() {
		if chooses.Matches(labels.Set(w.pod.Labels)) {
			names = append(names, w.name)
		}
	}
	return names
}

// TestSelectorsChooseOne holds that each selector chooses the pods of one workload: a
// Service whose selector is wide sends requests for the server to the database.
func TestSelectorsChooseOne(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		server := r.server(t).name
		for _, w := range r.workloads() {
			require.Equal(t, []string{w.name}, r.selected(t, w.selector))
		}
		for name, service := range r.services {
			require.Equal(t, []string{name}, r.selected(t, &meta.LabelSelector{MatchLabels: service.Spec.Selector}), "Service %s", name)
		}
		for name, p := range r.policies {
			require.Equal(t, []string{name}, r.selected(t, &p.Spec.PodSelector), "NetworkPolicy %s", name)
		}
		for _, budget := range r.budgets {
			require.Equal(t, []string{server}, r.selected(t, budget.Spec.Selector))
		}
		for _, scaler := range r.scalers {
			require.Contains(t, r.deployments, scaler.Spec.ScaleTargetRef.Name)
			require.Nil(t, r.deployments[scaler.Spec.ScaleTargetRef.Name].Spec.Replicas, "an upgrade would undo the scaling")
		}
		for _, s := range r.statefulSets {
			require.Contains(t, r.services, s.Spec.ServiceName)
		}
	})
}

// TestPortsAreNamedWhereTheyAreUsed holds that whoever names a port names one that is there.
func TestPortsAreNamedWhereTheyAreUsed(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		ports := map[string][]core.ContainerPort{}
		for _, w := range r.workloads() {
			ports[w.name] = w.container().Ports
		}
		has := func(name string, wanted intstr.IntOrString) {
			require.True(t, slices.ContainsFunc(ports[name], func(p core.ContainerPort) bool {
				return wanted == intstr.FromString(p.Name) || wanted == intstr.FromInt32(p.ContainerPort)
			}), "%s has no port %s", name, wanted.String())
		}
		for name, service := range r.services {
			for _, port := range service.Spec.Ports {
				has(name, port.TargetPort)
			}
		}
		for name, p := range r.policies {
			for _, rule := range p.Spec.Ingress {
				for _, port := range rule.Ports {
					has(name, *port.Port)
				}
			}
		}
		server := r.server(t)
		for _, probe := range []*core.Probe{server.container().StartupProbe, server.container().LivenessProbe, server.container().ReadinessProbe} {
			has(server.name, probe.HTTPGet.Port)
		}
		for _, ingress := range r.ingresses {
			backend := ingress.Spec.Rules[0].HTTP.Paths[0].Backend.Service
			require.Equal(t, backend.Port.Name, r.services[backend.Name].Spec.Ports[0].Name)
		}
		for _, monitor := range r.monitors {
			var chosen []string
			for name, service := range r.services {
				if labels.SelectorFromSet(monitor.Spec.Selector.MatchLabels).Matches(labels.Set(service.Labels)) {
					chosen = append(chosen, name)
					require.Equal(t, service.Spec.Ports[0].Name, monitor.Spec.Endpoints[0].Port)
				}
			}
			require.Equal(t, []string{server.name}, chosen)
		}
	})
}

// TestVolumesHoldWhatIsMounted holds that each mount has its volume, that what a variable
// names as a file is in one, and that secrets of the release have the keys.
func TestVolumesHoldWhatIsMounted(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		for _, w := range r.workloads() {
			volumes := map[string]core.Volume{}
			for _, volume := range w.pod.Spec.Volumes {
				volumes[volume.Name] = volume
			}
			for _, claim := range w.claims {
				volumes[claim.Name] = core.Volume{}
			}
			mounted := slices.Sorted(maps.Keys(volumes))
			var used []string
			files := map[string]bool{}
			for _, mount := range w.container().VolumeMounts {
				used = append(used, mount.Name)
				for _, item := range r.items(t, volumes[mount.Name]) {
					files[path.Join(mount.MountPath, item)] = true
				}
			}
			require.ElementsMatch(t, mounted, used)
			for _, variable := range w.container().Env {
				if strings.HasSuffix(variable.Name, "_FILE") {
					require.True(t, files[variable.Value], "%s is %s, but there are %v", variable.Name, variable.Value, files)
				}
				if from := variable.ValueFrom; from != nil {
					r.hasKey(t, from.SecretKeyRef.Name, from.SecretKeyRef.Key)
				}
			}
		}
	})
}

// items are the files of a volume that is made of secrets.
func (r *rendered) items(t *testing.T, volume core.Volume) (paths []string) {
	t.Helper()
	sources := map[string][]core.KeyToPath{}
	if volume.Secret != nil {
		sources[volume.Secret.SecretName] = volume.Secret.Items
	}
	if volume.Projected != nil {
		for _, source := range volume.Projected.Sources {
			require.NotContains(t, sources, source.Secret.Name)
			sources[source.Secret.Name] = source.Secret.Items
		}
	}
	for name, items := range sources {
		for _, item := range items {
			r.hasKey(t, name, item.Key)
			paths = append(paths, item.Path)
		}
	}
	return paths
}

// hasKey holds that a secret of the release has a key. Others are somebody else's.
func (r *rendered) hasKey(t *testing.T, name, key string) {
	t.Helper()
	secret, ours := r.secrets[name]
	if !ours {
		require.False(t, strings.HasPrefix(name, r.server(t).name+"-"), "the secret %s is in the release's name, but not in it", name)
		return
	}
	_, inData := secret.Data[key]
	_, inText := secret.StringData[key]
	require.True(t, inData || inText, "the secret %s has no %s", name, key)
}

// TestNamesAndLabelsAreValid holds what the API server checks and no schema says.
func TestNamesAndLabelsAreValid(t *testing.T) {
	t.Parallel()
	check := func(t *testing.T, r *rendered) {
		t.Helper()
		for _, object := range r.all {
			// Names of Services and of pods in a StatefulSet are labels of DNS; so all are.
			require.Empty(t, validation.IsDNS1035Label(object.GetName()), object.GetName())
			validLabels(t, object.GetLabels())
			require.Equal(t, "eventflow", object.GetLabels()["app.kubernetes.io/name"])
		}
		for _, w := range r.workloads() {
			validLabels(t, w.pod.Labels)
			require.LessOrEqual(t, len(w.name), 52, "a StatefulSet's pods have labels that are 11 characters longer")
			for _, port := range w.container().Ports {
				require.Empty(t, validation.IsValidPortName(port.Name))
			}
		}
	}
	everyValues(t, check)
	for _, release := range []string{"eventflow", "my-eventflow-2", "a-release-whose-name-is-as-long-as-helm-lets-it-be-xx"} {
		t.Run(release, func(t *testing.T) {
			t.Parallel()
			check(t, render(t, release, "values/sqlite.yaml"))
		})
	}
}

func validLabels(t *testing.T, all map[string]string) {
	t.Helper()
	for name, value := range all {
		require.Empty(t, validation.IsQualifiedName(name), name)
		require.Empty(t, validation.IsValidLabelValue(value), "%s=%s", name, value)
	}
}
