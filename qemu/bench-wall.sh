#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench-wall.sh: make bench-wall. The rows of make bench in nanoseconds of a real
# processor, which only KVM gives to a guest.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/measure.sh"

[ "${KRSI_KVM:-}" = 1 ] || die "the clock of an emulated processor says nothing: bench-wall needs KRSI_KVM=1"
{ [ -r /dev/kvm ] && [ -w /dev/kvm ]; } || die "bench-wall needs KVM, and there is no /dev/kvm that $(id -un) may use"
prepare_source
prepare_guest normal
say "trying whether KVM runs a guest"
guest normal --name kvm --timeout 120 --silence 60 true ||
	die "KVM runs no guest here, so there is no wall-clock time to measure"
measure "$MEASURED/wall/output" './hook-cost && ./module-cost'
in_root python3 -B "$TOP/qemu/bench.py" report "$MEASURED/wall/output" --into "$MEASURED/wall" --unit nanoseconds
say "table, figures and plots are in $MEASURED/wall"
