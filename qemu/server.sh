#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# server.sh [NAME...]: make server. A real Debian 13 with all shipped policies
# lives a day, once in audit mode and once in enforce mode; or only the things
# NAME of it. The last line says how many of them were as they must be.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/server-disk.sh"

prepare_source
prepare_guest normal
prepare_server
ended=0
for mode in audit enforce; do
	say "server: booting it, with all policies in $mode mode"
	if server --name "server, $mode" --append "kunit.enable=0 krsi.policies=$mode" --usb --timeout 1800 --silence 400 \
		/usr/lib/krsi/server/day.py "$mode" "$@" | tee "$SERVER/$mode.out"; then
		ended=$((ended + 1))
	fi
done
# Each guest counts, too: it shuts down, and its kernel log is clean.
sed -n 's/^server, [a-z]*: \([0-9]*\) of \([0-9]*\) as it must be$/\1 \2/p' "$SERVER"/{audit,enforce}.out |
	awk -v right="$ended" -v all=2 '{ right += $1; all += $2 } END { print "server: " right " of " all " as it must be" }'
[ "$ended" = 2 ]
