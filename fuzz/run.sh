#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh OUT SECONDS: fuzzes for so long what build.sh has built into OUT; fails if
# something was found. What leads there stays in OUT as crash-*, timeout-* and the
# like; to see it again: OUT/module_file OUT/crash-*. Run in the build root.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
cd "$1"
exec ./module_file -max_len=2048 -timeout=5 -max_total_time="$2" -dict="$here/module_file.dict" \
	-print_final_stats=1 corpus seeds
