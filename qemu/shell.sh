#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# shell.sh [server]: make shell. A prompt in the guest, or in the server that
# `make server` boots, on this terminal; `exit` ends the guest.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/server-disk.sh"

prepare_source
prepare_guest normal
if [ "${1:-}" = server ]; then
	prepare_server
	say "booting the server (a minute or two); 'exit' ends it, its kernel log is $CACHE/server.log"
	server --interactive bash -il
	exit
fi
say "booting the guest; 'exit' ends it, its kernel log is $CACHE/normal.log"
guest normal --interactive bash -i
