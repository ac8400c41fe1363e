#!/usr/bin/env bash
# Runs every test and bench that needs a GPU, from a folder of built programs, and ends with a table: one line per program.
#
#   scripts/gpu_check.sh [FOLDER]          default build/bin; a packed folder with an env.sh above it is set up from that file
#
# Exit code 0 when every test passed and none was skipped for want of a GPU. Logs lie in $OUT (default: a new temporary folder).
set -uo pipefail
folder=${1:-build/bin}
out=${OUT:-$(mktemp -d)}
[ -f "$folder/../env.sh" ] && source "$folder/../env.sh"
mkdir -p "$out"
limit=${GPU_CHECK_SECONDS:-300}      # per program
summary=$out/gpu_check.txt
: > "$summary"
failed=0
export GTEST_COLOR=no

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null || echo "nvidia-smi finds no GPU"

# count PATTERN FILE
count() { grep -c "$1" "$2" || true; }

note() { printf '%-34s %-8s %s\n' "$1" "$2" "$3" | tee -a "$summary"; }

check() {   # NAME COMMAND...
  local name=$1 log=$out/$1.log begin=$SECONDS rc passed skipped broken
  shift
  timeout "$limit" "$@" > "$log" 2>&1; rc=$?
  passed=$(count '^\[       OK \]' "$log"); skipped=$(count '^\[  SKIPPED \] .* (' "$log"); broken=$(count '^\[  FAILED  \] .* (' "$log")
  if [ $rc -ne 0 ] || grep -q 'no GPU:' "$log"; then
    failed=1
    note "$name" FAILED "exit $rc, $passed passed, $broken failed, $skipped skipped, $((SECONDS - begin)) s"
    grep -nE 'Failure|no GPU:|terminate|what\(\)|^Expected|^  Actual|which is|actual:|Error' "$log" | head -25
    [ $rc -ge 124 ] && tail -5 "$log"
  else
    note "$name" ok "$passed passed, $skipped skipped, $((SECONDS - begin)) s"
  fi
}

for program in kernels_cuda_plugin kernels_cuda_layers kernels_cuda_loss kernels_cuda_attention kernels_cuda_experts parallel_cuda_nccl; do
  [ -x "$folder/${program}_test" ] || { note "$program" MISSING "not in $folder"; failed=1; continue; }
  check "$program" "$folder/${program}_test"
done
if [ -x "$folder/parallel_cuda_staged_test" ] && command -v mpirun > /dev/null; then
  check parallel_cuda_staged mpirun -n 2 "$folder/parallel_cuda_staged_test"
fi

if [ -x "$folder/cuda_kernels_bench" ]; then
  begin=$SECONDS
  if timeout "$limit" "$folder/cuda_kernels_bench" ${GPU_CHECK_TOKENS:-} > "$out/cuda_kernels_bench.log" 2>&1; then note cuda_kernels_bench ok "$((SECONDS - begin)) s"
  else note cuda_kernels_bench FAILED "exit $?"; failed=1; fi
  cat "$out/cuda_kernels_bench.log"
fi

echo
echo "== summary =="
cat "$summary"
exit $failed
