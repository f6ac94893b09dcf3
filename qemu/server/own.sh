#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# own.sh TOP BUILD TOOL OUT.ext4 COLLECTOR.whl DEB...: run in the build root by server-disk.sh.
# The server's second disk, its /usr/lib/krsi: the tool, its packages and its tutorial, the
# day and the attacks, the kernel's modules, which of them are known, and two that are not.
set -euo pipefail

top=$1 build=$2 tool=$3 out=$4 collector=$5
shift 5

dir=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$dir" "$out.new"' EXIT
chmod 755 "$dir"
cp -a "$top/qemu/server" "$dir/server"
cp -a "$build/krsi-modules/lib/modules" "$dir/modules"
mkdir "$dir/bin" "$dir/extra"
cp "$tool" "$dir/bin/krsi"
cp "$top/Documentation/tool.rst" "$dir/"
install -D -m 644 -t "$dir/debs" "$@"
python3 -m zipfile -e "$collector" "$dir/wheel"
install -m 755 "$dir/wheel/rotel/rotel-agent" "$dir/bin/collector"
rm -r "$dir/wheel"
cp "$build"/kselftest/installed/krsi/modules/krsi_{plain,hider}.ko "$dir/extra/"
for source in "$top"/qemu/server/*.c; do
	case $source in
	*.so.c) clang -shared -fPIC -O2 -Wall -Werror -o "$dir/bin/$(basename "$source" .c)" "$source" ;;
	*) clang -O2 -Wall -Werror -o "$dir/bin/$(basename "$source" .c)" "$source" ;;
	esac
done
(cd "$dir/modules" && find . -name '*.ko' -exec sha256sum {} + && cd ../extra && sha256sum krsi_hider.ko) >"$dir/known-modules"
# The build root's files belong to whoever owns the checkout.
chown -R 0:0 "$dir"

truncate -s 256M "$out.new"
mkfs.ext4 -q -F -L krsi -d "$dir" "$out.new"
mv "$out.new" "$out"
