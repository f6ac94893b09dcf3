#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test.sh [PROGRAM]: make test. All tests, most on both kernels, or, for a short
# loop, one kselftest program on the normal kernel. The last line is the sum.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"
. "$TOP/qemu/measure.sh"
. "$TOP/qemu/policy.sh"

PROGRAM=${1:-}
RESULTS=$CACHE/results.jsonl

# Its tests are about guest.py itself: does it notice what goes wrong?
harness() {
	say "harness: provoking each kind of failure in the $1 guest"
	in_root python3 -B "$TOP/qemu/harness.py" "$1" --build "$(kernel_dir "$1")" --image "$(image_of "$1")" \
		--log "$CACHE/harness-$1.log" --results "$RESULTS"
}

# Beside each other: a booting guest keeps one processor busy, and no time in it matters.
harnesses() {
	harness debug &
	harness normal
	wait $!
}

run_tests() {
	local name=$1
	shift
	say "$name: booting the guest for KUnit and the kselftests"
	guest "$name" --name "$name" --results "$RESULTS" --usb --kunit --kselftest "$@"
}

# make install and uninstall, on a tree of the files that the patches touch.
test_install() {
	local here=in_root
	# The machine itself can try more than a build root: git, full disks, mount points.
	if command -v git >/dev/null && command -v patch >/dev/null; then
		here="env"
	fi
	say "install: into a small tree and out again"
	# Its status says no more than its output, which is counted.
	"$here" bash "$TOP/patches/test-install.sh" "$SRC" 2>"$CACHE/test-install.log" |
		tee "$CACHE/test-install.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" install <"$CACHE/test-install.ktap"
}

# What the folders promise.
test_tree() {
	# Its status says no more than its output, which is counted.
	bash "$TOP/qemu/test-tree.sh" | tee "$CACHE/test-tree.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" tree <"$CACHE/test-tree.ktap"
}

# What a policy's compiler says.
test_header() {
	# Its status says no more than its output, which is counted.
	in_root bash "$TOP/qemu/test-header.sh" | tee "$CACHE/test-header.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" header <"$CACHE/test-header.ktap"
}

# How the steps before the tests end where the machine does not go along.
test_steps() {
	say "steps: without a network, with a full disk, two at once"
	# Its status says no more than its output, which is counted.
	bash "$TOP/qemu/test-steps.sh" | tee "$CACHE/test-steps.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" steps <"$CACHE/test-steps.ktap"
}

# What the tool's sources promise, and its own tests.
test_tool() {
	say "tool: its sources and its own tests (the first time 2 to 6 minutes)"
	# Its status says no more than its output, which is counted.
	bash "$TOP/qemu/test-tool.sh" 2>"$CACHE/test-tool.log" | tee "$CACHE/test-tool.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" tool <"$CACHE/test-tool.ktap"
}

# What reads hostile files, on hostile files.
test_fuzz() {
	say "fuzz: the reader of module files, for a moment"
	# Its status says no more than its output, which is counted.
	in_root bash "$TOP/fuzz/test.sh" "$CACHE/fuzz-test" | tee "$CACHE/fuzz-test.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" fuzz <"$CACHE/fuzz-test.ktap"
}

# The kernel command line beats every policy: a boot each.
test_boot_modes() {
	local mode
	local -A more=([off]=krsi.module_scan_ms=0 [wrong]=krsi.module_scan_ms=wrong)
	for mode in off audit wrong; do
		say "normal: booting the guest with krsi.mode=$mode ${more[$mode]:-}"
		guest normal --name "krsi.mode=$mode" --results "$RESULTS" \
			--append "krsi.mode=$mode ${more[$mode]:-} kunit.enable=0" \
			--kselftest /usr/lib/krsi/boot-mode "$mode"
	done
}

# The looks that follow each module's LIVE, with no periodic one in between.
test_module_looks() {
	local scan=krsi.module_scan_ms=600000
	say "normal: booting the guest with $scan"
	guest normal --name "$scan" --results "$RESULTS" --append "$scan" \
		--kselftest /usr/lib/krsi/module-looks
}

# BPF LSM programs that run before KRSI's hooks do.
test_lsm_order() {
	local order=lsm=landlock,lockdown,yama,bpf,krsi
	say "normal: booting the guest with $order"
	guest normal --name "$order" --results "$RESULTS" --append "$order kunit.enable=0" \
		--kselftest sh -c "cd /opt/kselftest/krsi && exec ./env_bprm_test \
			-t order_of_lsms_decides_where_strings_are_there \
			-t order_of_lsms_brings_no_strings_of_another_round"
}

# The shipped policies, on the attacks that they are for.
test_demo() {
	say "normal: booting the guest for the demonstration"
	guest normal --name demo --results "$RESULTS" --usb /usr/lib/krsi/demo
}

# The tool's commands, on a real kernel.
test_tool_in_guest() {
	say "normal: booting the guest for the tool's tests"
	guest normal --name "tool in the guest" --results "$RESULTS" --usb --timeout 3600 --silence 300 --append kunit.enable=0 \
		--kselftest /usr/lib/krsi/tool-tests
}

# The tool where there is no KRSI, or where the boot parameter is in the way.
test_tool_missing() {
	local append
	for append in lsm=landlock,lockdown,yama,bpf krsi.mode=audit; do
		say "normal: booting the guest for the tool with $append"
		guest normal --name "tool with $append" --results "$RESULTS" --append "$append kunit.enable=0" \
			--kselftest /usr/lib/krsi/tool-tests missing
	done
}

# A policy of one's own, from its first line to its tests.
test_new_policy() {
	local dir=$CACHE/policy-new
	remove_tree "$dir"
	mkdir "$dir"
	logged "$CACHE/policy-new.log" "beginning a policy" in_root "$TOOL" policy new mine --below "$dir"
	test_policy normal "$dir/mine" --name "a policy of one's own" --results "$RESULTS"
}

# What some rows of make bench cost, beside the committed figures.
test_costs() {
	say "costs: booting a guest whose clock counts instructions"
	measure "$CACHE/costs.rows" "./hook-cost ${SHORT_ROWS//[[:space:]]/ }" --counting --name costs --results "$RESULTS"
	# Its status says no more than its output, which is counted.
	in_root python3 -B "$TOP/qemu/bench.py" check "$CACHE/costs.rows" "$TOP/Documentation/costs.json" --part |
		tee "$CACHE/costs.ktap" || true
	in_root python3 -B "$TOP/qemu/results.py" count "$RESULTS" costs <"$CACHE/costs.ktap"
}

test_normal() {
	prepare_guest normal
	if [ -z "$PROGRAM" ]; then
		prepare_guest debug
		harnesses
		test_boot_modes
		test_module_looks
		test_lsm_order
		test_demo
		test_tool_in_guest
		test_tool_missing
		test_new_policy
		test_costs
	fi
	run_tests normal --timeout 7200 --silence 600 /usr/lib/krsi/tests normal ${PROGRAM:+"$PROGRAM"}
}

test_debug() {
	rm -f "$CACHE/coverage.tar"
	run_tests debug --memory 3G --timeout 14400 --silence 600 --data "$CACHE/coverage.tar" /usr/lib/krsi/tests debug
	in_root python3 -B "$TOP/qemu/coverage.py" --build "$(kernel_dir debug)" --source "$SRC" \
		--data "$CACHE/coverage.tar" --results "$RESULTS"
}

prepare_source
: >"$RESULTS"
in_root python3 -B "$TOP/qemu/parsers.py" --results "$RESULTS"
test_tree
test_header
if [ -z "$PROGRAM" ]; then
	test_install
	test_steps
	test_tool
	test_fuzz
fi
test_normal
if [ -n "$PROGRAM" ]; then
	say "debug: skipped, as only $PROGRAM was asked for"
else
	test_debug
fi
in_root python3 -B "$TOP/qemu/results.py" sum "$RESULTS"
