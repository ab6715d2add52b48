#!/usr/bin/env bash
# Checks the release: built in another folder with empty caches, it is the same byte
# for byte; its signature holds and breaks; its bill of materials names every module.
# PLATFORMS are those to build for; the release itself has six.
# shellcheck source=deploy/check/tools/install.sh
. "$(dirname "$0")/tools/install.sh"
# shellcheck source=deploy/check/tools/packagers.sh
. "$(dirname "$0")/tools/packagers.sh"

packages zip jq openssh-client
needs_nfpm
needs_cyclonedx
export PLATFORMS=${PLATFORMS:-linux/amd64}

work=$(mktemp -d /var/tmp/eventflow-release.XXXXXX)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
release=v0.0.0-check

# Both are built from clones: what is not committed is in no release.
git clone -q "$root" "$work/here"
git clone -q "$root" "$work/somewhere/else"
build() { (cd "$1" && deploy/release/build.sh $release "$work/$2"); }
passes "a release is built for $PLATFORMS" build "$work/here" one
another() { GOCACHE=$work/gocache build "$work/somewhere/else" other; }
passes "another is built in another folder, with nothing cached" another
diff -r "$work/one" "$work/other" >&2 || fail "the two differ"
say "✓ they are the same: $(sha256sum <"$work/one/SHA256SUMS" | cut -c1-16), $(wc -l <"$work/one/SHA256SUMS") files"

cd "$work"
mkdir run
tar -C run --strip-components=1 -xf one/eventflow_${release#v}_linux_amd64.tar.gz
[ "$(run/eventflow version)" = $release ] || fail "the binary says that it is $(run/eventflow version)"
say "✓ the binary says which release it is"

ssh-keygen -q -t ed25519 -N '' -C check -f key
printf 'release namespaces="eventflow" %s\n' "$(cut -d' ' -f1,2 key.pub)" >signers
verify() { SIGNERS=$work/${2:-signers} "$root/deploy/release/verify.sh" "$1"; }
passes "its checksums are signed" "$root/deploy/release/sign.sh" one key
passes "the signature is verified" verify one
ssh-keygen -q -t ed25519 -N '' -C other -f stranger
printf 'release namespaces="eventflow" %s\n' "$(cut -d' ' -f1,2 stranger.pub)" >strangers
refuses "a signature by somebody else" verify one strangers
cp -r one changed && echo >>changed/CHANGELOG.md
refuses "a file that was changed" verify changed
refuses "signing what does not match its checksums" "$root/deploy/release/sign.sh" changed key
(cd changed && sha256sum -- CHANGELOG.md *.json *.gz *.deb >SHA256SUMS)
refuses "checksums that were changed" verify changed

go version -m run/eventflow | awk '$1 == "dep" {print $2}' | sort >linked
jq -r '.components[].name' one/eventflow.cdx.json | sort >listed
unnamed=$(comm -23 linked listed)
[ -z "$unnamed" ] || fail "the bill of materials does not name $unnamed"
unlicensed=$(jq -r '[.components[] | select(.evidence.licenses == null and .licenses == null) | .name] - ["std"] | join(" ")' one/eventflow.cdx.json)
say "✓ the bill of materials names all $(wc -l <linked) modules; without a licence that is recognized: ${unlicensed:-none}"

# What changed is told from release to release.
git init -q -b main log && cd log
number=0
for step in one two three; do
  git -c user.name=check -c user.email=check@localhost commit -q --allow-empty -m "Do $step"
  git tag "v0.$((++number)).0"
done
mkdir -p deploy/release && cp "$root/deploy/release/changelog.sh" deploy/release/
deploy/release/changelog.sh v0.2.0 >../told
[ "$(sed -E 's/ \([0-9a-f]+\)//' ../told | tail -n +5)" = $'Since v0.1.0:\n\n- Do two' ] || fail "the changelog is wrong: $(cat ../told)"
say "✓ the changelog tells what changed since the release before"
