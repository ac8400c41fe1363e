#!/usr/bin/env bash
# Sets the machine up (scripts/setup.sh all: idempotent) and runs the whole test suite.
#
#   scripts/test.sh                  everything
#   scripts/test.sh -R models        arguments go to ctest
set -euo pipefail
cd "$(dirname "$0")/.."
trap 'printf "[test] stopped in line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
scripts/setup.sh all
if [ -x scripts/fetch_vocabularies.sh ]; then
  scripts/fetch_vocabularies.sh || echo "[test] the vocabularies could not be fetched: tests that need them skip and say so"
fi
printf '[test] running the tests\n'
cd build
exec ctest --output-on-failure -j "${PHIDIAS_JOBS:-$(nproc)}" "$@"
