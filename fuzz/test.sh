#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test.sh OUT: fuzzes for a short time, and proves that the fuzzer can find something:
# a bug that is planted for it. Run in the build root; prints KTAP.
set -uo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
out=$1

# A bug, and not a failure to run: it says which.
finds_a_planted_bug() {
	bash "$here/build.sh" "$out/planted" --cfg planted || return
	! bash "$here/run.sh" "$out/planted" 60 >"$out/planted/log" 2>&1 &&
		grep -q 'assertion failed: !module.name_differs()' "$out/planted/log" &&
		compgen -G "$out/planted/crash-*" >/dev/null || { tail -n 20 "$out/planted/log"; false; }
}

finds_nothing_in_the_reader_of_modules() {
	bash "$here/build.sh" "$out/short" &&
		bash "$here/run.sh" "$out/short" 20 >"$out/short/log" 2>&1 || { tail -n 20 "$out/short/log"; false; }
}

rm -rf "$out"
mkdir -p "$out"
echo "TAP version 13"
echo "1..2"
failed=0 n=0
for test in finds_a_planted_bug finds_nothing_in_the_reader_of_modules; do
	n=$((n + 1))
	if said=$("$test" 2>&1); then
		echo "ok $n - ${test//_/ }"
	else
		echo "not ok $n - ${test//_/ }"
		sed 's/^/# /' <<<"$said"
		failed=1
	fi
done
exit "$failed"
