# SPDX-License-Identifier: GPL-2.0
# Sourced: a guest that has a policy of one's own in it, as `krsi policy new` begins one.
# shellcheck shell=bash
# Strings in single quotes are for other shells to expand.
# shellcheck disable=SC2016

# test_policy NAME DIR ARG...: boots the kernel NAME with a copy of DIR, which its Makefile builds, and
# has `krsi test` test it; ARG... as guest.py has them.
test_policy() {
	local name=$1 dir=$2 root=$CACHE/policy image
	shift 2
	image=$(image_of policy)
	remove_tree "$root"
	mkdir -p "$root/opt"
	cp -a "$dir/." "$root/opt/policy"
	[ ! -e "$root/opt/policy/Makefile" ] ||
		logged "$CACHE/policy.log" "building the policy" in_root make -C "$root/opt/policy"
	logged "$CACHE/image/policy.log" "packing the policy" in_root bash -euo pipefail -c \
		'cd "$1" && { cat "$2"; find . -mindepth 1 | cpio -o -H newc -R 0:0 --quiet | zstd -q; } >"$3"' \
		- "$root" "$(image_of "$name")" "$image"
	say "$name: booting the guest for the policy"
	# Not every kernel begins in that mode.
	guest "$name" --image "$image" --kselftest --append kunit.enable=0 "$@" \
		sh -c 'echo enforce >/sys/kernel/security/krsi/mode && exec krsi test /opt/policy'
}
