#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image-base.sh OUT.cpio.zst: run in the build root by image.sh. The part of
# the guest's image that only depends on the build root: Debian's own programs
# with their libraries, and busybox for whatever else a script calls.
#
# stdbuf is beside its library and not in /usr/bin, on purpose: kselftest's runner
# would start every test under it, with an LD_PRELOAD that the tests here would see.
set -euo pipefail

out=$1
programs=(
	auditctl auditd ausearch bash bpftool btrfstune busybox capsh dash fallocate fsverity genisoimage getcap kmod ldd losetup mkfs.btrfs mkfs.ext4 mkfs.vfat mount mountpoint nsenter
	prlimit script setcap setpriv setsid umount unshare
	base64 basename cat chgrp chmod chown cp cut date dd df dirname du env expr false head id install link ln ls mkdir
	mkfifo mknod mktemp mv nohup nproc od printenv printf pwd readlink realpath rm rmdir seq sha256sum shuf sleep sort
	stat sync tail tee test timeout touch tr true truncate tsort uname uniq unlink wc whoami yes
	find grep sed xargs
)
# Programs that are links to others: name:target.
links=(sh:dash lsmod:kmod insmod:kmod rmmod:kmod modprobe:kmod modinfo:kmod depmod:kmod mke2fs:mkfs.ext4 mkfs.fat:mkfs.vfat)
# Libraries that tests and policies link or preload, besides the programs' own.
libraries=(libbpf.so.1 liburing.so.2)

dir=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir"/{dev,etc,proc,root,sys,tmp,run,var,opt,mnt,usr/bin,usr/lib64,usr/lib/x86_64-linux-gnu}
for link in bin lib lib64; do ln -s "usr/$link" "$dir/$link"; done
ln -s usr/bin "$dir/sbin"
ln -s bin "$dir/usr/sbin"
ln -s ../run "$dir/var/run"
ln -s /proc/mounts "$dir/etc/mtab"
echo 'root:x:0:0:root:/root:/bin/bash
nobody:x:65534:65534:nobody:/:/bin/false' >"$dir/etc/passwd"
echo 'root:x:0:
nogroup:x:65534:' >"$dir/etc/group"

for program in "${programs[@]}"; do
	path=$(type -P "$program") || { echo "no program $program in the build root" >&2; exit 1; }
	cp -L --preserve=mode "$path" "$dir/usr/bin/$program"
	chmod u-s,g-s "$dir/usr/bin/$program"
done
for link in "${links[@]}"; do ln -s "${link#*:}" "$dir/usr/bin/${link%:*}"; done
for applet in $(busybox --list); do
	[ -e "$dir/usr/bin/$applet" ] || ln -s busybox "$dir/usr/bin/$applet"
done
for library in "${libraries[@]}"; do
	cp -L "/usr/lib/x86_64-linux-gnu/$library" "$dir/usr/lib/x86_64-linux-gnu/"
done
mkdir -p "$dir/usr/libexec/coreutils"
cp -L --preserve=mode /usr/bin/stdbuf /usr/libexec/coreutils/libstdbuf.so "$dir/usr/libexec/coreutils/"
"$(dirname "$0")/image-libs.sh" "$dir" "$dir/usr"

(cd "$dir" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) | zstd -q -3 -T0 >"$out"
