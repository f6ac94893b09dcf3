#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-header.sh: run in the build root. What krsi.bpf.h makes of a policy's name, which
# bpftool pins it by. Prints KTAP.
# The tests are called by their names.
# shellcheck disable=SC2317
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

# compiles NAME: whether a policy of this name does; the compiler's words are shown.
compiles() {
	printf '%s\n' '#include "krsi.bpf.h"' 'SEC("struct_ops/process_exec")' \
		'int BPF_PROG(program, struct krsi_exec *exec) { return 0; }' \
		"KRSI_POLICY($1, .process_exec = (void *)program);" |
		clang -target bpf -g -O2 -Wall -Werror -fsyntax-only -I bpf-helpers \
			-idirafter "/usr/include/$(uname -m)-linux-gnu" -x c - 2>&1
}

a_name_that_a_pin_can_have_compiles() { compiles fifteen_bytes_x; }

a_longer_one_is_an_error_that_says_why() {
	local said
	if said=$(compiles sixteen_bytes_xx); then
		echo "it compiles"
		return 1
	fi
	grep -F "at most 15 bytes" <<<"$said"
}

. qemu/ktap.sh
run_tests a_name_that_a_pin_can_have_compiles a_longer_one_is_an_error_that_says_why
