#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench-where.sh ROW: make bench-where R=row. In which functions the instructions of a row
# of make bench are.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/measure.sh"

ROW=${1:-}
[ -n "$ROW" ] || die "which row? make bench-where R=exec.policies.1"
DIR=$MEASURED/where

prepare_source
prepare_guest normal
mkdir -p "$DIR"
in_root clang -shared -fPIC -O2 -Wall -Werror "$TOP/qemu/where.c" -o "$DIR/where.so"
where() { in_root python3 -B "$TOP/qemu/where.py" --vmlinux "$(kernel_dir normal)/vmlinux" "$@"; }
options=$(where plugin --program "$CACHE/benchmarks/hook-cost" "$ROW")
measure "$DIR/output" "./hook-cost $ROW" --counting --plugin "$DIR/where.so,out=$DIR/counted,$options"
where table "$DIR/counted"
