# SPDX-License-Identifier: GPL-2.0
# Sourced by the tests of krsi, which run in the guest: prints KTAP. A test is
#
#	check "what must hold" COMMAND ARG...
#
# and the last line of each script is `finish`. What a command that failed has printed is shown.
# shellcheck shell=bash

KRSI=/sys/kernel/security/krsi
TEST=/tmp/krsi-tool
number=0 failed=0

check() {
	local what=$1
	shift
	number=$((number + 1))
	if "$@" >"$TEST/check" 2>&1; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		sed 's/^/# /' "$TEST/check"
		failed=1
	fi
}

finish() {
	echo "1..$number"
	exit "$failed"
}

fails() { ! "$@"; }

# ends STATUS COMMAND ARG...: whether it ends with this status.
ends() {
	local wanted=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" = "$wanted" ] || { echo "$* ended with $status, not $wanted"; return 1; }
}

# eventually COMMAND ARG...: whether it holds within a minute.
eventually() {
	local end=$((SECONDS + 60))
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.1
	done
}

# The process that reads the kernel's buffers for all who want events.
hub() {
	local words process
	for process in /proc/[0-9]*; do
		mapfile -d '' -t words 2>/dev/null <"$process/cmdline"
		[ "${words[*]}" != "/usr/bin/krsi hub" ] || basename "$process"
	done
}

# A library that hides files, which env_audit reports.
preloaded() { LD_PRELOAD=/usr/lib/krsi/demo-hide.so /usr/bin/true; }

rm -rf $TEST
mkdir -p $TEST
echo enforce >$KRSI/mode
echo "TAP version 13"
