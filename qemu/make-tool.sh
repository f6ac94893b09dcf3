#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make tool: builds krsi, and says where it is.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

lock_cache
make_buildroot
build_tool
say "built: $TOOL"
