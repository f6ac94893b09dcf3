# SPDX-License-Identifier: GPL-2.0
# Sourced by the scripts of this directory: where things are, how to speak,
# how to fail, and the lock that lets one command at a time use the cache.
# What the other files use is not unused.
# shellcheck shell=bash disable=SC2034

set -euo pipefail
shopt -s inherit_errexit

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${KRSI_CACHE:-${HOME:?HOME is not set}/.cache/krsi}
mkdir -p "$CACHE" 2>/dev/null || { echo "krsi: cannot create the cache directory $CACHE" >&2; exit 1; }
CACHE=$(cd "$CACHE" && pwd -P)
JOBS=${KRSI_JOBS:-$(nproc)}
# What is built is for every user of the guest.
umask 022

say() { printf 'krsi: %s\n' "$*" >&2; }
die() { printf 'krsi: error: %s\n' "$*" >&2; exit 1; }

[ "$(uname -m)" = x86_64 ] || die "the build and the guest are for x86-64, which this machine is not"
# make and the kernel's build take such paths apart.
[[ $TOP$CACHE != *[[:space:]:]* ]] || die "the paths of checkout and cache must have no space and no colon: $TOP, $CACHE"
[[ $CACHE/ != "$TOP"/* ]] || die "the cache $CACHE must not lie in the checkout (KRSI_CACHE moves it)"

# Waits until no other command uses this cache; the lock ends with the process.
lock_cache() {
	exec 9>"$CACHE/lock"
	if ! flock -n 9; then
		say "another krsi command uses $CACHE: waiting for it"
		flock 9
	fi
}

# hash_of FILE...: one digest of names and contents, wherever the checkout is.
hash_of() { sha256sum "$@" | sed "s|  $TOP/|  |" | sha256sum | cut -c1-16; }

# need_space GIB WHAT: ends when the cache's filesystem has less than that.
need_space() {
	local free
	free=$(df --output=avail -k "$CACHE" | tail -n 1)
	[ "$free" -ge $(($1 * 1024 * 1024)) ] ||
		die "$2 needs $1 GiB in $CACHE, which has $((free / 1024)) MiB left (KRSI_CACHE moves it)"
}

# full_disk LOG: whether that is why a step failed. What it wrote may be gone again.
full_disk() {
	[ "$(df --output=avail -k "$CACHE" | tail -n 1)" -lt 4096 ] || grep -q 'No space left on device' "$1"
}

# logged FILE WHAT COMMAND...: runs the command with its output in FILE; on
# failure prints the end of FILE and one sentence that says what failed.
logged() {
	local log=$1 what=$2
	shift 2
	"$@" >"$log" 2>&1 && return
	tail -n 25 "$log" >&2
	full_disk "$log" && die "$what failed: the disk under $CACHE is full"
	die "$what failed; the whole output is in $log"
}
