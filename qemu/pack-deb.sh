#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# pack-deb.sh PACKAGING TOOL POLICIES VERSION OUT.deb: run in the build root by tool.sh. Packs the tool with
# the policies as objects, its units, and the man pages and completions that it generates.
set -euo pipefail

packaging=$1 tool=$2 policies=$3 version=$4 out=$5

dir=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$dir" "$out.new"' EXIT
chmod 755 "$dir"
share=$dir/usr/share

install -D -m 755 -t "$dir/usr/bin" "$tool"
install -D -m 644 -t "$dir/usr/lib/systemd/system" "$packaging"/*.service
install -D -m 644 -t "$dir/etc/krsi" "$packaging/krsi.toml"
install -D -m 644 -t "$share/krsi/policies" "$policies"/*.bpf.o
install -D -m 644 -t "$share/doc/krsi" "$packaging/debian/copyright"
"$tool" generate man "$share/man/man1"
gzip -9n "$share"/man/man1/*.1
mkdir -p "$share/bash-completion/completions" "$share/zsh/vendor-completions" "$share/fish/vendor_completions.d"
"$tool" generate completions bash >"$share/bash-completion/completions/krsi"
"$tool" generate completions zsh >"$share/zsh/vendor-completions/_krsi"
"$tool" generate completions fish >"$share/fish/vendor_completions.d/krsi.fish"

# depends: the packages of the libraries that it is linked with, and how new the C library must be.
depends() {
	local glibc
	glibc=$(objdump -T "$tool" | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
	objdump -p "$tool" | sed -n 's/^ *NEEDED *//p' | while read -r library; do
		dpkg-query -S "*/x86_64-linux-gnu/$library"
	done | sed "/^diversion /d; s/[:,].*//" | sort -u | sed "s/^libc6$/libc6 (>= ${glibc#GLIBC_})/" | paste -sd, | sed 's/,/, /g'
}

mkdir "$dir/DEBIAN"
install -m 755 -t "$dir/DEBIAN" "$packaging"/debian/{postinst,prerm,postrm}
echo /etc/krsi/krsi.toml >"$dir/DEBIAN/conffiles"
cat >"$dir/DEBIAN/control" <<END
Package: krsi
Version: $version
Architecture: amd64
Maintainer: the authors of KRSI <root@localhost>
Section: admin
Priority: optional
Depends: $(depends), init-system-helpers
Installed-Size: $(du -sk --exclude=DEBIAN "$dir" | cut -f1)
Description: protects a machine with KRSI policies, and tells what they see
 KRSI is a Linux Security Module whose policies are BPF programs. This tool loads
 those that are shipped, keeps them in force, changes what they allow, and tells
 what they report. It needs a kernel that is built with CONFIG_SECURITY_KRSI.
END
(cd "$dir" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum) >"$dir/DEBIAN/md5sums"
find "$dir" -type d -exec chmod 755 {} +
dpkg-deb --root-owner-group -Zxz -b "$dir" "$out.new"
mv "$out.new" "$out"
