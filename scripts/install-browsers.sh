#!/usr/bin/env bash
# Installs what npm cannot bring, on Debian, as root: Firefox ESR, Debian's Chromium, and Mesa's software Vulkan (lavapipe).
# Dawn refuses the Mesa 22.3 of Debian 12, so there Mesa comes from backports, from the very mirror that this machine's apt already uses.
set -euo pipefail

mesa_at_least_25() { # of the version that apt would install now
  local version
  version=$(apt-cache policy mesa-vulkan-drivers | sed -n 's/^ *Candidate: *//p')
  [ -n "$version" ] && [ "$version" != "(none)" ] && dpkg --compare-versions "$version" ge 25
}

# Prints the first mirror of the main archive in apt's own sources (either format), without its trailing slash.
debian_mirror() {
  { grep -rhoE '^URIs:.*' /etc/apt/sources.list.d/ 2>/dev/null; grep -rhE '^deb ' /etc/apt/sources.list /etc/apt/sources.list.d/ 2>/dev/null; } |
    grep -oE '[a-z+]+:/[^ ]*/debian/?( |$)' | sed -E 's:/? *$::' | head -n 1 || true
}

apt-get update -q
packages=(firefox-esr chromium)
if ! mesa_at_least_25; then
  # shellcheck source=/dev/null
  suite="$(. /etc/os-release && echo "$VERSION_CODENAME")-backports"
  mirror=$(debian_mirror)
  [ -n "$mirror" ] || { echo "install-browsers: no Debian mirror in apt's sources, so no backports: lavapipe is missing" >&2; exit 1; }
  printf 'Types: deb\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n' \
    "$mirror" "$suite" >/etc/apt/sources.list.d/fcn-webgpu-backports.sources
  apt-get update -q
  apt-get install -y -q --no-install-recommends -t "$suite" mesa-vulkan-drivers
else
  apt-get install -y -q --no-install-recommends mesa-vulkan-drivers
fi
apt-get install -y -q --no-install-recommends "${packages[@]}" libvulkan1
