#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# make clean: removes all that was built from the cache. What was downloaded
# stays: the kernel's source package, the build root and the server's Debian.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

lock_cache
say "removing what was built in $CACHE"
for path in "$CACHE"/build-* "$CACHE"/image* "$CACHE"/polic* "$CACHE"/bench "$CACHE"/benchmarks "$CACHE"/fuzz* "$CACHE"/tool "$CACHE"/patch.* "$SRC" "$SRC.new" "$SRC.orig"; do
	remove_tree "$path"
done
rm -f "$CACHE"/server/{*.ext4,*.ext4.stamp,*.log,*.out}
rm -f "$CACHE"/*.log "$CACHE"/coverage.tar "$CACHE"/results.jsonl "$CACHE"/*.ktap
