#!/usr/bin/env bash
# Checks the Helm chart without a cluster: helm's lint and the schema of its values, every
# field against Kubernetes' own API description, then whether the parts fit each other and
# the server that they start. Values that must not pass lie in deploy/check/helm/broken.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"

go_tool helm helm.sh/helm/v4/cmd/helm v4.3.1
export HELM=$tool
go_tool kubeconform github.com/yannh/kubeconform/cmd/kubeconform v0.7.0
kubeconform=$tool

chart=deploy/helm/eventflow
work=$(mktemp -d /var/tmp/eventflow-helm.XXXXXX)
trap 'rm -rf "$work"' EXIT

# Kinds of the Prometheus operator are not Kubernetes' own: the tests decode those.
conforms() {
  "$kubeconform" -strict -summary -skip ServiceMonitor,PrometheusRule \
    -schema-location 'deploy/check/helm/schemas/{{.ResourceKind}}{{.KindSuffix}}.json' "$1"
}
render() { "$HELM" template events "$chart" -f "$1" >"$work/rendered.yaml"; }

for values in deploy/check/helm/values/*.yaml; do
  name=$(basename "$values" .yaml)
  passes "helm lints the chart with $name" "$HELM" lint --strict "$chart" -f "$values"
  passes "it renders" render "$values"
  passes "Kubernetes knows every field" conforms "$work/rendered.yaml"
done

# kubeconform itself: what it must refuse.
sed 's/^  replicas:/  replicass:/' "$work/rendered.yaml" >"$work/misspelt.yaml"
refuses "a misspelt field" conforms "$work/misspelt.yaml"
sed 's/containerPort: 8080/containerPort: "8080"/' "$work/rendered.yaml" >"$work/text.yaml"
refuses "a port that is text" conforms "$work/text.yaml"

passes "the chart is packed" "$HELM" package "$chart" --destination "$work"
server() { CGO_ENABLED=0 "$GO" build -trimpath -o "$work/eventflow" ./app/eventflow; }
passes "the server is built" server
tests() { EVENTFLOW=$work/eventflow "$GO" test -C deploy/check/helm -count=1 ./...; }
passes "its parts fit, and broken values are refused" tests
