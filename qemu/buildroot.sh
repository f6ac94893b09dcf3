# SPDX-License-Identifier: GPL-2.0
# Sourced: the build root, a Debian 13 in the cache with every tool that the
# build needs, and `in_root`, which runs a command in it. A machine that is
# Debian 13 or newer and has the packages is its own build root.
#
# Paths are the same inside and outside: the checkout and the cache are bound
# into the root where they are on the host.
# Strings in single quotes are for other shells and programs to expand.
# shellcheck shell=bash disable=SC2016

SUITE=trixie
ROOT=$CACHE/root

packages() { sed '/^#/d' "$TOP/qemu/packages.txt"; }

# True when this machine is Debian 13 or newer with all packages, or can get them.
host_serves() {
	local id version missing
	id=$(. /etc/os-release && echo "${ID:-}")
	version=$(. /etc/os-release && echo "${VERSION_ID:-99}")
	[ "$id" = debian ] && [ "${version%%.*}" -ge 13 ] || return 1
	missing=$(comm -23 <(packages | sort -u) \
		<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u))
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || return 1
	say "installing $(wc -w <<<"$missing") Debian packages on this machine"
	# shellcheck disable=SC2086 # one word a package
	logged "$CACHE/apt.log" "installing packages" \
		sh -c 'apt-get -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update &&
			DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends "$@"' - $missing
}

# The address of Debian's own archive, from this machine's apt configuration.
debian_mirror() {
	local uri
	command -v apt-get >/dev/null || die "this machine has no apt-get: the build needs Debian 12 or newer"
	uri=$(apt-get indextargets 'Origin: Debian' 'Label: Debian' 'Created-By: Packages' 'Component: main' \
		--format '$(REPO_URI)' 2>/dev/null | head -n 1)
	[ -n "$uri" ] || die "no Debian archive in this machine's apt configuration (is 'apt-get update' done?)"
	echo "$uri"
}

debian_lines() {
	local mirror=$1 suite
	for suite in $SUITE $SUITE-updates $SUITE-backports; do
		echo "deb $mirror $suite main"
	done
}

have_mmdebstrap() {
	command -v mmdebstrap >/dev/null && return
	[ "$(id -u)" = 0 ] || die "mmdebstrap is missing: run 'apt-get install mmdebstrap uidmap' as root once"
	say "installing mmdebstrap"
	logged "$CACHE/apt.log" "installing mmdebstrap (is there a network?)" \
		sh -c 'apt-get -o Acquire::Retries=3 -o APT::Update::Error-Mode=any update &&
			DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 install -y --no-install-recommends mmdebstrap debian-archive-keyring'
}

# Makes or renews the build root; sets IN_ROOT to "host" or "root".
make_buildroot() {
	local stamp mirror mode
	if host_serves; then
		IN_ROOT=host
		return
	fi
	IN_ROOT=root
	stamp=$SUITE-$(hash_of "$TOP/qemu/packages.txt")
	if [ -d "$ROOT" ] && [ "$(cat "$ROOT.stamp" 2>/dev/null)" = "$stamp" ]; then
		say "build root: built already"
		return
	fi
	need_space 4 "the build root"
	have_mmdebstrap
	[ "$(id -u)" = 0 ] && mode=root || mode=unshare
	[ "$mode" = root ] || unshare --map-auto --map-root-user true 2>/dev/null ||
		die "only root can build here: user $(id -un) has no user namespaces, no newuidmap (package uidmap) or no range in /etc/subuid"
	mirror=$(debian_mirror)
	say "build root: downloading and unpacking Debian 13 with its compilers (1 to 5 minutes)"
	remove_tree "$ROOT"
	debian_lines "$mirror" | logged "$CACHE/root.log" "making the build root (is there a network?)" \
		mmdebstrap --mode="$mode" --variant=minbase --format=directory \
		--aptopt='Acquire::Retries "3"' --dpkgopt=path-exclude='/usr/share/doc/*' --dpkgopt=path-exclude='/usr/share/man/*' \
		--include="$(packages | paste -sd,)" "$SUITE" "$ROOT" -
	echo "$stamp" >"$ROOT.stamp"
}

# remove_tree DIR: also when its files belong to another user of the namespace.
remove_tree() {
	rm -f "$1.stamp"
	[ -e "$1" ] || return 0
	if [ "$(id -u)" = 0 ]; then
		rm -rf --one-file-system "$1"
	else
		unshare --map-auto --map-root-user rm -rf --one-file-system "$1"
	fi
}

# in_root COMMAND...: in the build root, in the current directory, in a mount
# and pid namespace of its own: nothing it starts outlives it. The caller's
# environment stays outside: it could change what is built, unnoticed.
in_root() {
	local user=() clean=(env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME="$CACHE" LANG=C.UTF-8 TERM="${TERM:-dumb}"
		KRSI_KVM="${KRSI_KVM:-}")
	if [ "$IN_ROOT" = host ]; then
		"${clean[@]}" "$@"
		return
	fi
	[ "$(id -u)" = 0 ] || user=(--map-auto --map-root-user)
	unshare "${user[@]}" --mount --pid --fork --kill-child \
		bash "$TOP/qemu/enter-root.sh" "$ROOT" "$TOP" "$CACHE" "$PWD" "${clean[@]}" "$@"
}
