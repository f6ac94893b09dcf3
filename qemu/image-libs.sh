#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# image-libs.sh IMAGE DIR...: run in the build root. Copies into the directory
# IMAGE the shared libraries that the programs below each DIR are linked with.
set -euo pipefail

image=$1
shift
find "$@" -type f -size +0 \( -perm /111 -o -name '*.so*' \) -print0 | while IFS= read -r -d '' file; do
	[ "$(head -c 4 "$file" | tr -d '\0')" = $'\x7fELF' ] || continue
	# Not dynamic, or not of this machine (a BPF object): nothing to copy.
	ldd "$file" 2>/dev/null || true
done | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) .*/\1/p' | sort -u | while read -r library; do
	# /lib and /lib64 are links to directories below /usr; the image has them too.
	[[ $library = /usr/* ]] || library=/usr$library
	[ -e "$image$library" ] || { mkdir -p "$image$(dirname "$library")" && cp -L "$library" "$image$library"; }
done
