# SPDX-License-Identifier: GPL-2.0
# Sourced: the kernel source in the cache. Debian's linux-source package,
# unpacked once; the series of patches/ applied, and tcg.patch for the emulator;
# this checkout laid over it as security/krsi/ and its selftests/ as
# tools/testing/selftests/krsi/.
#
# Files change on disk only when their content changes, so that the kernel's
# own build sees exactly what is new.
# Strings in single quotes are for other shells and programs to expand.
# shellcheck shell=bash disable=SC2016

KERNEL=7.3
SRC=$CACHE/linux-$KERNEL
PRISTINE=$CACHE/linux-$KERNEL.orig

# apt with a configuration of its own: this machine's lists stay as they are.
private_apt() {
	local dir=$CACHE/apt
	mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial"
	debian_lines "$(debian_mirror)" >"$dir/sources.list"
	apt-get -q -o Dir::Etc::SourceList="$dir/sources.list" -o Dir::Etc::SourceParts=- \
		-o Dir::State::Lists="$dir/lists" -o Dir::Cache="$dir/cache" \
		-o Acquire::Retries=3 -o APT::Sandbox::User=root "$@"
}

# The newest package that is there.
source_deb() { compgen -G "$CACHE/linux-source-${KERNEL}_*.deb" | sort -V | tail -n 1; }

download_source() {
	local package="linux-source-$KERNEL/$SUITE-backports" deb
	[ -z "$(source_deb || true)" ] || return 0
	need_space 3 "the kernel source"
	say "kernel source: downloading linux-source-$KERNEL (170 MB)"
	logged "$CACHE/apt.log" "reading Debian's package lists (is there a network?)" \
		private_apt -o APT::Update::Error-Mode=any update
	deb=$(private_apt --print-uris download "$package" | sed -n "s/^'[^']*' \([^ ]*\) .*/\1/p")
	mkdir -p "$CACHE/download"
	# An interrupted download goes on, unless there is a newer version by now.
	find "$CACHE/download" -type f ! -name "$deb*" -delete
	(cd "$CACHE/download" && logged "$CACHE/apt.log" "downloading linux-source-$KERNEL (is there a network?)" \
		private_apt download "$package")
	mv "$CACHE/download/$deb" "$CACHE/"
}

unpack_source() {
	local deb
	deb=$(source_deb)
	[ ! -d "$SRC" ] || [ "$(cat "$SRC.stamp" 2>/dev/null)" != "$(basename "$deb")" ] || return 0
	need_space 3 "the unpacked kernel source"
	say "kernel source: unpacking"
	rm -rf "$SRC.stamp" "$SRC" "$PRISTINE" "$SRC.new"
	mkdir -p "$SRC.new"
	# With the time of now: make must find it newer than what was built from another one.
	logged "$CACHE/unpack.log" "unpacking $(basename "$deb")" in_root bash -o pipefail -c \
		'dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/linux-source-'$KERNEL'.tar.xz" |
		 tar -xJm --strip-components=1 --no-same-owner -C "$2"' - "$deb" "$SRC.new"
	mv "$SRC.new" "$SRC"
	basename "$deb" >"$SRC.stamp"
}

# lay FROM TO OPTION...: copies what differs.
lay() {
	local from=$1 to=$2
	shift 2
	logged "$CACHE/rsync.log" "copying to $to" in_root rsync -rlp --checksum "$@" "$from/" "$to/"
}

# The files that the patches given touch.
patched_files() { sed -n 's/^+++ b\///p; s/^--- a\///p' "$@" | sort -u; }

# Brings the tree to "pristine plus the present patches". The originals of all
# files ever patched are kept beside the tree; a file new in a patch has none.
apply_patches() {
	local work file series=("$TOP/patches/$KERNEL"/*.patch "$TOP/qemu/tcg.patch")
	[ -e "${series[0]}" ] || die "no patch series for $KERNEL"
	work=$(mktemp -d "$CACHE/patch.XXXXXX")
	while read -r file; do
		mkdir -p "$(dirname "$work/$file")" "$(dirname "$PRISTINE/$file")"
		if [ ! -e "$PRISTINE/$file" ] && [ ! -e "$PRISTINE/$file.absent" ]; then
			if [ -e "$SRC/$file" ]; then
				cp -p "$SRC/$file" "$PRISTINE/$file.new"
				mv "$PRISTINE/$file.new" "$PRISTINE/$file"
			else
				touch "$PRISTINE/$file.absent"
			fi
		fi
	done < <(patched_files "${series[@]}")
	lay "$PRISTINE" "$work" -t --exclude='*.absent' --exclude='*.new'
	for file in "${series[@]}"; do
		in_root patch -s -d "$work" -p1 --no-backup-if-mismatch -i "$file" >"$CACHE/patch.log" 2>&1 ||
			{ cat "$CACHE/patch.log" >&2; die "$(basename "$file") does not apply to linux-source-$KERNEL"; }
	done
	# A file that only an earlier series brought goes away again.
	while read -r file; do
		[ -e "$work/$file" ] || rm -f "$SRC/$file"
	done < <(cd "$PRISTINE" && find . -name '*.absent' -printf '%P\n' | sed 's/\.absent$//')
	lay "$work" "$SRC"
	rm -rf "$work"
}

# The checkout without what is not the kernel's: git's files and build output.
lay_over() {
	local selftests=tools/testing/selftests/krsi
	lay "$TOP" "$SRC/security/krsi" --delete --exclude=/.git --exclude=/tools/krsi/target --exclude='*.o' --exclude='*.cmd'
	lay "$TOP/selftests" "$SRC/$selftests" --delete
}

make_source() {
	download_source
	unpack_source
	apply_patches
	lay_over
}
