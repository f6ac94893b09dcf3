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

say() { printf 'krsi: %s\n' "$*" >&2; }
die() { printf 'krsi: error: %s\n' "$*" >&2; exit 1; }

# Waits until no other command uses this cache; the lock ends with the process.
lock_cache() {
	[ "${KRSI_LOCKED:-}" = "$CACHE" ] && return
	exec 9>"$CACHE/lock"
	if ! flock -n 9; then
		say "another krsi command uses $CACHE: waiting for it"
		flock 9
	fi
	export KRSI_LOCKED=$CACHE
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

full_disk() { [ "$(df --output=avail -k "$CACHE" | tail -n 1)" -lt 4096 ]; }

# logged FILE WHAT COMMAND...: runs the command with its output in FILE; on
# failure prints the end of FILE and one sentence that says what failed.
logged() {
	local log=$1 what=$2
	shift 2
	"$@" >"$log" 2>&1 && return
	tail -n 25 "$log" >&2
	full_disk && die "$what failed: the disk under $CACHE is full"
	die "$what failed; the whole output is in $log"
}
