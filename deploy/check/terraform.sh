#!/usr/bin/env bash
# Checks terraform/ without AWS and without Terraform's registry: format, every resource,
# argument and type against the AWS provider's schema, the modules' own tests, tflint. Then
# it breaks things, and fails where that goes unnoticed.
#
# It takes Terraform 1.11 or later from $TERRAFORM or the PATH, else it builds OpenTofu.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"

tofu_version=v1.12.6
schema_of=6.25.0 # of the AWS provider, see terraform/check/provider

go_tool tflint github.com/terraform-linters/tflint v0.64.0
tflint=$tool

work=$(mktemp -d /var/tmp/eventflow-terraform.XXXXXX)
trap 'rm -rf "$work"' EXIT
export CHECKPOINT_DISABLE=1 TF_IN_AUTOMATION=1 TF_CLI_CONFIG_FILE=$work/rc.hcl
cat >"$TF_CLI_CONFIG_FILE" <<END
disable_checkpoint = true
provider_installation {
  filesystem_mirror {
    path = "$work/mirror"
  }
}
END

usable() {
  local version
  version=$("$1" version -json 2>/dev/null | sed -n 's/.*"terraform_version": "\([0-9.]*\).*/\1/p')
  [ -n "$version" ] && [ "$(printf '1.11.0\n%s\n' "$version" | sort -V | head -n 1)" = 1.11.0 ]
}

# OpenTofu has replaced modules, so `go install` refuses it: it is built as a main module.
build_tofu() {
  local source
  say "building OpenTofu $tofu_version, which takes minutes: there is no Terraform 1.11 on the PATH"
  source=$(cd / && "$GO" mod download -json "github.com/opentofu/opentofu@$tofu_version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  cp -r "$source" "$work/tofu"
  chmod -R u+w "$work/tofu"
  (cd "$work/tofu" && CGO_ENABLED=0 GOFLAGS='-mod=mod -trimpath -buildvcs=false' "$GO" build -o "$cache/tofu-$tofu_version" ./cmd/tofu)
  rm -rf "$work/tofu"
}

terraform=${TERRAFORM:-$(command -v terraform || true)}
if [ -z "$terraform" ] || ! usable "$terraform"; then
  terraform=$cache/tofu-$tofu_version
  [ -x "$terraform" ] || build_tofu
fi
say "with $("$terraform" version | head -n 1)"

# The stand-in for the AWS provider, where either engine looks for it.
provider() {
  "$GO" vet -C terraform/check/provider . &&
    CGO_ENABLED=0 "$GO" build -C "$root/terraform/check/provider" -trimpath -buildvcs=false -o "$work/provider" .
}
passes "the provider that stands in for AWS's is built" provider
for registry in registry.terraform.io registry.opentofu.org; do
  folder=$work/mirror/$registry/hashicorp/aws/$schema_of/$("$GO" env GOOS)_$("$GO" env GOARCH)
  mkdir -p "$folder"
  ln "$work/provider" "$folder/terraform-provider-aws_v$schema_of"
done

# In a copy: init writes the stand-in's hash into a lock file, which must not get here.
copy() {
  rm -rf "$work/copy"
  mkdir "$work/copy"
  cp -r terraform/modules terraform/environments terraform/check terraform/.tflint.hcl "$work/copy/"
  find "$work/copy" -name '.terraform*' -prune -exec rm -rf {} +
}

init() { "$terraform" -chdir="$1" init -backend=false -no-color; }
validate() { init "$1" && "$terraform" -chdir="$1" validate -no-color; }
tested() { "$terraform" -chdir="$1" test -no-color; }

# noticed SAYING TEXT COMMAND… runs a command that must fail with a text, wherever
# Terraform has broken the line.
noticed() {
  local saying=$1 text=$2 output
  shift 2
  if output=$("$@" 2>&1); then
    fail "$saying: was not noticed"
  fi
  if ! printf '%s' "$output" | tr '\n' ' ' | sed 's/│/ /g' | tr -s ' ' | grep -qF -- "$text"; then
    printf '%s\n' "$output" >&2
    fail "$saying: fails for another reason than: $text"
  fi
  say "✓ $saying is noticed"
}

passes "it is formatted" "$terraform" fmt -check -recursive -diff terraform
copy
for folder in "$work"/copy/modules/* "$work"/copy/environments/*; do
  name=$(basename "$folder")
  passes "$name is valid" validate "$folder"
  passes "$name passes its tests" tested "$folder"
  passes "tflint finds nothing in $name" "$tflint" --config "$work/copy/.tflint.hcl" --chdir "$folder"
done

for folder in "$work"/copy/check/broken/*; do
  noticed "broken: $(basename "$folder")" "$(sed -n '1s/^# wants: //p' "$folder/main.tf")" validate "$folder"
done

grep -v '^#' terraform/check/mutations.txt >"$work/mutations"
while IFS='|' read -r module change wants; do
  copy
  folder=$work/copy/modules/$module
  sed -i "$change" "$folder"/*.tf
  ! diff -rq "$folder" "terraform/modules/$module" >/dev/null || fail "mutations.txt: $module: $change: changes nothing"
  passes "$module is made ready" init "$folder" >/dev/null
  noticed "$module: $change" "$wants" tested "$folder"
done <"$work/mutations"
