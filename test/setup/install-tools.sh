#!/usr/bin/env bash
# Installs what the tests need beside the packages of npm: commands of Debian's that are not here yet.
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

if ((${#missing[@]} > 0)); then
  root=()
  if [[ $(id -u) != 0 ]]; then root=(sudo); fi
  "${root[@]}" apt-get update
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends "${missing[@]}"
fi
