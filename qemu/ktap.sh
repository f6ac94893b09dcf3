# SPDX-License-Identifier: GPL-2.0
# Sourced by tests of the sources: runs functions as tests and prints KTAP.
# shellcheck shell=bash

# run_tests NAME...: what a function that fails has printed is shown. Ends with 1 if one fails.
run_tests() {
	local name found n=0 failed=0
	echo "TAP version 13"
	echo "1..$#"
	for name in "$@"; do
		n=$((n + 1))
		if found=$("$name"); then
			echo "ok $n - ${name//_/ }"
		else
			echo "not ok $n - ${name//_/ }"
			printf '# %s\n' "${found//$'\n'/$'\n'# }"
			failed=1
		fi
	done
	return "$failed"
}
