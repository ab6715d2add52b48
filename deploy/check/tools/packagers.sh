# shellcheck shell=bash
# What deploy/release and deploy/package build with, at the versions that are checked.
# Whoever reads this reads install.sh first.

needs_nfpm() {
  go_tool nfpm github.com/goreleaser/nfpm/v2/cmd/nfpm v2.45.2
  export NFPM=${tool:?}
}

needs_cyclonedx() {
  go_tool cyclonedx-gomod github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod v1.10.0
  export CYCLONEDX=${tool:?}
}
