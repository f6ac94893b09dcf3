#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# disk.sh DEBIAN.tar FURNISH OUT.ext4: run as root in the build root by
# server-disk.sh. Unpacks Debian, has FURNISH make a server of it from inside,
# and puts it into an image.
set -euo pipefail

tar=$1 furnish=$2 out=$3
dir=$out.dir

nodes=(null zero full random urandom)

leave() {
	local node
	umount "$dir/proc" 2>/dev/null || true
	for node in "${nodes[@]}"; do umount "$dir/dev/$node" 2>/dev/null || true; done
	rm -rf --one-file-system "${dir:?}/dev"
	mkdir -p "$dir/dev"
}

rm -rf --one-file-system "$dir"
trap 'leave; rm -rf --one-file-system "$dir"; rm -f "$out.new"' EXIT
mkdir "$dir"
tar -C "$dir" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf "$tar"
mount -t proc proc "$dir/proc"
for node in "${nodes[@]}"; do
	: >"$dir/dev/$node"
	mount --bind "/dev/$node" "$dir/dev/$node"
done
# What is made must not depend on the machine: no name of a host, no resolver.
install -m 755 "$furnish" "$dir/root/furnish"
chroot "$dir" env -i PATH=/usr/sbin:/usr/bin LANG=C.UTF-8 /root/furnish
rm "$dir/root/furnish"
leave

truncate -s 3G "$out.new"
# A fixed hash seed and no lazy work in the guest: nothing is left to do when it is mounted.
mkfs.ext4 -q -F -L server -E lazy_itable_init=0,lazy_journal_init=0 -d "$dir" "$out.new"
mv "$out.new" "$out"
