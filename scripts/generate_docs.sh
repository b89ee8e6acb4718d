#!/usr/bin/env bash
# Renews what of the documentation is written from the tables of options and commands: man page, completions, the keys in
# the page on configuration files. To be run when one of these has changed; a unit test compares.
# Usage: scripts/generate_docs.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
build host generate_docs
build/host/bin/generate_docs .
