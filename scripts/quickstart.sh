#!/usr/bin/env bash
# From a fresh machine to a fine-tuned model: sets up, makes the training conversations, fine-tunes a small Phi-3 with two MPI ranks on the
# CPU (under 5 minutes) and lets it answer prompts it has not seen, before and after.
#
#   scripts/quickstart.sh            leaves runs/quickstart/ (metrics.jsonl, report/, checkpoints/, final/)
#
# Can be run again: set-up and data are kept, training resumes where it stopped. `rm -r runs/quickstart*` starts over.
set -euo pipefail
cd "$(dirname "$0")/.."
case ${1:-} in '') ;; *) sed -n '2,8p' "$0"; exit 2 ;; esac
trap 'printf "[quickstart] stopped in line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
step() { printf '\n[quickstart] %s\n' "$*"; }

scripts/setup.sh program
phidias=build/bin/phidias
data=runs/quickstart-data

if [ ! -e $data/test.jsonl ]; then
  step "writing conversations to $data"
  $phidias data make-tasks --output $data
fi
if [ ! -e $data/initial/config.json ]; then
  step "a small Phi-3 with fresh weights: $data/initial"
  $phidias init --preset phi3-quickstart --tokenizer recipes/quickstart/tokenizer --output $data/initial
fi

answer() { $phidias generate --quiet --model "$1" --input $data/test.jsonl --output "$2" --answers answer --max-new-tokens 48 --batch-size 64; }
step "before training: answers to ${data}/test.jsonl, none of whose prompts is in the training data"
before=$(answer $data/initial $data/answers-before.jsonl | tail -n 1)
echo "$before"

step "fine-tuning with two ranks (recipes/quickstart/quickstart.yaml)"
launch/mpirun.sh -n 2 $phidias train recipes/quickstart/quickstart.yaml

step "after training: the same prompts"
after=$(answer runs/quickstart runs/quickstart/answers.jsonl | tail -n 1)
step "some answers"
python3 - runs/quickstart/answers.jsonl $data/test.jsonl <<'PY'
import json, sys
answers = [json.loads(line) for line in open(sys.argv[1])]
tests = [json.loads(line) for line in open(sys.argv[2])]
for answer, test in list(zip(answers, tests))[::max(1, len(tests) // 6)][:6]:
    print("  user:      " + test["messages"][-2 if test["messages"][-1]["role"] == "assistant" else -1]["content"].replace("\n", " / "))
    print("  assistant: " + answer["text"].replace("\n", " / ") + ("" if answer.get("exact") else "   (expected: " + test["answer"] + ")"))
PY
step "done"
echo "  before: $before"
echo "  after:  $after"
echo "  runs/quickstart/report/index.html   curves"
echo "  runs/quickstart/final               a Hugging Face directory"
echo "  $phidias chat --model runs/quickstart   talks with it"
