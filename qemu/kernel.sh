# SPDX-License-Identifier: GPL-2.0
# Sourced: configures and builds one of the kernels, `normal` or `debug`, from
# the source tree in the cache into a build directory of its own.
# Strings in single quotes are for other shells and programs to expand.
# shellcheck shell=bash disable=SC2016

# What a cold build of each prints in steps, for the progress figure.
declare -A STEPS=([normal]=2450 [debug]=2600)

kernel_dir() { echo "$CACHE/build-$1"; }

kernel_make() { # kernel_make NAME ARG...
	local name=$1
	shift
	in_root make -C "$SRC" O="$(kernel_dir "$name")" LLVM=1 -j"$JOBS" "$@"
}

# The fragments of a kernel, in order.
fragments() {
	echo "$TOP/qemu/config/normal.config"
	[ "$1" = normal ] || echo "$TOP/qemu/config/$1.config"
}

# What the compilers are; another toolchain means another build directory.
toolchain() {
	in_root sh -c 'clang --version && ld.lld --version && rustc -vV && bindgen --version && pahole --version &&
		dpkg-query -W rust-src' | sha256sum | cut -c1-16
}

# Every option asked for must be in the result: Kconfig drops what it can't have.
check_config() {
	local option line missing=
	while IFS= read -r line; do
		option=${line%%=*}
		grep -qxF "$line" "$1/.config" || { [[ $line = *=n ]] && ! grep -q "^$option=" "$1/.config"; } ||
			missing+=" $line"
	done < <(fragments "$2" | xargs sed -n '/^CONFIG_/p' | tac | awk -F= '!seen[$1]++')
	[ -z "$missing" ] || die "the $2 configuration lost:$missing"
}

configure_kernel() {
	local name=$1 dir merged
	dir=$(kernel_dir "$name")
	mkdir -p "$dir"
	merged=$dir/krsi.config
	fragments "$name" | xargs cat >"$merged.new"
	if ! cmp -s "$merged.new" "$merged" || [ ! -e "$dir/.config" ]; then
		say "kernel $name: configuring"
		logged "$dir/config.log" "configuring the $name kernel" \
			kernel_make "$name" KCONFIG_ALLCONFIG="$merged.new" allnoconfig
		mv "$merged.new" "$merged"
	else
		rm "$merged.new"
		logged "$dir/config.log" "configuring the $name kernel" kernel_make "$name" olddefconfig
	fi
	check_config "$dir" "$name"
}

# Copies the build's output to LOG and says every 20 seconds how far it is.
watch_build() {
	local name=$1 log=$2 steps=0 total=${STEPS[$1]} last=$SECONDS line
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$log"
		[[ $line = "  "* ]] && steps=$((steps + 1))
		if [ $((SECONDS - last)) -ge 20 ]; then
			last=$SECONDS
			say "kernel $name: step $steps of about $total:${line#"${line%% [a-zA-Z]*}"}"
		fi
	done
}

# Ends with what the compiler or linker complained of.
build_failed() {
	{ grep -nE -A 8 '(: |^)(fatal )?error(\[|:)|undefined symbol|\*\*\* ' "$2" | head -n 40; } >&2 || true
	full_disk "$2" && die "building the $1 kernel failed: the disk under $CACHE is full"
	die "building the $1 kernel failed; the whole output is in $2"
}

build_kernel() {
	local name=$1 dir tools before
	dir=$(kernel_dir "$name")
	tools=$(toolchain)
	before=$(stat -c %Y "$dir/vmlinux" 2>/dev/null || true)
	if [ -d "$dir" ] && [ "$(cat "$dir/toolchain" 2>/dev/null)" != "$tools" ]; then
		say "kernel $name: no build by this toolchain yet: starting anew"
		rm -rf "$dir"
	fi
	[ -e "$dir/vmlinux" ] || need_space 9 "the $name kernel's build"
	mkdir -p "$dir"
	echo "$tools" >"$dir/toolchain"
	configure_kernel "$name"
	: >"$dir/build.log"
	SECONDS=0
	kernel_make "$name" bzImage modules 2>&1 | watch_build "$name" "$dir/build.log" ||
		build_failed "$name" "$dir/build.log"
	if [ "$before" = "$(stat -c %Y "$dir/vmlinux")" ]; then
		say "kernel $name: built already"
	else
		say "kernel $name: built, $(grep -c '^  ' "$dir/build.log") steps in $SECONDS s"
	fi
}
