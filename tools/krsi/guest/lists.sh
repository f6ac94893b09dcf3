# SPDX-License-Identifier: GPL-2.0
# Sourced by the tests of the commands that change what is in force.
# shellcheck shell=bash

PINS=/sys/fs/bpf/krsi
CONFIG=$TEST/krsi.toml

mountpoint -q /sys/fs/bpf || mount -t bpf bpf /sys/fs/bpf

# applied POLICY: attaches it and pins its link and its maps.
applied() {
	local id name run
	krsi run "$1" >"$TEST/reports" 2>"$TEST/run.log" &
	run=$!
	eventually grep -q attached "$TEST/run.log" || return 1
	mkdir -p "$PINS/$1"
	for id in $(sed -n "s/.* name=$1 .* maps=\([0-9,]*\).*/\1/p" $KRSI/policies | tr , ' ') \
		$(bpftool map list | sed -n 's/^\([0-9]*\): hash  *name allowed .*/\1/p'); do
		name=$(bpftool map show id "$id" | sed -n '1s/.* name \([^ ]*\) .*/\1/p')
		[ -e "$PINS/$1/$name" ] || bpftool map pin id "$id" "$PINS/$1/$name"
	done
	id=$(bpftool link list | sed -n 's/^\([0-9]*\): struct_ops.*/\1/p' | tail -n 1)
	bpftool link pin id "$id" "$PINS/$1/link"
	kill $run
	wait $run
	grep -q " name=$1 " $KRSI/policies
}

# detached POLICY: takes it away with all pins.
detached() { rm -rf "${PINS:?}/$1"; }

# prints PATTERN COMMAND ARG...: whether it prints a line like this, and ends well.
prints() {
	local pattern=$1
	shift
	"$@" >"$TEST/out" 2>&1 || { cat "$TEST/out"; return 1; }
	grep -qE -- "$pattern" "$TEST/out" || { cat "$TEST/out"; return 1; }
}

# refuses PATTERN COMMAND ARG...: whether it ends with 1 and says why.
refuses() {
	local pattern=$1
	shift
	ends 1 "$@" >"$TEST/out" 2>&1 || { cat "$TEST/out"; return 1; }
	grep -qE -- "$pattern" "$TEST/out" || { cat "$TEST/out"; return 1; }
}

# configures: a configuration with comments.
configures() {
	cat >"$CONFIG" <<'EOF'
# what this machine allows
version = 1

[preload]
mode = "enforce" # since May
allow = []

[deleted_executables]
mode = "enforce"
exempt_dirs = [
    # the builder
    "/var", # for now
]

[modules]
mode = "enforce"
learn = false # never again

[usb]
mode = "enforce"
allow = ["0951:1666:BOB"]  # Bob's

[binaries]
mode = "enforce"
EOF
}
