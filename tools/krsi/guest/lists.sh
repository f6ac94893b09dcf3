# SPDX-License-Identifier: GPL-2.0
# Sourced by the tests of the commands that change what is in force.
# shellcheck shell=bash

CONFIG=$TEST/krsi.toml

# applied POLICY: as a configuration does that has nothing else.
applied() {
	{
		echo 'version = 1'
		case $1 in
		binary_deny) echo '[binaries]' ;;
		env_audit) echo '[preload]' ;;
		exec_unlink) echo '[deleted_executables]' ;;
		module_allow) echo '[modules]' ;;
		usb_mount) echo '[usb]' ;;
		usb_readonly) printf '[usb]\nread_only = true\n' ;;
		esac
		echo 'mode = "enforce"'
	} >"$TEST/applied.toml"
	krsi apply --config "$TEST/applied.toml"
}

# detached POLICY: takes it away with all pins.
detached() { krsi detach "$1" >"$TEST/detached" 2>&1 || sed 's/^/# /' "$TEST/detached"; }

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
