#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bench-check.sh: make bench-check. Whether each row costs what the committed
# figures say; prints KTAP.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/measure.sh"

prepare_source
prepare_guest normal
measure_all
in_root python3 -B "$TOP/qemu/bench.py" check "$MEASURED/output" "$TOP/Documentation/costs.json" \
	--without "$MEASURED/without"
