#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-steps.sh: tests how the steps of this directory end where the machine does
# not go along: without a network, with a full disk, beside another command. Each
# test has a cache of its own, and namespaces in which these things are so. Prints
# KTAP.
# Strings in single quotes are for the shell that runs the steps.
# shellcheck disable=SC2016

set -uo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
SCRATCH=$(mktemp -d)
trap 'rm -rf "$SCRATCH"' EXIT
CASE=$SCRATCH/case
OUTPUT=$SCRATCH/output
ALONE=(unshare --mount)
[ "$(id -u)" = 0 ] || ALONE+=(--map-root-user)
export TOP CASE OUTPUT

# steps SHELL: runs this as the scripts do, with their functions.
steps() { KRSI_CACHE=$CASE bash -c ". $TOP/qemu/prepare.sh; $1" >"$OUTPUT" 2>&1 </dev/null; }
export -f steps
# alone OPTION... SHELL: the same in namespaces of its own.
alone() { "${ALONE[@]}" "${@:1:$#-1}" bash -c "${*: -1}"; }

fails() { if "$@"; then echo "did not fail: $*"; false; fi; }
says() { grep -qE -- "$1" "$OUTPUT" || { echo "does not say '$1':"; cat "$OUTPUT"; false; }; }
# Until it is so, for a minute at most.
soon() {
	for _ in {1..600}; do
		if "$@" 2>/dev/null; then return; fi
		sleep 0.1
	done
	false
}
# With one sentence, and that is the last.
ends_with() {
	says "^krsi: error: $1"
	[ "$(grep -c '^krsi: error' "$OUTPUT")" = 1 ]
	tail -n 1 "$OUTPUT" | grep -q '^krsi: error'
}

without_a_network_it_is_asked_for() {
	fails alone --net 'steps download_source'
	ends_with "reading Debian's package lists \(is there a network\?\) failed; the whole output is in $CASE/apt.log$"
}

without_room_nothing_is_begun() {
	fails alone 'mount -t tmpfs -o size=8M none $CASE && steps download_source'
	ends_with "the kernel source needs 3 GiB in $CASE, which has [0-9]+ MiB left \(KRSI_CACHE moves it\)$"
}

a_step_that_fills_the_disk_says_so() {
	fails alone 'mount -t tmpfs -o size=8M none $CASE && steps "logged $CASE/log filling dd if=/dev/zero of=$CASE/big bs=1M"'
	ends_with "filling failed: the disk under $CASE is full$"
}

a_step_that_fails_says_where_to_look() {
	fails steps 'logged $CASE/log looking ls $CASE/nowhere'
	says 'No such file or directory'
	ends_with "looking failed; the whole output is in $CASE/log$"
}

commands_in_one_cache_wait_for_each_other() {
	local first second
	mkfifo "$SCRATCH/go"
	OUTPUT=/dev/null steps "lock_cache; touch $SCRATCH/held; read -r <$SCRATCH/go; touch $CASE/done" &
	first=$!
	soon [ -e "$SCRATCH/held" ]
	steps 'lock_cache; [ -e $CASE/done ]' &
	second=$!
	soon grep -q 'another krsi command uses' "$OUTPUT"
	echo >"$SCRATCH/go"
	wait "$first"
	wait "$second"
}

a_cache_in_the_checkout_is_refused() {
	fails env CASE="$TOP/qemu" bash -c 'steps true'
	ends_with "the cache $TOP/qemu must not lie in the checkout"
}

a_path_that_make_would_take_apart_is_refused() {
	fails env CASE="$CASE/with space" bash -c 'steps true'
	ends_with 'the paths of checkout and cache must have no space and no colon'
}

TESTS=(without_a_network_it_is_asked_for without_room_nothing_is_begun a_step_that_fills_the_disk_says_so
	a_step_that_fails_says_where_to_look commands_in_one_cache_wait_for_each_other
	a_cache_in_the_checkout_is_refused a_path_that_make_would_take_apart_is_refused)

echo "TAP version 13"
echo "1..${#TESTS[@]}"
failed=0
for i in "${!TESTS[@]}"; do
	rm -rf "$CASE" && mkdir "$CASE"
	(
		set -e
		"${TESTS[i]}"
	) >"$SCRATCH/log" 2>&1
	status=$?
	result="ok $((i + 1)) - ${TESTS[i]//_/ }"
	if [ "$status" = 0 ]; then
		echo "$result"
	else
		echo "not $result"
		sed 's/^/# /' "$SCRATCH/log"
		failed=1
	fi
done
exit "$failed"
