#!/bin/bash
# The table of docs/layouts.md: 20 steps of tiny models on every layout against one rank. Fails when a row differs by more than 1e-5.
# Usage: tests/layouts/run.sh [BUILD]     BUILD: a build directory with PHIDIAS_TESTS=ON, default build
set -uo pipefail
build=${1:-$(dirname "$0")/../../build}
test=$(find "$build" -name layouts_losses_test -type f | head -1)
[ -n "$test" ] || { echo "$build has no layouts_losses_test: ninja -C $build layouts_losses_test" >&2; exit 2; }
"$test" --gtest_brief=1 > "$build/layouts.txt" 2> "$build/layouts.err"
code=$?
grep '^|' "$build/layouts.txt" | awk '!/^\| model|^\|---/ || !seen[$0]++'
[ $code -eq 0 ] || grep -h 'did not run' "$build/layouts.txt" "$build/layouts.err" >&2
exit $code
