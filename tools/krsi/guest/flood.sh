# SPDX-License-Identifier: GPL-2.0
# Sourced by the tests of streams: reports in numbers, and whether what was told of them adds up.
# shellcheck shell=bash

CONFIG=$TEST/krsi.toml

# configure LINE...: reports and denials of env_audit's, and these lines.
configure() {
	printf '%s\n' 'version = 1' '[preload]' 'mode = "enforce"' 'variables = ["LD_PRELOAD"]' \
		'report = ["LD_LIBRARY_PATH"]' "$@" >$CONFIG
}

# The numbers begin with 1.
anew() {
	krsi detach --all && krsi apply --config $CONFIG
}

# flood N: so many harmless reports and some more. Each two of xargs' are alike.
flood() { seq "$1" | LD_LIBRARY_PATH=/flood xargs -n 1 /usr/bin/true; }

# deny N: so many denials, each another.
deny() {
	local i
	for i in $(seq "$1"); do
		LD_PRELOAD=/denied$i /usr/bin/true 2>/dev/null
	done
	true
}

# A last report that is not like another.
marks=0
mark() { marks=$((marks + 1)); LD_LIBRARY_PATH=/mark$marks /usr/bin/true; }
has_mark() { grep -q "\"/mark$marks\"" "$@"; }

# sum FILE...: of all counts, of reports and of losses.
sum() {
	local sum=0 n
	for n in $(grep -ho '"count":[0-9]*' "$@" | cut -d : -f 2); do
		sum=$((sum + n))
	done
	echo $sum
}
last() { grep -ho '"seq":[0-9]*' "$@" | cut -d : -f 2 | sort -n | tail -n 1; }
adds_up() {
	[ "$(sum "$@")" = "$(last "$@")" ] || { echo "sum $(sum "$@"), last $(last "$@")"; grep -h '"lost"' "$@"; return 1; }
}
# all_denied N FILE...: whether there are so many, each another.
all_denied() {
	local wanted=$1 n
	shift
	n=$(grep -ho '"value":"/denied[0-9]*"' "$@" | sort -u | wc -l)
	[ "$n" = "$wanted" ] || { echo "$n denials, not $wanted"; return 1; }
}
has_lost() { grep -q "\"type\":\"lost\".*\"place\":\"$1\"" "$2"; }
end() { kill -INT "$1"; wait "$1"; }
