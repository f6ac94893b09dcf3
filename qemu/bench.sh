#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make bench: what the hooks and a look at a module cost, in instructions.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

prepare_source
prepare_guest normal
say "booting a guest whose clock counts instructions"
guest normal --name bench --usb --counting --timeout 1800 --silence 600 \
	bash -c 'cd /usr/lib/krsi/bench && ./hook-cost && ./module-cost'
say "and one without KRSI"
guest normal --name bench --usb --counting --append lsm=landlock,lockdown,yama,bpf \
	bash -c 'cd /usr/lib/krsi/bench && ./hook-cost -n'
