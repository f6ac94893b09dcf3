#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# enter-root.sh ROOT TOP CACHE DIR COMMAND...: run by in_root inside fresh mount
# and pid namespaces: binds what the command needs into ROOT and enters it.
# The inner shell expands its own words.
# shellcheck disable=SC2016
set -eu
root=$1 top=$2 cache=$3 dir=$4
shift 4

mount --make-rprivate /
for d in /dev /sys; do
	mount --rbind "$d" "$root$d"
done
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/tmp"
for d in "$top" "$cache"; do
	mkdir -p "$root$d"
	mount --rbind "$d" "$root$d"
done
exec chroot "$root" /bin/bash -c 'cd "$1" && shift && exec "$@"' - "$dir" "$@"
