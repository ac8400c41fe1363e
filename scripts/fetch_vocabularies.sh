#!/usr/bin/env bash
# Fetches the vocabularies that the tokenizer tests and bench use into .cache/vocabularies/: the true Phi-3 and GPT-2 ones from the source
# distribution of llama-cpp-python, cl100k (Phi-3-small) from the litellm wheel. Third-party files, not part of this repository.
#
#   scripts/fetch_vocabularies.sh
#
# Idempotent: what is there is not fetched again. Each file is checked against its sha256. Needs python3 with pip. Tests that find no vocabularies
# skip with a printed reason.
set -euo pipefail
cd "$(dirname "$0")/.."
target=.cache/vocabularies
stamp=$target/.complete-$(cat scripts/build_vocabularies.py "$0" | sha256sum | cut -c1-16)
[ -e "$stamp" ] && exit 0

step() { printf '[vocabularies] %s\n' "$*"; }
fail() { printf '[vocabularies] error: %s\n' "$*" >&2; exit 1; }
mkdir -p $target/downloads

python=python3
if ! python3 -m pip --version >/dev/null 2>&1; then
  [ -x .deps/venv/bin/python ] || fail "python3 has no pip (Debian: apt-get install python3-pip)"
  python=.deps/venv/bin/python
fi
fetch() {  # requirement, file, sha256, pip flags
  local requirement=$1 file=$target/downloads/$2 sum=$3
  shift 3
  if ! echo "$sum  $file" | sha256sum --check --status 2>/dev/null; then
    step "downloading $requirement"
    "$python" -m pip download --quiet --no-deps --dest $target/downloads "$@" "$requirement" >$target/pip.log 2>&1 || { tail -n 15 $target/pip.log >&2; fail "pip download $requirement failed"; }
    echo "$sum  $file" | sha256sum --check --status || fail "$file has not the expected sha256 $sum"
  fi
}
fetch llama-cpp-python==0.3.36 llama_cpp_python-0.3.36.tar.gz 832db0699007f1be95a7e41ef12e88926b02ba836461e36a36372db2760c1a2e --no-binary llama-cpp-python
fetch litellm==1.77.7 litellm-1.77.7-py3-none-any.whl 1b3a1b17bd521a0ad25226fb62a912602c803922aabb4a16adf83834673be574 --only-binary :all:

step "building tokenizer directories"
"$python" scripts/build_vocabularies.py $target
touch "$stamp"
rm -rf $target/downloads
step "ready in $target"
