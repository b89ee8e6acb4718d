#!/usr/bin/env bash
# Renews the lists of names in configs/schema from the option table, the catalogue behind it, and the names of failures and
# phases. To be run when one of these has changed; a unit test compares. Usage: scripts/generate_schemas.sh
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/lib.sh
. scripts/lib.sh
build host generate_schemas
build/host/bin/generate_schemas configs/schema/*.schema.json
