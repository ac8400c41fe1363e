#!/usr/bin/env bash
# Makes the corpus of recipes/data/two-phase.yaml from nothing: raw texts, noise, classifiers, the filtered corpus with its report, the same texts without
# filters, a held-out set, and the tokens of both.
#
#   scripts/two_phase_corpus.sh                      into runs/two-phase: 30 MB to download, two minutes on two cores
#   scripts/two_phase_corpus.sh DIR                  into another folder, with copies of the recipes that name it
#   scripts/two_phase_corpus.sh DIR small            three packages of text, a tenth of the noise and of the tokens: for a test
#
# Every step is passed over when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/two-phase}
size=${2:-all}
case "$out $size" in -* | *" all" | *" small") ;; *) out=-h ;; esac
case $out in -*) sed -n '2,9p' "$0"; exit 2 ;; esac
phidias=build/bin/phidias
[ -x "$phidias" ] || { echo "[corpus] build the program first: scripts/setup.sh program" >&2; exit 1; }
noise=6000; [ "$size" = small ] && noise=600

scripts/collect_texts.sh "$out/raw" "$size"
[ -e "$out/raw/noise.jsonl" ] || "$phidias" data make-noise --output "$out/raw/noise.jsonl" --documents "$noise" --seeds "$out/raw/pod"
[ -e "$out/educational/model.bin" ] || "$phidias" data train-classifier recipes/data/educational-classifier.yaml output="$out/educational" --quiet >/dev/null
[ -e "$out/topics/model.bin" ] || "$phidias" data train-classifier recipes/data/topic-classifier.yaml output="$out/topics" --quiet >/dev/null

# The recipes name runs/two-phase; their copies name this folder.
mkdir -p "$out/recipes"
for recipe in recipes/data/two-phase*.yaml recipes/pretrain/two-phase-tiny.yaml; do
  sed "s|runs/two-phase/|$out/|g; s|runs/two-phase-|$out/run-|g; s|recipes/data/two-phase|$out/recipes/two-phase|g" "$recipe" >"$out/recipes/$(basename "$recipe")"
done
[ "$size" = small ] && sed -i -E 's/tokens: ([0-9_]*)0_000$/tokens: \1_000/' "$out"/recipes/*-mixture.yaml
for part in two-phase:corpus two-phase-unfiltered:unfiltered two-phase-held-out:held-out; do
  launch/mpirun.sh -n 2 "$phidias" data run "$out/recipes/${part%%:*}.yaml" output="$out/${part##*:}"
done
for part in corpus unfiltered; do
  columns=(); [ $part = corpus ] && columns=(--columns educational)
  "$phidias" data tokenize "$out/$part/kept" --model recipes/quickstart/tokenizer "${columns[@]}" --max-length 512 --output "$out/$part-tokens"
done
"$phidias" data mixture "$out/recipes/two-phase-mixture.yaml"
echo "[corpus] report: $out/corpus/report.html"
echo "[corpus] next:   $phidias train $out/recipes/two-phase-tiny.yaml"
