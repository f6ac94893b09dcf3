#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image-own.sh TOP BUILD TOOL POLICIES BENCH BASE OUT: run in the build root by image.sh.
# Packs what is KRSI's and one kernel's, and puts it behind the archive BASE.
set -euo pipefail

top=$1 build=$2 tool=$3 policies=$4 bench=$5 base=$6 out=$7

dir=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$dir" "$out.part"' EXIT
krsi=$dir/usr/lib/krsi
mkdir -p "$krsi" "$dir/opt/kselftest" "$dir/usr/bin"
cp "$tool" "$dir/usr/bin/krsi"
cp -a "$top/qemu/guest/." "$krsi/"
cp -a "$top/tools/krsi/guest" "$krsi/tool"
cp -a "$top/tools/krsi/packaging" "$krsi/packaging"
"$tool" policy new sample --below "$krsi"
make -C "$krsi/sample"
mv "$krsi/init" "$dir/init"
clang -shared -fPIC -O2 -o "$krsi/demo-hide.so" "$krsi/demo-hide.c"
clang -O2 -o "$krsi/demo-vanish" "$krsi/demo-vanish.c"
cp "$build/krsi-harness/krsi_faults.ko" "$krsi/"
cp -a "$build/krsi-modules/lib/modules" "$dir/usr/lib/"
# Once more with a module that is packed, as Debian's are.
release=$(<"$build/include/config/kernel.release")
mkdir -p "$krsi/packed/$release/kernel"
xz -c "$krsi/krsi_faults.ko" >"$krsi/packed/$release/kernel/krsi_faults.ko.xz"
bash "$(dirname "$0")/image-dkms.sh" "$build" "$krsi/packed"
bash "$(dirname "$0")/image-dkms.sh" "$build" "$dir/usr/lib/modules"
depmod -b "$dir/usr" "$release"
cp -a "$build/kselftest/installed/." "$dir/opt/kselftest/"
cp -a "$policies" "$krsi/policies"
cp -a "$bench" "$krsi/bench"
bash "$(dirname "$0")/image-libs.sh" "$dir" "$dir/opt" "$krsi" "$dir/usr/bin"

(cd "$dir" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) | zstd -q -3 -T0 >"$out.part"
cat "$base" "$out.part" >"$out.new"
mv "$out.new" "$out"
