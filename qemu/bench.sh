#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench.sh [save]: make bench. What KRSI costs, in instructions, and BPF LSM beside
# it; with `save` the figures go into the documentation.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/measure.sh"

prepare_source
prepare_guest normal
measure_all
in_root python3 -B "$TOP/qemu/bench.py" report "$MEASURED/output" --without "$MEASURED/without" \
	--into "$MEASURED" ${1:+--save "$TOP/Documentation"}
say "table, figures and plots are in $MEASURED"
