#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make kernel: the normal kernel and no more.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

prepare_source
build_kernel normal
say "the kernel is $(kernel_dir normal)/arch/x86/boot/bzImage"
