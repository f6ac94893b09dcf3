# SPDX-License-Identifier: GPL-2.0
# Sourced: the disk of the server that `make server` boots. A Debian 13 as
# mmdebstrap makes it, kept as an archive; unpacked, furnished (server/furnish)
# and put into an ext4 image. A second image has what is KRSI's and one kernel's.
# Strings in single quotes are for other shells and programs to expand.
# shellcheck shell=bash disable=SC2016

SERVER=$CACHE/server

server_disk() { echo "$SERVER/debian.ext4"; }
server_own_disk() { echo "$SERVER/own.ext4"; }

# What the server upgrades: fetched as packages, too, to be made anew with a higher version.
UPGRADED="dpkg libpam-systemd libsystemd-shared libsystemd0 libudev1 systemd systemd-sysv udev"

# as_root COMMAND...: as in_root, and always as a root who may own files for other users. Set-user-ID programs
# keep his id: in the build root of an ordinary user, mmdebstrap's root is another who may not mount.
as_root() {
	if [ "$IN_ROOT" = host ] && [ "$(id -u)" != 0 ]; then
		unshare --map-auto --map-root-user --mount --pid --fork --kill-child env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@"
	else
		in_root setpriv --no-new-privs "$@"
	fi
}

# Debian as an archive: its owners are the machine's, whoever unpacks it.
make_server_tar() {
	local tar=$SERVER/debian.tar stamp mirror mode
	stamp=$SUITE-$(hash_of "$TOP/qemu/server/packages.txt" "$TOP/qemu/server-disk.sh")
	[ ! -e "$tar" ] || [ "$(cat "$tar.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	need_space 2 "the server's Debian"
	have_mmdebstrap
	[ "$(id -u)" = 0 ] && mode=root || mode=unshare
	mirror=$(debian_mirror)
	say "server: downloading Debian 13 (1 to 3 minutes)"
	rm -f "$tar.stamp"
	debian_lines "$mirror" | logged "$SERVER/tar.log" "making the server's Debian (is there a network?)" \
		mmdebstrap --mode="$mode" --variant=apt --format=tar \
		--aptopt='Acquire::Retries "3"' --dpkgopt=path-exclude='/usr/share/doc/*' \
		--dpkgopt=path-exclude='/usr/share/man/*' --dpkgopt=path-exclude='/usr/share/locale/*' \
		--include="$(sed '/^#/d' "$TOP/qemu/server/packages.txt" | paste -sd,)" \
		--customize-hook='mkdir -p "$1/srv/debs" && cd "$1/srv/debs" &&
			APT_CONFIG=$MMDEBSTRAP_APT_CONFIG apt-get download '"$UPGRADED" \
		"$SUITE" "$tar.new" -
	mv "$tar.new" "$tar"
	echo "$stamp" >"$tar.stamp"
}

make_server_disk() {
	local disk stamp
	disk=$(server_disk)
	mkdir -p "$SERVER"
	make_server_tar
	stamp=$(cat "$SERVER/debian.tar.stamp")-$(hash_of "$TOP"/qemu/server/{disk.sh,furnish})
	[ ! -e "$disk" ] || [ "$(cat "$disk.stamp" 2>/dev/null)" != "$stamp" ] || return 0
	need_space 4 "the server's disk"
	say "server: furnishing its disk"
	rm -f "$disk.stamp"
	logged "$SERVER/disk.log" "furnishing the server's disk" as_root bash "$TOP/qemu/server/disk.sh" \
		"$SERVER/debian.tar" "$TOP/qemu/server/furnish" "$disk"
	echo "$stamp" >"$disk.stamp"
}

# A collector of OpenTelemetry: the program of this wheel, which Debian has none of. The server's own pip
# downloads it, with the machine's own certificates, as for the tool's crates.
COLLECTOR=rotel-0.0.1a15-cp313-cp313-manylinux_2_34_x86_64.whl
COLLECTOR_SHA256=322a830deed963dd5dcc460007e917eec071c5977e51c3a06029348f39e4eec9

make_collector() {
	local wheel=$SERVER/$COLLECTOR pip
	[ ! -e "$wheel" ] || return 0
	say "server: downloading a collector"
	pip=$(tar -tf "$SERVER/debian.tar" | grep '/python-wheels/pip-.*[.]whl$')
	tar -xOf "$SERVER/debian.tar" "$pip" >"$SERVER/pip.whl"
	copy_certificates
	mkdir -p "$SERVER/wheels"
	logged "$SERVER/collector.log" "downloading a collector (is there a network?)" in_root env PIP_CERT="$CERTIFICATES" \
		python3 "$SERVER/pip.whl/pip" download --no-deps --only-binary=:all: --python-version 3.13 --no-cache-dir \
		--platform manylinux_2_34_x86_64 --dest "$SERVER/wheels" rotel==0.0.1a15
	echo "$COLLECTOR_SHA256  $SERVER/wheels/$COLLECTOR" | sha256sum --check --quiet ||
		die "the collector that was downloaded is another one"
	mv "$SERVER/wheels/$COLLECTOR" "$wheel"
}

# In seconds, so always anew. The tool's package is there twice, the second with a higher version.
make_server_own_disk() {
	make_collector
	make_tool_deb ""
	make_tool_deb +next
	logged "$SERVER/own.log" "packing the server's second disk" in_root bash "$TOP/qemu/server/own.sh" \
		"$TOP" "$(kernel_dir normal)" "$TOOL" "$(server_own_disk)" "$SERVER/$COLLECTOR" "$(tool_deb)" "$(tool_deb +next)"
}

# What `make server` needs besides the kernel and the guest's image.
prepare_server() {
	make_server_disk
	make_server_own_disk
}

# server ARG...: boots it; ARG... as guest.py has them.
server() {
	in_root python3 -B "$TOP/qemu/guest.py" --build "$(kernel_dir normal)" --log "$CACHE/server.log" \
		--disk "$(server_disk)" --disk "$(server_own_disk)" "$@"
}
