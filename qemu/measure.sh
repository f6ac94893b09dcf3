# SPDX-License-Identifier: GPL-2.0
# Sourced by what measures: boots guests in which hook-cost prints its rows
# (qemu/bench/hook-cost.c), and keeps these.
# What the other files use is not unused.
# shellcheck shell=bash disable=SC2034

# Where rows, figures and plots are.
MEASURED=$CACHE/bench
# What a test of all can wait for, of each kind some that does not vary with what ran before.
SHORT_ROWS="exec.policies.1 exec.policies.8 again.exec env.vars.20.one unlink.file_unlink unlink.ordinary mmap.empty"

# measure FILE COMMAND ARG...: runs the command in a guest; what it prints goes to FILE as well.
# ARG... as guest.py has them.
measure() {
	local file=$1 command=$2
	shift 2
	mkdir -p "$(dirname "$file")"
	guest normal --name bench --usb --timeout 1800 --silence 600 "$@" \
		bash -c "cd /usr/lib/krsi/bench && printf 'kernel\t%s\n' \"\$(uname -r)\" && $command" | tee "$file"
}

# All rows, counted, and what there is without KRSI.
measure_all() {
	say "booting a guest whose clock counts instructions"
	measure "$MEASURED/output" './hook-cost && ./module-cost' --counting
	say "and one without KRSI"
	measure "$MEASURED/without" './hook-cost -n' --counting --append lsm=landlock,lockdown,yama,bpf
}
