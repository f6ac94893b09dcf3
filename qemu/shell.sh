#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make shell: a prompt in the guest, on this terminal; `exit` ends the guest.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

prepare_source
prepare_guest normal
say "booting the guest; 'exit' ends it, its kernel log is $CACHE/normal.log"
guest normal --interactive bash -i
