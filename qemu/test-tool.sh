#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-tool.sh: the sources of the tool krsi, and its tests that need no kernel: how they are laid out, what
# clippy says, what they depend on. Prints KTAP.
# The tests are called by their names.
# shellcheck disable=SC2317 source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$TOP/qemu/buildroot.sh"
. "$TOP/qemu/tool.sh"
set +e

make_buildroot

sources_are_laid_out_by_rustfmt() { tool_cargo fmt --check 2>&1; }
clippy_warns_of_nothing() { tool_cargo clippy --release --locked --all-targets -- -D warnings 2>&1; }
unit_tests_pass() { tool_cargo test --release --locked 2>&1; }
dependencies_are_what_deny_toml_allows() {
	tool_cargo metadata --locked --filter-platform x86_64-unknown-linux-gnu --format-version 1 | in_root python3 -B "$TOP/qemu/dependencies.py" "$TOP/tools/krsi/deny.toml"
}

. "$TOP/qemu/ktap.sh"
run_tests sources_are_laid_out_by_rustfmt clippy_warns_of_nothing unit_tests_pass dependencies_are_what_deny_toml_allows
