# SPDX-License-Identifier: GPL-2.0
# Sourced: the guest's image, an initramfs of two archives one after the other:
# the base (Debian's programs, made once a build root) and what is KRSI's and
# one kernel's (the tool, kselftests, policies, modules, the scripts of
# qemu/guest).
# Strings in single quotes are for other shells and programs to expand.
# shellcheck shell=bash disable=SC2016

image_of() { echo "$CACHE/image-$1.cpio.zst"; }

# The base archive, renewed when the build root or its recipe changed.
make_image_base() {
	local base=$CACHE/image/base.cpio.zst stamp
	stamp=$({
		in_root dpkg-query -W -f '${Package} ${Version}\n'
		cat "$TOP/qemu/image-base.sh" "$TOP/qemu/image-libs.sh"
	} | sha256sum)
	[ ! -e "$base" ] || [ "$(cat "$base.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	say "guest image: packing Debian's programs"
	mkdir -p "$CACHE/image"
	rm -f "$base.stamp"
	logged "$CACHE/image/base.log" "packing the guest's programs" \
		in_root bash "$TOP/qemu/image-base.sh" "$base.new"
	mv "$base.new" "$base"
	echo "$stamp" >"$base.stamp"
}

# Mainline's lsm selftests without the series, as lsm-mainline beside the
# patched ones. Of two files with one name rsync takes the first.
lay_out_lsm_mainline() {
	local tests=tools/testing/selftests
	logged "$CACHE/rsync.log" "laying out mainline's lsm selftests" in_root rsync -rlp --checksum --delete \
		"$PRISTINE/$tests/lsm/" "$SRC/$tests/lsm/" "$SRC/$tests/lsm-mainline/"
}

# The kselftests, built and installed by the kernel's own rules.
build_kselftests() {
	local name=$1 dir
	dir=$(kernel_dir "$name")
	say "guest image $name: building the kselftests"
	lay_out_lsm_mainline
	# What a program that is gone left behind would still be run.
	remove_tree "$dir/kselftest/installed"
	logged "$dir/kselftest.log" "building the kselftests" kernel_make "$name" \
		kselftest-install TARGETS="krsi lsm lsm-mainline" FORCE_TARGETS=1 KDIR="$dir" \
		KSFT_INSTALL_PATH="$dir/kselftest/installed"
}

# The policies and what is measured: both are made of BPF programs by a Makefile.
# In seconds, so always anew: nothing is left of a source or compiler that is gone.
build_bpf() {
	local what=$1 from=$2
	say "guest image: building the $what"
	remove_tree "$CACHE/$what"
	mkdir -p "$CACHE/$what"
	logged "$CACHE/$what.log" "building the $what" \
		in_root make -C "$from" -j"$JOBS" OUT="$CACHE/$what"
}

# The module of the harness's self-test, out of tree as any third party's.
build_faults() {
	local name=$1 dir work
	dir=$(kernel_dir "$name")
	work=$dir/krsi-harness
	lay "$TOP/selftests/harness" "$work"
	logged "$dir/harness.log" "building the harness's fault module" \
		kernel_make "$name" M="$work" modules
}

install_modules() {
	local name=$1 dir
	dir=$(kernel_dir "$name")
	remove_tree "$dir/krsi-modules"
	logged "$dir/modules.log" "installing the modules" kernel_make "$name" \
		modules_install INSTALL_MOD_PATH="$dir/krsi-modules" INSTALL_MOD_STRIP=1
	rm -f "$dir"/krsi-modules/lib/modules/*/build
}

make_image() {
	local name=$1 image
	image=$(image_of "$name")
	need_space 1 "the guest image"
	make_image_base
	build_kselftests "$name"
	build_bpf policies "$TOP/policies"
	build_bpf benchmarks "$TOP/qemu/bench"
	build_tool
	build_faults "$name"
	install_modules "$name"
	logged "$CACHE/image/$name.log" "packing the guest image" in_root bash "$TOP/qemu/image-own.sh" \
		"$TOP" "$(kernel_dir "$name")" "$TOOL" "$CACHE/policies" "$CACHE/benchmarks" "$CACHE/image/base.cpio.zst" "$image"
	say "guest image $name: $(($(stat -c %s "$image") / 1048576)) MiB"
}
