#!/usr/bin/env bash
# Installs what symmbench needs to build and run, on Debian 12 or Ubuntu 24.04. Does nothing that is already done.
# Usage: scripts/setup.sh [--check] [--tidy] [--fuzz]     as root, or with sudo
#   --check  also what scripts/check_style.sh and the tests of the documentation run
#   --tidy   also what scripts/tidy.sh runs
#   --fuzz   also what scripts/fuzz.sh runs
set -euo pipefail

say() { printf 'setup: %s\n' "$*"; }

as_root() {
  if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

packages=(g++ cmake ninja-build git openmpi-bin libopenmpi-dev libcli11-dev libfmt-dev nlohmann-json3-dev
  libvalijson-dev libpugixml-dev libarchive-dev libhwloc-dev python3 jq)
# Both systems have these versions beside their default ones.
for option in "$@"; do
  case "$option" in
    --check) packages+=(clang-format-14 shellcheck mandoc zsh python3-yaml) ;;
    --tidy) packages+=(clang-tidy-16) ;;
    --fuzz) packages+=(clang-16 libclang-rt-16-dev) ;;
    *)
      say "unknown option '$option': --check, --tidy or --fuzz" >&2
      exit 2
      ;;
  esac
done

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done

catch2_version=$(dpkg-query -W -f='${Version}' catch2 2>/dev/null || true)
need_catch2=1
case "$catch2_version" in 3.*) need_catch2=0 ;; esac

if [ "${#missing[@]}" -eq 0 ] && [ "$need_catch2" -eq 0 ]; then
  say "everything is installed"
  exit 0
fi

# shellcheck disable=SC1091
. /etc/os-release
export DEBIAN_FRONTEND=noninteractive

# Debian 12 has Catch2 2; version 3 is in its backports, on the same mirror as the system's other packages.
catch2_from=()
if [ "$need_catch2" -eq 1 ] && [ "${VERSION_CODENAME:-}" = bookworm ]; then
  catch2_from=(-t bookworm-backports)
  if ! grep -rqs bookworm-backports /etc/apt/sources.list /etc/apt/sources.list.d; then
    uri=$(awk '/^URIs:/ { print $2; exit }' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
    [ -n "$uri" ] || uri=$(awk '$1 == "deb" { for (i = 2; i <= NF; i++) if ($i ~ /^https?:/) { print $i; exit } }' \
      /etc/apt/sources.list 2>/dev/null || true)
    if [ -z "$uri" ]; then
      say "cannot find the system's Debian mirror in /etc/apt: add bookworm-backports by hand" >&2
      exit 1
    fi
    say "adding bookworm-backports (for Catch2 3)"
    printf 'Types: deb\nURIs: %s\nSuites: bookworm-backports\nComponents: main\nSigned-By: %s\n' \
      "$uri" /usr/share/keyrings/debian-archive-keyring.gpg |
      as_root tee /etc/apt/sources.list.d/symmbench-backports.sources >/dev/null
  fi
fi

say "refreshing package lists"
as_root apt-get update -qq
if [ "${#missing[@]}" -gt 0 ]; then
  say "installing ${missing[*]}"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
if [ "$need_catch2" -eq 1 ]; then
  say "installing catch2 (version 3)"
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${catch2_from[@]}" catch2 \
    >/dev/null
fi
say "done"
