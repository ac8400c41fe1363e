#!/usr/bin/env bash
# Makes the corpus of recipes/data/two-phase.yaml from nothing: raw texts, noise, classifiers, the filtered corpus with its report, the same texts without
# filters, a held-out set, and the tokens of both.
#
#   scripts/two_phase_corpus.sh [runs/two-phase] [small]      small: two packages of text in place of ten, for a test
#
# Minutes on two cores, about 30 MB to download. Every step is passed over when it is done.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-runs/two-phase}
size=${2:-all}
phidias=build/bin/phidias
[ -x "$phidias" ] || { echo "[corpus] build the program first: scripts/setup.sh program" >&2; exit 1; }
noise=6000; [ "$size" = small ] && noise=600

scripts/collect_texts.sh "$out/raw" "$size"
[ -e "$out/raw/noise.jsonl" ] || "$phidias" data make-noise --output "$out/raw/noise.jsonl" --documents "$noise" --seeds "$out/raw/pod"
[ -e "$out/educational/model.bin" ] || "$phidias" data train-classifier recipes/data/educational-classifier.yaml output="$out/educational" --quiet >/dev/null
[ -e "$out/topics/model.bin" ] || "$phidias" data train-classifier recipes/data/topic-classifier.yaml output="$out/topics" --quiet >/dev/null

# The recipes name runs/two-phase; elsewhere their copies do.
for name in two-phase two-phase-unfiltered two-phase-held-out two-phase-mixture two-phase-unfiltered-mixture; do
  sed "s|runs/two-phase/|$out/|g" "recipes/data/$name.yaml" >"$out/$name.yaml"
done
for part in two-phase:corpus two-phase-unfiltered:unfiltered two-phase-held-out:held-out; do
  launch/mpirun.sh -n 2 "$phidias" data run "$out/${part%%:*}.yaml" output="$out/${part##*:}"
done
for part in corpus unfiltered; do
  "$phidias" data tokenize "$out/$part/kept" --model recipes/quickstart/tokenizer --columns "$([ $part = corpus ] && echo educational)" --max-length 512 --output "$out/$part-tokens"
done
"$phidias" data mixture "$out/two-phase-mixture.yaml"
echo "[corpus] report: $out/corpus/report.html"
