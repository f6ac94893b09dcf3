#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-tree.sh: what the tree promises, read off the sources: its folders and its tables. Prints KTAP.

set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# code FILE...: their lines without comments, each with its file and number.
code() { grep -nHv '^[[:space:]]*//' "$@"; }

# none PATTERN FILE...: whether no line of code has it; those that have are shown.
none() { ! code "${@:2}" | grep -E -- "$1"; }

# A path of the crate's own, or of another folder, is KRSI's. A macro names the folder that it is in.
kernel_imports_nothing_of_the_lsm() {
	none '(^|[^$[:alnum:]_])crate::|[$]crate::(behaviours|policy|bpf|state|hooks|args)|super::super' rust-lsm/kernel/*.rs
}

unsafe_stands_in_three_folders() {
	mapfile -t files < <(find rust-lsm bpf-helpers -name '*.rs' ! -path 'rust-lsm/kernel/*' \
		! -path 'rust-lsm/bpf*' ! -path 'rust-lsm/state*')
	none '\bunsafe\b|\bbindings::' "${files[@]}"
}

# What the run of make server takes for known has a row in the table, with what exempts it.
look_alikes_of_the_server_are_documented() {
	local name missing=0
	while IFS=$'\t' read -r name _; do
		grep -qE "^\`*${name//[()]/.}\`*  " Documentation/threat-model.rst || { echo "no row: $name"; missing=1; }
	done < <(grep -v '^#' qemu/server/look-alikes)
	return $missing
}

. qemu/ktap.sh
run_tests look_alikes_of_the_server_are_documented kernel_imports_nothing_of_the_lsm unsafe_stands_in_three_folders
