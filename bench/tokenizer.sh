#!/usr/bin/env bash
# Tokenizer throughput, MB per CPU second of one core, ours and peers in one run on one file; fails when ids differ.
#
#   bench/tokenizer.sh TEXT_FILE [BUILD_DIRECTORY] [PYTHON]      a build with -DPHIDIAS_BENCH=ON; a Python with tokenizers, sentencepiece, tiktoken, numpy
set -euo pipefail
text=$(realpath "${1:?a UTF-8 text file of some MB}")
cd "$(dirname "$0")/.."
build=${2:-build} python=${3:-python3}
scripts/fetch_vocabularies.sh
ids=$(mktemp -d)
trap 'rm -rf "$ids"' EXIT
for vocabulary in phi-3-mini phi-3-small gpt-2; do
  printf '%-12s ' $vocabulary
  "$build/bin/tokenizer_bench" .cache/vocabularies/$vocabulary "$text" "$ids/$vocabulary"
done | tee "$ids/ours"
"$python" bench/peers/tokenizer_hf.py .cache/vocabularies "$text" "$ids/phi-3-mini" "$ids/phi-3-small" | tee "$ids/peers"
awk '/^phi-3-mini/ {p = $3} /^phi-3-small/ {c = $3} /^hf/ {h = $4} /^sentencepiece/ {for (i = 1; i < NF; ++i) if ($(i + 1) ~ /^MB/) s = $i} /^tiktoken/ {t = $3}
  END {printf "ratio: phi-3 %.1f x hf tokenizers, %.1f x sentencepiece; cl100k %.1f x tiktoken\n", p / h, p / s, c / t}' "$ids/ours" "$ids/peers"
