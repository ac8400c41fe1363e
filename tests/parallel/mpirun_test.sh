#!/usr/bin/env bash
# What launch/mpirun.sh promises besides signals (faults_test.sh): help, the printed command, exit codes, threads, arguments untouched.
#
#   mpirun_test.sh MPIRUN_SCRIPT
set -u
launcher=$1
failures=0
check() {   # check NAME EXPECTED ACTUAL
  if [ "$2" != "$3" ]; then printf 'FAILED: %s\n  expected: %s\n  got:      %s\n' "$1" "$2" "$3"; failures=1; fi
}
contains() {   # contains NAME PIECE TEXT
  case $3 in *"$2"*) ;; *) printf 'FAILED: %s\n  no "%s" in: %s\n' "$1" "$2" "$3"; failures=1 ;; esac
}
cores=$(nproc)

contains 'help shows an example' 'phidias train' "$("$launcher" --help)"
"$launcher" --help >/dev/null; check 'help is a success' 0 $?
"$launcher" >/dev/null 2>&1; check 'no program is bad usage' 2 $?
"$launcher" --nonsense true >/dev/null 2>&1; check 'an unknown option is bad usage' 2 $?
"$launcher" -n zero true >/dev/null 2>&1; check 'a number is needed' 2 $?
"$launcher" -n 1 no-such-program-anywhere >/dev/null 2>&1; check 'a missing program is bad usage' 2 $?
contains 'a missing program is named' 'no-such-program-anywhere' "$("$launcher" -n 1 no-such-program-anywhere 2>&1)"
contains 'the command is printed' 'mpirun -n 3' "$("$launcher" -n 3 --print true 2>&1)"
contains 'hosts get slots' 'a:2' "$("$launcher" -n 4 -H a,b --print true 2>&1)"
contains 'a variable is passed on' '-x COLOUR=red' "$("$launcher" -n 1 -x COLOUR=red --print true 2>&1)"
contains 'variables of the program go along' '-x PHIDIAS_SOMETHING' "$(PHIDIAS_SOMETHING=1 "$launcher" -n 1 --print true 2>&1)"
contains 'other options reach mpirun' '--tag-output --timeout 9' "$("$launcher" -n 1 --mpi '--tag-output --timeout 9' --print true 2>&1)"

unset OMP_NUM_THREADS
check 'every rank runs, arguments untouched' "$(printf 'two words *\ntwo words *')" "$("$launcher" -n 2 printf '%s\n' 'two words *' 2>/dev/null)"
threads=$("$launcher" -n 1 sh -c 'echo $OMP_NUM_THREADS' 2>/dev/null)
[ "$threads" -ge 1 ] && [ "$threads" -le "$cores" ] || { echo "FAILED: $threads threads on $cores cores"; failures=1; }
check 'more ranks than cores have one thread each' 1 "$("$launcher" -n $((cores + 1)) sh -c 'echo $OMP_NUM_THREADS' 2>/dev/null | sort -u)"
check 'a number of threads that is set stays' 7 "$(OMP_NUM_THREADS=7 "$launcher" -n 1 sh -c 'echo $OMP_NUM_THREADS' 2>/dev/null)"
for code in 0 2 3 6; do
  "$launcher" -n 2 sh -c "exit $code" >/dev/null 2>&1; check "exit code $code comes back" $code $?
done
"$launcher" -n 2 sh -c 'kill -9 $$' >/dev/null 2>&1; check 'a killed rank is exit code 4' 4 $?
check 'standard input reaches rank 0' 'hello' "$(echo hello | "$launcher" -n 1 cat 2>/dev/null)"
exit $failures
