#!/usr/bin/env bash
# Duplicate stages and datatrove on one text file in one run, MB per CPU second of one core.
#
#   bench/data_dedup.sh TEXT_FILE [BUILD_DIRECTORY] [PYTHON]      a build with -DPHIDIAS_BENCH=ON; a Python with datatrove, xxhash, numpy
set -euo pipefail
text=$(realpath "${1:?a UTF-8 text file of some MB}")
cd "$(dirname "$0")/.."
build=${2:-build} python=${3:-python3}
"$build/bin/data_dedup_bench" "$text"
"$python" bench/data_dedup_peer.py "$text"
