#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make demo: shows on real programs, in the guest, what KRSI does.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

prepare_source
prepare_guest normal
say "booting the guest"
guest normal --name demo --usb /usr/lib/krsi/demo
