#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image-dkms.sh BUILD LIB: run in the build root by image-own.sh. Has Debian's DKMS build the module of
# qemu/dkms for the kernel of BUILD and install it below LIB, a directory like /lib/modules: packed as the
# other modules there are.
set -euo pipefail

build=$1 lib=$2

dir=$(mktemp -d "$lib.XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/sources" "$dir/tree"
cp -a "$(dirname "$0")/dkms" "$dir/sources/krsi-dkms-1.0"
dkms install krsi-dkms/1.0 -k "$(<"$build/include/config/kernel.release")" --kernelsourcedir "$build" \
	--dkmstree "$dir/tree" --sourcetree "$dir/sources" --installtree "$lib"
