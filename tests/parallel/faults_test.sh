#!/usr/bin/env bash
# What the user of a job sees when a rank is lost: one message, the right exit code, within the promised time.
#
#   faults_test.sh CASE FAULTY_RANK_PROGRAM MPIRUN_SCRIPT
set -um   # jobs of their own group: a script's background jobs ignore INT otherwise
case_name=$1 program=$2 launcher=$3
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
ranks=3

start() {   # start MODE [RANK]
  "$launcher" -n $ranks "$program" "$folder" "$@" >"$folder/out" 2>&1 &
  job=$!
}
under_way() {
  local r
  for r in 0 1 2; do
    for _ in $(seq 600); do [ -e "$folder/pid.$r" ] && break; sleep 0.05; done
    [ -e "$folder/pid.$r" ] || { echo "rank $r did not start"; cat "$folder/out"; exit 1; }
  done
}
process() { cat "$folder/pid.$1"; }
# A zombie is gone as well: it only waits for a parent to notice.
alive() { [ -r "/proc/$1/stat" ] && ! grep -q '^[0-9]* ([^)]*) Z' "/proc/$1/stat" 2>/dev/null; }
# expect EXIT_CODE SECONDS MESSAGE: the job ends so, in time, with the message exactly once, and no rank stays behind.
expect() {
  local begin=$SECONDS code elapsed count r
  wait "$job"; code=$?
  elapsed=$(( SECONDS - begin ))
  count=$(grep -c -- "$3" "$folder/out")
  sed 's/^/  | /' "$folder/out"
  echo "exit code $code after $elapsed s, message $count times"
  [ "$code" = "$1" ] || { echo "FAILED: expected exit code $1"; exit 1; }
  [ "$elapsed" -le "$2" ] || { echo "FAILED: expected at most $2 s"; exit 1; }
  [ "$count" = 1 ] || { echo "FAILED: expected the message once: $3"; exit 1; }
  for r in 0 1 2; do
    if alive "$(process $r)"; then echo "FAILED: rank $r is still there"; kill -9 "$(process $r)"; exit 1; fi
  done
}

case $case_name in
  killed)           start wait; under_way; kill -9 "$(process 2)"; expect 4 10 'error: rank 2 (.*) died' ;;
  killed_rank_0)    start wait; under_way; kill -9 "$(process 0)"; expect 4 10 'error: rank 0 (.*) died' ;;
  # 10 s of silence, one interval of the beat, and the launcher's own second to kill.
  stopped)          start wait; under_way; kill -STOP "$(process 1)"; expect 4 20 'error: rank 1 (.*) has been silent for 10 s' ;;
  stopped_rank_0)   start wait; under_way; kill -STOP "$(process 0)"; expect 4 20 'error: rank 0 (.*) has been silent for 10 s' ;;
  # Rank 2 gives rank 1 two seconds to speak before it does.
  stopped_both)     start wait; under_way; kill -STOP "$(process 0)" "$(process 1)"; expect 4 20 'error: rank 0 (.*) has been silent for 10 s' ;;
  throws)           start throw 1; under_way; expect 3 10 'error: rank 1: train.jsonl:17: broken record' ;;
  all_throw)        start throw-all; under_way; expect 3 10 'broken record' ;;
  crashes)          start crash 1; under_way; expect 4 10 'error: rank 1 (.*) died' ;;
  leaves_out)       start leave-out 1; under_way; expect 4 12 'did not finish within 2.0 s'
                    for r in 0 1 2; do grep -q "last collective of rank $r: all_reduce" "$folder/out" || { echo "FAILED: rank $r missing"; exit 1; }; done ;;
  # As after a cut link, where mpirun waits for ever for its other half: one second to notice, four of patience. A stopped mpirun passes on no message.
  launcher_stuck)   start wait; under_way; kill -STOP "$(awk '{print $4}' "/proc/$(process 0)/stat")"; kill -9 "$(process 1)"
                    expect 4 10 'mpirun was stuck' ;;
  interrupted)      start wait; under_way; kill -INT "$job"; expect 130 10 'stopping after the current step' ;;
  terminated)       start wait; under_way; kill -TERM "$job"; expect 143 10 'stopping after the current step' ;;
  # As in a script without job control, whose background jobs are deaf to INT.
  interrupted_deaf) set +m; start wait; under_way; kill -INT "$job"; expect 130 10 'stopping after the current step' ;;
  user_signal)      start wait; under_way; kill -USR1 "$job"; expect 138 10 'stopping after the current step' ;;
  *) echo "unknown case $case_name"; exit 2 ;;
esac
