package helm

import (
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/stretchr/testify/require"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// TestContainersMayDoNothingButTheirWork holds the restricted standard for pods, and a
// root that cannot be written to.
func TestContainersMayDoNothingButTheirWork(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		for _, w := range r.workloads() {
			pod := w.pod.Spec
			require.True(t, *pod.SecurityContext.RunAsNonRoot)
			require.NotZero(t, *pod.SecurityContext.RunAsUser)
			require.Equal(t, core.SeccompProfileTypeRuntimeDefault, pod.SecurityContext.SeccompProfile.Type)
			require.False(t, *pod.AutomountServiceAccountToken)
			require.False(t, *pod.EnableServiceLinks, "variables like EVENTFLOW_PORT stop the server from starting")
			require.Empty(t, pod.InitContainers)
			for _, container := range pod.Containers {
				require.True(t, *container.SecurityContext.ReadOnlyRootFilesystem)
				require.False(t, *container.SecurityContext.AllowPrivilegeEscalation)
				require.Equal(t, []core.Capability{"ALL"}, container.SecurityContext.Capabilities.Drop)
				require.Empty(t, container.SecurityContext.Capabilities.Add)
				require.NotEmpty(t, container.Resources.Limits.Memory().String())
				require.LessOrEqual(t, container.Resources.Requests.Memory().Cmp(*container.Resources.Limits.Memory()), 0)
				require.Regexp(t, `[:@].*[0-9]`, container.Image)
				require.NotContains(t, container.Image, ":latest")
			}
		}
	})
}

// TestOneServerHasTheVolume holds that two servers never have one SQLite database.
func TestOneServerHasTheVolume(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"values/default.yaml", "values/sqlite.yaml"} {
		r := render(t, "events", values)
		require.Empty(t, r.deployments, "a Deployment starts the new server before the old one stops")
		server := r.statefulSets[r.server(t).name]
		require.EqualValues(t, 1, *server.Spec.Replicas)
		require.Equal(t, []core.PersistentVolumeAccessMode{core.ReadWriteOnce}, server.Spec.VolumeClaimTemplates[0].Spec.AccessModes)
		require.Equal(t, "Retain", string(server.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted), "the events go with the release")
		require.Empty(t, r.budgets, "a budget for one server keeps its node from being drained")
		require.Equal(t, "sqlite://"+mountOf(t, r.server(t), "data"), variable(r.server(t), "EVENTFLOW_STORE").Value)
	}
}

func mountOf(t *testing.T, w workload, volume string) string {
	t.Helper()
	i := slices.IndexFunc(w.container().VolumeMounts, func(m core.VolumeMount) bool { return m.Name == volume })
	require.NotEqual(t, -1, i)
	return w.container().VolumeMounts[i].MountPath
}

func variable(w workload, name string) core.EnvVar {
	for _, v := range w.container().Env {
		if v.Name == name {
			return v
		}
	}
	return core.EnvVar{}
}

// TestUpgradesTakeNoServerAway holds that there are always as many servers as there
// should be, whatever is upgraded or drained.
func TestUpgradesTakeNoServerAway(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"values/postgres.yaml", "values/trying.yaml"} {
		r := render(t, "events", values)
		server := r.deployments[r.server(t).name]
		require.Zero(t, server.Spec.Strategy.RollingUpdate.MaxUnavailable.IntValue())
		require.Equal(t, 1, server.Spec.Strategy.RollingUpdate.MaxSurge.IntValue())
		require.Equal(t, 1, r.budgets[server.Name].Spec.MaxUnavailable.IntValue())
		require.Empty(t, r.server(t).claims)
	}
	two := render(t, "events", "values/trying.yaml", "--set", "replicas=null")
	require.EqualValues(t, 2, *two.deployments["events-eventflow"].Spec.Replicas)
}

// TestThereIsTimeToDrain holds that Kubernetes waits until a server has ended by itself:
// its drain-delay, its drain-timeout, and what app.stopTimeout allows after that.
func TestThereIsTimeToDrain(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../app/running.go")
	require.NoError(t, err)
	found := regexp.MustCompile(`const stopTimeout = (\d+) \* time.Second`).FindSubmatch(source)
	require.NotNil(t, found)
	stop, err := time.ParseDuration(string(found[1]) + "s")
	require.NoError(t, err)
	everyValues(t, func(t *testing.T, r *rendered) {
		server := r.server(t)
		drain, err := time.ParseDuration(variable(server, "EVENTFLOW_DRAIN_TIMEOUT").Value)
		require.NoError(t, err)
		delay, err := time.ParseDuration(variable(server, "EVENTFLOW_DRAIN_DELAY").Value)
		require.NoError(t, err)
		require.Greater(t, time.Duration(*server.pod.Spec.TerminationGracePeriodSeconds)*time.Second, delay+drain+stop)
	})
}

// TestProbesAskTheRightThing holds that a database that is away restarts no server.
func TestProbesAskTheRightThing(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		c := r.server(t).container()
		require.Equal(t, "/livez", c.LivenessProbe.HTTPGet.Path)
		require.Equal(t, "/livez", c.StartupProbe.HTTPGet.Path)
		require.Equal(t, "/readyz", c.ReadinessProbe.HTTPGet.Path)
		require.Greater(t, c.ReadinessProbe.TimeoutSeconds, int32(3), "health asks its dependencies for up to 3 seconds")
		require.GreaterOrEqual(t, c.StartupProbe.PeriodSeconds*c.StartupProbe.FailureThreshold, int32(600), "migrations take time")
		wants := core.URISchemeHTTP
		if variable(r.server(t), "EVENTFLOW_TLS_CERT").Value != "" {
			wants = core.URISchemeHTTPS
		}
		require.Equal(t, wants, c.ReadinessProbe.HTTPGet.Scheme)
	})
}

// TestSecretsAreKeptOrLeftAlone holds that the chart makes no secret beside one that it is
// given, and that those that it makes outlive the release.
func TestSecretsAreKeptOrLeftAlone(t *testing.T) {
	t.Parallel()
	require.Empty(t, render(t, "events", "values/postgres.yaml").secrets)
	made := render(t, "events", "values/trying.yaml").secrets
	for _, name := range []string{"events-eventflow-secret", "events-eventflow-postgres"} {
		require.Equal(t, "keep", made[name].Annotations["helm.sh/resource-policy"], name)
	}
	require.GreaterOrEqual(t, len(made["events-eventflow-secret"].Data["secret"]), 32)
	require.GreaterOrEqual(t, len(made["events-eventflow-secret"].Data["metrics-token"]), 16)
	require.NotEqual(t, made["events-eventflow-secret"].Data["secret"], render(t, "events", "values/trying.yaml").secrets["events-eventflow-secret"].Data["secret"])
}

// TestTheNetworkIsClosed holds that each pod has a policy in both directions, and that a
// bundled database is for the server alone and talks to nobody.
func TestTheNetworkIsClosed(t *testing.T) {
	t.Parallel()
	everyValues(t, func(t *testing.T, r *rendered) {
		for _, w := range r.workloads() {
			p := r.policies[w.name]
			require.NotNil(t, p, w.name)
			require.ElementsMatch(t, []networking.PolicyType{"Ingress", "Egress"}, p.Spec.PolicyTypes)
			if w.name == r.server(t).name {
				for _, rule := range p.Spec.Egress {
					require.True(t, len(rule.To) > 0 || *rule.Ports[0].Port == *p.Spec.Egress[0].Ports[0].Port, "only DNS may go anywhere")
				}
				continue
			}
			require.Empty(t, p.Spec.Egress)
			require.Equal(t, []string{r.server(t).name}, r.selected(t, p.Spec.Ingress[0].From[0].PodSelector))
		}
	})
}

// TestMetricsAreReadWithTheToken holds that Prometheus presents the token that the server has.
func TestMetricsAreReadWithTheToken(t *testing.T) {
	t.Parallel()
	for _, values := range []string{"values/postgres.yaml", "values/trying.yaml"} {
		r := render(t, "events", values)
		server := r.server(t)
		require.Equal(t, "eventflow", r.services[server.name].Labels[r.monitors[server.name].Spec.JobLabel], "the rules are about the job eventflow")
		credentials := r.monitors[server.name].Spec.Endpoints[0].Authorization.Credentials
		source := server.pod.Spec.Volumes[0].Projected.Sources[0].Secret
		require.Equal(t, source.Name, credentials.Name)
		require.True(t, slices.ContainsFunc(source.Items, func(i core.KeyToPath) bool {
			return i.Key == credentials.Key && "/run/eventflow/"+i.Path == variable(server, "EVENTFLOW_METRICS_TOKEN_FILE").Value
		}))
	}
}

// TestTheAlertsComeAlong holds that the chart has the rules of deploy/prometheus, whole.
func TestTheAlertsComeAlong(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../prometheus/eventflow.rules.yml")
	require.NoError(t, err)
	var wanted monitoring.PrometheusRuleSpec
	require.NoError(t, yaml.UnmarshalStrict(text, &wanted))
	require.NotEmpty(t, wanted.Groups)
	rules := render(t, "events", "values/postgres.yaml").rules["events-eventflow"]
	require.Equal(t, wanted, rules.Spec)
	require.Equal(t, "prometheus", rules.Labels["release"])
}

// owned are settings that the chart makes of other values.
var owned = []string{
	"addr", "store", "catalog", "secret", "secret-previous", "redis", "tls-cert", "tls-key", "smtp", "archive-secret-key", "metrics-token", "drain-delay", "drain-timeout",
}

var update = flag.Bool("update", false, "write the server's settings into values.schema.json")

// TestTheSchemaListsEverySetting holds that values.schema.json lets through the settings
// of the server, and no others. -update writes them anew.
func TestTheSchemaListsEverySetting(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("../../../app/config.go")
	require.NoError(t, err)
	var settings []string
	for _, found := range regexp.MustCompile("`name:\"([a-z-]+)\"").FindAllSubmatch(source, -1) {
		settings = append(settings, string(found[1]))
	}
	for _, name := range owned {
		require.Contains(t, settings, name)
	}
	settings = slices.DeleteFunc(settings, func(name string) bool { return slices.Contains(owned, name) })
	slices.Sort(settings)
	file := filepath.Join(chart, "values.schema.json")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	list := regexp.MustCompile(`(?s)("settings": \{.*?"properties": \{).*?(\n      \})`)
	require.Regexp(t, list, string(text))
	wanted := list.ReplaceAllStringFunc(string(text), func(found string) string {
		parts := list.FindStringSubmatch(found)
		lines := make([]string, len(settings))
		for i, name := range settings {
			lines[i] = "\n        \"" + name + `": {"$ref": "#/definitions/scalar"}`
		}
		return parts[1] + strings.Join(lines, ",") + parts[2]
	})
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(wanted), 0o644))
		return
	}
	var schema struct {
		Properties struct {
			Settings struct{ Properties map[string]any }
		}
	}
	require.NoError(t, json.Unmarshal(text, &schema))
	require.Equal(t, settings, slices.Sorted(maps.Keys(schema.Properties.Settings.Properties)),
		"write them into the schema: HELM=helm go test -C deploy/check/helm -run Schema -update")
}

// TestTheServerTakesItsVariables asks an eventflow what it thinks of the environment that
// a pod would have: settings that it does not know, or that are wrong, are refused.
func TestTheServerTakesItsVariables(t *testing.T) {
	t.Parallel()
	binary := os.Getenv("EVENTFLOW")
	if binary == "" {
		t.Log("EVENTFLOW names no binary: the names alone are compared with the schema")
		return
	}
	everyValues(t, func(t *testing.T, r *rendered) {
		folder := t.TempDir()
		command := exec.Command(binary, "config")
		command.Env = []string{"PATH=/usr/bin:/bin"}
		for _, v := range r.server(t).container().Env {
			value := v.Value
			if v.ValueFrom != nil {
				value = "postgres://eventflow@postgres/eventflow"
			}
			if strings.HasSuffix(v.Name, "_FILE") {
				value = filepath.Join(folder, filepath.Base(value))
				require.NoError(t, os.WriteFile(value, []byte(sample(v.Name)), 0o600))
			}
			command.Env = append(command.Env, v.Name+"="+value)
		}
		said, err := command.CombinedOutput()
		require.NoError(t, err, string(said))
		command.Env = append(command.Env, "EVENTFLOW_PORT=tcp://10.0.0.1:80")
		said, err = command.CombinedOutput()
		require.Error(t, err, "what enableServiceLinks keeps away does no harm: %s", said)
	})
}

// sample is a text that a secret's file may hold.
func sample(name string) string {
	switch {
	case strings.Contains(name, "REDIS"):
		return "redis://redis:6379/0"
	case strings.Contains(name, "SMTP"):
		return "smtps://user:password@mail.example.com:465"
	}
	return "0123456789abcdefghijklmnopqrstuvwxyz0123456789ab"
}
