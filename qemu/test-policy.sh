#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-policy.sh DIR: make test-policy. A policy of one's own and its tests, on both kernels.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/policy.sh"

[ -n "${1:-}" ] || die "which policy? P=DIR, a directory as 'krsi policy new' makes it"
[ -d "$1" ] || die "there is no directory $1"
dir=$(cd "$1" && pwd -P)
prepare_source
for name in normal debug; do
	prepare_guest "$name"
	test_policy "$name" "$dir" --name "$name"
done
