#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-tool.sh: the sources of the tool krsi, and its tests that need no kernel: how they are laid out, what
# clippy says, what they depend on. Prints KTAP.
# The tests are called by their names.
# shellcheck disable=SC2317 source-path=SCRIPTDIR
. "$(dirname "$0")/prepare.sh"
set +e

cd "$TOP" || exit
make_buildroot

sources_are_laid_out_by_rustfmt() { tool_cargo fmt --check 2>&1; }
clippy_warns_of_nothing() { tool_cargo clippy --release --locked --all-targets -- -D warnings 2>&1; }
unit_tests_pass() { tool_cargo test --release --locked 2>&1; }
# With all that a package promises.
a_package_is_made() {
	(build_tool && build_bpf policies "$TOP/policies" && make_tool_deb "") 2>&1 || return
	local file files
	files=$(in_root dpkg-deb -c "$(tool_deb)")
	for file in etc/krsi/krsi.toml usr/bin/krsi usr/lib/systemd/system/krsi{,-events}.service \
		usr/share/krsi/policies/env_audit.bpf.o usr/share/man/man1/krsi{,-run}.1.gz \
		usr/share/bash-completion/completions/krsi usr/share/zsh/vendor-completions/_krsi \
		usr/share/fish/vendor_completions.d/krsi.fish; do
		grep -q " root/root .* \./$file$" <<<"$files" || { echo "there is no $file in"; echo "$files"; return 1; }
	done
}

# Of a string that has a name clang 14, Debian 12's, tells in the BTF of another section than it puts it into, and
# what it makes then does not load. Newer ones tell of it where it is.
no_policy_has_a_string_with_a_name() {
	build_bpf policies "$TOP/policies" 2>&1 || return
	local object btf
	for object in "$CACHE"/policies/*.bpf.o; do
		btf=$(in_root bpftool btf dump file "$object" 2>&1) || { echo "$btf"; return 1; }
		if grep -A1 "DATASEC '\.rodata\.str" <<<"$btf"; then
			echo "is in ${object##*/}"
			return 1
		fi
	done
}

scripts_pass_shellcheck() {
	in_root shellcheck -x -S warning -e SC2046,SC2120 tools/krsi/guest/* tools/krsi/packaging/debian/p* tools/krsi/template/tests/* \
		qemu/*tool* qemu/pack-deb.sh qemu/guest/tool-tests
}

dependencies_are_what_deny_toml_allows() {
	tool_cargo metadata --locked --filter-platform x86_64-unknown-linux-gnu --format-version 1 | in_root python3 -B "$TOP/qemu/dependencies.py" "$TOP/tools/krsi/deny.toml"
}

. "$TOP/qemu/ktap.sh"
run_tests sources_are_laid_out_by_rustfmt clippy_warns_of_nothing unit_tests_pass dependencies_are_what_deny_toml_allows \
	a_package_is_made no_policy_has_a_string_with_a_name scripts_pass_shellcheck
