#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make tool-deb: builds the tool and makes a Debian package of it, and says where that is.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

lock_cache
make_buildroot
build_tool
build_bpf policies "$TOP/policies"
make_tool_deb ""
say "built: $(tool_deb)"
