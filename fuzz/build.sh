#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh OUT [RUSTC-ARG...]: builds the fuzz target into OUT/module_file, and the
# seeds and an empty corpus beside it. Run in the build root. cargo-fuzz is not in
# Debian; what it would do is this: rustc instruments, clang adds libFuzzer.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
out=$1
shift

mkdir -p "$out/seeds" "$out/corpus"
python3 -B "$here/seeds.py" "$out/seeds"
rustc --edition 2021 --crate-type staticlib -Cpanic=abort -Copt-level=2 -Cdebug-assertions -Ccodegen-units=1 \
	-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
	-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
	-Cllvm-args=-sanitizer-coverage-trace-compares "$@" "$here/module_file.rs" -o "$out/libmodule_file.a"
clang -fsanitize=fuzzer "$out/libmodule_file.a" -o "$out/module_file"
