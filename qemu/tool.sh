# SPDX-License-Identifier: GPL-2.0
# Sourced: the tool `krsi`, built in the build root by Debian's cargo. Crates and what is
# built of them stay in the cache.
# shellcheck shell=bash

TOOL=$CACHE/tool/release/krsi

# The machine's own certificates, where the build root sees them: they say whom it trusts on the way to
# a registry.
CERTIFICATES=$CACHE/certificates.crt

copy_certificates() { [ ! -r /etc/ssl/certs/ca-certificates.crt ] || cp /etc/ssl/certs/ca-certificates.crt "$CERTIFICATES"; }

# tool_cargo ARG...: cargo on the tool.
tool_cargo() {
	local certificates=()
	copy_certificates
	[ ! -e "$CERTIFICATES" ] || certificates=(CARGO_HTTP_CAINFO="$CERTIFICATES")
	in_root env CARGO_HOME="$CACHE/cargo" CARGO_TARGET_DIR="$CACHE/tool" CARGO_BUILD_JOBS="$JOBS" \
		"${certificates[@]}" cargo "$1" --manifest-path "$TOP/tools/krsi/Cargo.toml" "${@:2}"
}

build_tool() {
	say "tool: building krsi (the first time 2 to 6 minutes)"
	logged "$CACHE/tool.log" "building the tool (is there a network?)" tool_cargo build --release --locked
}

# tool_deb [NEXT]: where the package is; NEXT is something behind its version.
tool_deb() { echo "$CACHE/krsi_$(tool_version)${1:-}_amd64.deb"; }

tool_version() { sed -n '0,/^version = /s/^version = "\(.*\)"$/\1/p' "$TOP/tools/krsi/Cargo.toml"; }

# make_tool_deb [NEXT]: of what build_tool and build_bpf have made.
make_tool_deb() {
	local next=${1:-}
	say "tool: packing a Debian package"
	logged "$CACHE/tool-deb.log" "packing the package" in_root bash "$TOP/qemu/pack-deb.sh" "$TOP/tools/krsi/packaging" \
		"$TOOL" "$CACHE/policies" "$(tool_version)$next" "$(tool_deb "$next")"
}
