#!/usr/bin/env bash
# Rolls out on Kubernetes, by Helm: RELEASE and NAMESPACE are eventflow by default, and
# VALUES is a file with the installation's values.
#
#   helm.sh current
#   helm.sh apply IMAGE
set -euo pipefail
chart=$(cd "$(dirname "${BASH_SOURCE[0]}")/../helm/eventflow" && pwd)
release=${RELEASE:-eventflow} namespace=${NAMESPACE:-eventflow}
helm=${HELM:-helm}

case "${1:-} $#" in
'current 1')
  "$helm" status "$release" --namespace "$namespace" >/dev/null 2>&1 || exit 0
  "$helm" get values "$release" --namespace "$namespace" --all -o json |
    jq -r '.image | .repository + if (.digest // "") != "" then "@" + .digest else ":" + .tag end'
  ;;
'apply 2')
  case "$2" in
  *@*) image=(--set-string "image.repository=${2%@*}" --set-string "image.digest=${2#*@}") ;;
  *) image=(--set-string "image.repository=${2%:*}" --set-string "image.tag=${2##*:}" --set-string image.digest=) ;;
  esac
  "$helm" upgrade --install "$release" "$chart" --namespace "$namespace" --create-namespace \
    ${VALUES:+--values "$VALUES"} "${image[@]}" --wait --timeout 10m >&2
  ;;
*) echo "usage: $0 current | apply IMAGE" >&2 && exit 2 ;;
esac
