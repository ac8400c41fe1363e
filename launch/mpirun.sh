#!/usr/bin/env bash
# Runs a program of Phidias on several ranks:
#
#   launch/mpirun.sh -n 2 phidias train recipes/quickstart/quickstart.yaml
#   launch/mpirun.sh -n 16 -H node1,node2 phidias train recipe.yaml
#
# options (before the program)
#   -n N                 ranks (default: one per GPU, else one per core)
#   -H, --host LIST      hosts, separated by commas; the ranks are spread evenly
#   --hostfile FILE      the same, one host per line
#   -x NAME[=VALUE]      an environment variable for every rank (PHIDIAS_* and OMP_NUM_THREADS go along anyway)
#   --mpi "OPTION ..."   further options for mpirun
#   --print              print the command and leave
#   -h, --help           this text
#
# Prints the exact mpirun command first. Sets what a bare mpirun lacks: permission for root, more ranks than cores, hosts without ssh, binding, and
# OMP_NUM_THREADS = cores / ranks of a host (kept when it is set already).
#
# INT and TERM reach the ranks as USR1, because mpirun kills a rank one second after the others: the program saves a checkpoint first. A second INT or
# TERM ends at once. Exit code: that of the program; 130, 143 or 138 after INT, TERM or USR1 and a safe save; 4 when a rank was killed.
set -uo pipefail

# A shell without job control starts background jobs deaf to INT, and a shell cannot trap what it was born deaf to: begin again with ears.
if [ "${PHIDIAS_MPIRUN_HEARS_INT:-}" != 1 ] && (( 0x$(sed -n 's/^SigIgn:[[:space:]]*//p' /proc/self/status 2>/dev/null || echo 0) & 2 )) &&
   env --default-signal=INT true 2>/dev/null; then
  PHIDIAS_MPIRUN_HEARS_INT=1 exec env --default-signal=INT "$BASH" "$0" "$@"
fi
unset PHIDIAS_MPIRUN_HEARS_INT

usage() { sed -n '2,/^set -/{/^set -/d; s/^# \{0,1\}//; p}' "$0"; }
fail() { printf 'mpirun.sh: %s\n' "$*" >&2; exit 2; }
needs_value() { [ $# -ge 2 ] && [ -n "$2" ] || fail "$1 needs a value (see --help)"; }

ranks='' hosts='' hostfile='' print_only=0
exports=() extra=()
while [ $# -gt 0 ]; do
  case $1 in
    -n|-np) needs_value "$@"; ranks=$2; shift 2 ;;
    -H|--host) needs_value "$@"; hosts=$2; shift 2 ;;
    --hostfile) needs_value "$@"; hostfile=$2; shift 2 ;;
    -x) needs_value "$@"; exports+=(-x "$2"); shift 2 ;;
    --mpi) needs_value "$@"; read -ra words <<<"$2"; extra+=("${words[@]}"); shift 2 ;;
    --print) print_only=1; shift ;;
    -h|--help) usage; exit 0 ;;
    --) shift; break ;;
    -*) fail "unknown option $1 (see --help; options for mpirun go into --mpi \"...\")" ;;
    *) break ;;
  esac
done
[ $# -ge 1 ] || { usage >&2; exit 2; }
command -v mpirun >/dev/null || fail 'mpirun is not installed: scripts/setup.sh installs OpenMPI'

# The program: on PATH, or in the build folder of this tree.
program=$1; shift
if [[ $program != */* ]] && ! command -v "$program" >/dev/null; then
  for folder in "$(dirname "$0")/../build/bin" "$(dirname "$0")/../bin"; do
    if [ -x "$folder/$program" ]; then program=$(cd "$folder" && pwd)/$program; break; fi
  done
fi
command -v "$program" >/dev/null || fail "there is no program $program, neither on PATH nor in build/bin: build it with scripts/setup.sh program"

# Cores this process may use; threads of one core do not make arithmetic faster.
allowed=$(nproc)
cores=$(lscpu -p=CORE,SOCKET 2>/dev/null | grep -v '^#' | sort -u | wc -l)
online=$(getconf _NPROCESSORS_ONLN)
if [ "$cores" -lt 1 ] || [ "$cores" -gt "$allowed" ]; then cores=$allowed; fi

if [ -z "$ranks" ]; then
  gpus=$(nvidia-smi --list-gpus 2>/dev/null | grep -c '^GPU')
  ranks=$(( gpus > 0 ? gpus : cores ))
fi
[[ $ranks =~ ^[1-9][0-9]*$ ]] || fail "-n needs a positive number, not '$ranks'"

host_count=1
if [ -n "$hosts" ]; then host_count=$(tr ',' '\n' <<<"$hosts" | sed 's/:.*//' | grep -c .); fi
if [ -n "$hostfile" ]; then
  [ -r "$hostfile" ] || fail "cannot read the hostfile $hostfile"
  host_count=$(sed 's/#.*//' "$hostfile" | awk 'NF {print $1}' | sort -u | wc -l)
fi
[ "$host_count" -ge 1 ] || fail 'the list of hosts is empty'
local_ranks=$(( (ranks + host_count - 1) / host_count ))
threads=$(( cores / local_ranks > 0 ? cores / local_ranks : 1 ))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-$threads}

# Environment variables instead of --mca: each version of OpenMPI reads its own names and ignores the other's (4: OMPI_MCA_, 5: PRTE_MCA_).
set_for_both() { export "OMPI_MCA_$1=$3" "PRTE_MCA_$2=$3"; }
if [ "$(id -u)" = 0 ]; then
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 PRTE_ALLOW_RUN_AS_ROOT=1 PRTE_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
export OMPI_MCA_rmaps_base_oversubscribe=1 PRTE_MCA_rmaps_default_mapping_policy=:oversubscribe   # containers count slots in their own way
if [ "$local_ranks" -gt "$cores" ]; then export OMPI_MCA_mpi_yield_when_idle=1; fi
binding=none   # the kernel places threads well, and a second job on the same host is not pushed onto the same cores
if [ "$local_ranks" = "$cores" ] && [ "$OMP_NUM_THREADS" = 1 ] && [ "$host_count" = 1 ] && [ "$allowed" = "$online" ]; then binding=core; fi
set_for_both hwloc_base_binding_policy hwloc_default_binding_policy "$binding"
export OMPI_MCA_btl_vader_single_copy_mechanism=${OMPI_MCA_btl_vader_single_copy_mechanism:-none}   # containers forbid it, and warn for every rank
if [ "$host_count" = 1 ] && [ -z "$hosts$hostfile" ] && [ -z "${SLURM_JOB_ID:-}" ] && ! command -v ssh >/dev/null && ! command -v rsh >/dev/null; then
  export OMPI_MCA_plm=isolated
fi

# The rank that ends a job writes the exit code here: mpirun itself may wait for ever for a host that is gone.
PHIDIAS_JOB_END_FILE=$(mktemp -u "${TMPDIR:-/tmp}/phidias-job-end.XXXXXXXX")
export PHIDIAS_JOB_END_FILE

arguments=(-n "$ranks" --quiet)
if [ -n "$hosts" ]; then arguments+=(-H "$(tr ',' '\n' <<<"$hosts" | sed "/:/!s/\$/:$local_ranks/" | paste -sd, -)"); fi
if [ -n "$hostfile" ]; then arguments+=(--hostfile "$hostfile"); fi
if [ "$host_count" -gt 1 ]; then arguments+=(-x OMP_NUM_THREADS -x PATH); fi
for name in $(compgen -e | grep '^PHIDIAS_'); do arguments+=(-x "$name"); done
arguments+=(${exports[@]+"${exports[@]}"} ${extra[@]+"${extra[@]}"} "$program" "$@")

shown=$(env | grep -E '^(OMP_NUM_THREADS|OMPI_(MCA|ALLOW)_[A-Za-z_]*|PRTE_[A-Za-z_]*)=' | sort | tr '\n' ' ')
printf '[mpirun.sh] %s%s\n' "$shown" "$(printf '%q ' mpirun "${arguments[@]}")" >&2
if [ "$print_only" = 1 ]; then exit 0; fi

# A session of its own: Ctrl-C in the terminal reaches this script alone.
exec 3>&2   # for the traps: the shell's own notices are silenced while it waits
stopped=0 at_once=0
setsid mpirun "${arguments[@]}" <&0 &
job=$!
(
  while kill -0 "$job" 2>/dev/null; do
    sleep 1
    if [ -e "$PHIDIAS_JOB_END_FILE" ]; then sleep 4; kill -0 "$job" && : >"$PHIDIAS_JOB_END_FILE.stuck" && kill -KILL "$job"; fi
  done
) </dev/null >/dev/null 2>&1 &   # holds no pipe of the caller open
watcher=$!
trap 'kill "$watcher" 2>/dev/null; rm -f "$PHIDIAS_JOB_END_FILE" "$PHIDIAS_JOB_END_FILE.stuck"' EXIT
stop() {   # stop EXIT_CODE
  if [ "$stopped" = 0 ]; then
    stopped=$1
    printf '[mpirun.sh] stopping after the current step; again to end at once\n' >&3
    kill -USR1 "$job" 2>/dev/null
  elif [ "$1" != 138 ]; then   # USR1 never means more than to save and stop
    at_once=1
    kill -TERM "$job" 2>/dev/null
  fi
}
trap 'stop 130' INT
trap 'stop 143' TERM HUP
trap 'stop 138' USR1
while kill -0 "$job" 2>/dev/null; do { wait "$job"; } 2>/dev/null; done   # a signal of our own interrupts wait
{ wait "$job"; } 2>/dev/null                                              # the exit code once more, whatever interrupted before
code=$?
if [ "$at_once" = 1 ]; then exit "$stopped"; fi
if [ -e "$PHIDIAS_JOB_END_FILE.stuck" ]; then printf '[mpirun.sh] a rank has ended the job, but mpirun was stuck: killed it\n' >&2; fi
if [ -e "$PHIDIAS_JOB_END_FILE" ]; then exit "$(cat "$PHIDIAS_JOB_END_FILE")"; fi
case $code in
  138) if [ "$stopped" != 0 ]; then code=$stopped; fi ;;
  134|135|136|137|139) printf '[mpirun.sh] a rank was ended by signal %d\n' $(( code - 128 )) >&2; code=4 ;;
esac
exit "$code"
