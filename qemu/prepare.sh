# SPDX-License-Identifier: GPL-2.0
# Sourced by the commands of this directory: all the steps, in order, and how
# one boots a guest when they are done.
# shellcheck shell=bash
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..

. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
. "$TOP/qemu/buildroot.sh"
. "$TOP/qemu/source.sh"
. "$TOP/qemu/kernel.sh"
. "$TOP/qemu/tool.sh"
. "$TOP/qemu/image.sh"

# What every command begins with.
prepare_source() {
	lock_cache
	make_buildroot
	make_source
}

# The kernel NAME and an image for it.
prepare_guest() {
	build_kernel "$1"
	make_image "$1"
}

# guest NAME ARG...: boots it; ARG... as guest.py has them.
guest() {
	local name=$1
	shift
	in_root python3 -B "$TOP/qemu/guest.py" --build "$(kernel_dir "$name")" --image "$(image_of "$name")" \
		--log "$CACHE/$name.log" "$@"
}
