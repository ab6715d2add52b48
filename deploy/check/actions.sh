#!/usr/bin/env bash
# Checks the workflows and every shell script of the project: actionlint, shellcheck,
# and gitleaks with its exceptions. GitHub itself is not asked.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"

packages shellcheck
go_tool actionlint github.com/rhysd/actionlint/cmd/actionlint v1.7.12
actionlint=$tool
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Actions are pinned to commits, whose inputs actionlint does not know: it reads a copy
# that names the version in the comment instead.
mkdir -p "$work/.github/workflows"
git -C "$work" init -q
unpin() { sed -E 's/(uses: [^@ ]+)@[0-9a-f]{40} # (v[0-9]+)\..*/\1@\2/' "$1"; }
for file in .github/workflows/*.yml; do
  unpin "$file" >"$work/$file"
  loose=$(grep -nE '^\s*(- )?uses: [^.]' "$file" | grep -vE '@[0-9a-f]{40} # v[0-9]+\.[0-9]+\.[0-9]+$' || true)
  [ -z "$loose" ] || fail "$file names an action without its commit and version: $loose"
done
say "✓ every action is pinned to a commit, with its version beside it"
lint() { (cd "$work" && "$actionlint" -no-color "$@"); }
passes "actionlint finds nothing" lint .github/workflows/*.yml

breaks() { # SAYING SED
  sed "$2" "$work/.github/workflows/ci.yml" >"$work/.github/workflows/broken.yml"
  refuses "$1" lint .github/workflows/broken.yml
  rm "$work/.github/workflows/broken.yml"
}
breaks "a misspelt trigger" 's/^  pull_request:/  pull_requests:/'
breaks "an unknown runner" '0,/ubuntu-24.04/s//ubuntu-42.04/'
breaks "a job that is missing" 's/^  scan:/  scan:\n    needs: tests/'
breaks "an unknown input" 's/go-version-file:/go-version-flie:/'
# shellcheck disable=SC2016 # GitHub's, not the shell's
breaks "a script that outsiders write" 's|run: .ci/run|run: echo ${{ github.event.pull_request.title }}|'
# shellcheck disable=SC2016 # it is looked at, not run
breaks "a fault in a shell line" 's|run: .ci/run|run: rm -rf $HOMEE/$(ls)|'

mapfile -t scripts < <(git ls-files -co --exclude-standard | while read -r file; do
  [ -f "$file" ] && head -c 64 "$file" | grep -qE '^(#!.*\b(ba)?sh\b|# shellcheck shell=)' && echo "$file"
done)
passes "shellcheck finds nothing in ${#scripts[@]} scripts" shellcheck -x "${scripts[@]}"
while read -r file; do
  [ -x "$file" ] || fail "a workflow runs $file, which is no script"
done < <(grep -hoE '(deploy/[a-z/-]+\.sh|\.ci/run)' .github/workflows/*.yml | sort -u)
say "✓ every script that a workflow runs is there"

passes "gitleaks finds nothing" deploy/ci/secrets.sh
plant() { # FILE TEXT
  git -C "$work" -c user.name=check -c user.email=check@localhost commit -q --allow-empty -m empty
  mkdir -p "$work/$(dirname "$1")" && printf '%s\n' "$2" >"$work/$1"
  git -C "$work" add -f "$1"
  git -C "$work" -c user.name=check -c user.email=check@localhost commit -q -m plant
}
letters() { head -c 200 /dev/urandom | base64 | tr -dc 'A-Z0-9' | head -c "$1"; }
plant app/planted.go "var key = \"AKIA$(letters 8 | tr 01 AB)QRTUVWXY\""
refuses "a key for AWS" deploy/ci/secrets.sh "$work"
rm -rf "$work/.git" && git -C "$work" init -q
plant README.md "X-API-Key: ef_live_$(letters 38)"
refuses "a key for live events" deploy/ci/secrets.sh "$work"
