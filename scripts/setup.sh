#!/usr/bin/env bash
# Sets a Debian 12 machine up for Phidias: system packages, LibTorch and Arrow (from the torch and pyarrow wheels) in .deps/, build in build/.
#
#   scripts/setup.sh program    builds the program only (what the quickstart needs)
#   scripts/setup.sh all        builds the program and the tests
#
# Idempotent: what is there is not done again, and an interrupted run can be started again. Stops at the first error with its cause.
# PHIDIAS_JOBS sets the number of compile jobs (default: cores). Needs root or sudo only when a system package is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-program}
case $what in program | all) ;; *) sed -n '2,9p' "$0"; exit 2 ;; esac

step() { printf '[set-up] %s\n' "$*"; }
fail() { printf '[set-up] error: %s\n' "$*" >&2; exit 1; }
trap 'printf "[set-up] stopped in line %s: %s\n" "$LINENO" "$BASH_COMMAND" >&2' ERR
# Runs a command with its output in a log; prints the log's end when it fails.
logged() {
  local log=$1; shift
  "$@" >"$log" 2>&1 || { tail -n 25 "$log" >&2; fail "'$*' failed; the whole output is in $log"; }
}
mkdir -p .deps/log

# 1. System packages
packages=(g++ cmake ninja-build ccache mold make pkg-config openmpi-bin libopenmpi-dev libyaml-cpp-dev libcli11-dev nlohmann-json3-dev libsimdjson-dev
  libpcre2-dev libzstd-dev zlib1g-dev libxxhash-dev libicu-dev libre2-dev libgumbo-dev libuchardet-dev libpsl-dev publicsuffix libfasttext-dev libdivsufsort-dev libgtest-dev libgmock-dev librapidcheck-dev python3 python3-venv python3-pip ca-certificates)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  step "installing system packages: ${missing[*]}"
  sudo=()
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || fail "packages are missing and there is neither root nor sudo; install them by hand: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  logged .deps/log/apt-update.log "${sudo[@]}" apt-get update
  logged .deps/log/apt-install.log "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
fi

# 2. LibTorch: the torch wheel unpacked into .deps/site. With the CUDA 13 toolkit the wheel alone is enough beside three small ones; without it the
#    two libraries that libtorch_cpu itself needs come as wheels, and the build is CPU-only.
nvcc=$(command -v nvcc || { [ -x /usr/local/cuda/bin/nvcc ] && echo /usr/local/cuda/bin/nvcc; } || true)
if [ -n "$nvcc" ] && "$nvcc" --version | grep -q 'release 13'; then
  cuda=ON
  wheels=(torch==2.11.0 nvidia-cusparselt-cu13==0.8.0 nvidia-nvshmem-cu13==3.4.5 nvidia-cufile==1.15.1.6)
else
  cuda=OFF
  wheels=(torch==2.11.0 nvidia-cuda-runtime==13.0.96 nvidia-cuda-cupti==13.0.85)
fi
stamp=".deps/site/.installed-$(printf '%s ' "${wheels[@]}" | sha256sum | cut -c1-16)"
if [ ! -e "$stamp" ]; then
  step "downloading LibTorch (torch 2.11.0 wheel, about 0.9 GB) into .deps/site"
  rm -rf .deps/site .deps/site.partial
  python3 -m venv .deps/venv
  logged .deps/log/pip.log .deps/venv/bin/pip install --no-deps --no-compile --target .deps/site.partial "${wheels[@]}"
  mv .deps/site.partial .deps/site
  touch "$stamp"
fi
[ $cuda = ON ] && step "CUDA 13 toolkit found: building the CUDA plug-in too" || step "no CUDA 13 toolkit (nvcc 13): building for the CPU only"

# 3. Arrow, for Parquet files: the system's where it has one, else the pyarrow wheel's libraries and headers in .deps/arrow.
arrow_wheel=pyarrow==26.0.1
stamp=".deps/arrow/.installed-$arrow_wheel"
if ! pkg-config --exists arrow parquet && [ ! -e "$stamp" ]; then
  step "downloading Arrow ($arrow_wheel wheel, about 50 MB) into .deps/arrow"
  rm -rf .deps/arrow .deps/arrow.partial
  [ -x .deps/venv/bin/pip ] || python3 -m venv .deps/venv
  logged .deps/log/pip-arrow.log .deps/venv/bin/pip install --no-deps --no-compile --target .deps/arrow.partial "$arrow_wheel"
  mv .deps/arrow.partial .deps/arrow
  touch "$stamp"
fi

# 4. Build
tests=OFF; [ "$what" = all ] && tests=ON
export CCACHE_SLOPPINESS=pch_defines,time_macros CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
step "configuring build/"
logged .deps/log/cmake.log cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DPHIDIAS_CUDA=$cuda -DPHIDIAS_TESTS=$tests ${CI:+-DPHIDIAS_WERROR=ON}
step "building ($what)"
target=phidias_program; [ "$what" = all ] && target=all
started=$SECONDS
logged .deps/log/build.log cmake --build build --target $target -j "${PHIDIAS_JOBS:-$(nproc)}"
step "built in $((SECONDS - started)) s: build/bin/phidias"
