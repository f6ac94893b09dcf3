#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# install.sh install|uninstall DIR: puts KRSI into the Linux source tree DIR, or
# takes it out again. `make install KERNEL_SRC=DIR` and its counterpart call it.
#
# All of it happens or nothing. Everything is made ready in a work directory on
# the tree's filesystem; a plan, written down beforehand, then moves it over by
# renames alone. A run that fails goes back along the plan, and after a run that
# was killed outright the next one does.

set -euo pipefail
shopt -s inherit_errexit nullglob

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
LSM=security/krsi
SELFTESTS=tools/testing/selftests/krsi
# What install leaves in the tree for uninstall: the name of the series, the
# directories made for new files, and a digest of each file that KRSI brought.
RECORD=$LSM/patches/installed

say() { printf 'krsi: %s\n' "$*" >&2; }
die() { say "error: $*"; exit 1; }

# run WHAT COMMAND...: a failure is one sentence that ends in the command's own.
run() {
	local what=$1 output status=0
	shift
	output=$("$@" 2>&1 </dev/null) || status=$?
	[ "$status" = 0 ] || die "$what failed: $(tail -n 1 <<<"${output:-exit status $status}")"
}

# The versions that patches/ has a series for.
supported() {
	local patch
	for patch in "$TOP"/patches/*/*.patch; do
		basename "$(dirname "$patch")"
	done | sort -uV | paste -sd' '
}

# Sets TREE and VERSION, takes the tree's lock and chooses the work directory,
# WORK: beside the tree where a rename leads from there into it, else inside.
open_tree() {
	local file parent status=0
	[ -d "$1" ] || die "$1 is not a directory"
	TREE=$(cd "$1" && pwd -P)
	for file in Makefile Kconfig security/Kconfig security/Makefile tools/testing/selftests/Makefile; do
		[ -f "$TREE/$file" ] || die "$TREE is not a Linux source tree: it has no $file"
	done
	VERSION=$(sed -n 's/^VERSION *= *//p' "$TREE/Makefile").$(sed -n 's/^PATCHLEVEL *= *//p' "$TREE/Makefile")
	[[ $VERSION =~ ^[0-9]+\.[0-9]+$ ]] || die "$TREE is not a Linux source tree: its Makefile names no version"

	exec 9<"$TREE"
	flock -n -E 75 9 2>/dev/null || status=$?
	[ "$status" != 75 ] || die "another install or uninstall is at work in $TREE"
	parent=$(dirname "$TREE")
	if [ -w "$parent" ] && [ "$(stat -c %d "$parent")" = "$(stat -c %d "$TREE")" ]; then
		WORK=$parent/.krsi-$(basename "$TREE")
	else
		WORK=$TREE/.krsi
	fi
}

# An empty work directory, after undoing what a killed run left half done.
open_work() {
	if [ -e "$WORK" ] || [ -L "$WORK" ]; then
		if [ ! -d "$WORK" ] || [ -L "$WORK" ] || [ ! -O "$WORK" ]; then
			die "$WORK is in the way, and is no directory of yours"
		fi
		if [ -e "$WORK/plan" ]; then
			say "an earlier run was killed in $TREE: undoing it first"
			roll_back
		fi
		rm -rf "$WORK"
	fi
	trap interrupted INT TERM HUP QUIT PIPE
	# A file too large for the limit is an error like a full disk.
	trap '' XFSZ
	trap close_work EXIT
	run "making a work directory" mkdir -m 700 "$WORK"
	run "making a work directory" mkdir "$WORK/new" "$WORK/old"
}

# A plan that is still there could not be undone: keep what it needs.
close_work() { [ -e "$WORK/plan" ] || rm -rf "$WORK"; }

interrupted() {
	say "interrupted: $TREE is as it was"
	exit 130
}

# What is new belongs to whom the tree belongs, also when root installs.
give_to_owner() { [ "$(id -u)" != 0 ] || chown -hR --reference="$TREE" "$1" 2>/dev/null || :; }

# The plan: one line a step, `mkdir`, `add`, `replace` or `remove` and a path.
# What comes is in WORK/new, what goes moves to WORK/old; an original that is to
# be replaced is linked there beforehand. Each step is one system call, and
# where the files are tells whether it was done.
carry_over() {
	local kind path
	while read -r kind path; do
		case $kind in
		mkdir)
			mkdir "$TREE/$path"
			give_to_owner "$TREE/$path"
			;;
		add | replace) mv -fT "$WORK/new/$path" "$TREE/$path" ;;
		remove) mv -fT "$TREE/$path" "$WORK/old/$path" ;;
		esac
	done <"$WORK/plan"
	rm "$WORK/plan"
	rm -rf "$WORK"
}

roll_back() {
	local kind path
	while read -r kind path; do
		case $kind in
		mkdir) [ ! -d "$TREE/$path" ] || rmdir "$TREE/$path" ;;
		add) [ -e "$WORK/new/$path" ] || [ ! -e "$TREE/$path" ] || mv -fT "$TREE/$path" "$WORK/new/$path" ;;
		replace | remove)
			[ ! -e "$WORK/old/$path" ] || [ "$WORK/old/$path" -ef "$TREE/$path" ] ||
				mv -fT "$WORK/old/$path" "$TREE/$path"
			;;
		esac || die "could not put back $path; what it needs is kept in $WORK, and the next run tries again"
	done < <(tac "$WORK/plan")
	rm "$WORK/plan"
}

# Carries the plan out. A process group of its own does it, so that it comes to
# its end when this one is killed; when that one fails, this one goes back.
commit() {
	local errors
	trap '' INT TERM HUP QUIT PIPE
	mv "$WORK/plan.new" "$WORK/plan" || die "writing the plan failed"
	set -m
	(
		set +m
		carry_over
	) 2>"$WORK/errors" &
	set +m
	wait $! 2>/dev/null || :
	[ -e "$WORK/plan" ] || return 0
	# A rename that its killed parent left under way must not come after this.
	kill -KILL -- "-$!" 2>/dev/null || :
	errors=$(tail -n 1 "$WORK/errors")
	roll_back
	die "changing $TREE failed and was undone: ${errors:-killed}"
}

plan() { printf '%s %s\n' "$1" "$2" >>"$WORK/plan.new" || die "writing the plan failed"; }

# plan_path PATH: plans what turns PATH of the tree into that of WORK/new.
plan_path() {
	local path=$1 dir missing=()
	dir=$(dirname "$path")
	run "keeping $path" mkdir -p "$WORK/old/$dir"
	if [ ! -e "$WORK/new/$path" ]; then
		plan remove "$path"
	elif [ ! -e "$TREE/$path" ]; then
		while [ "$dir" != . ] && [ ! -d "$TREE/$dir" ]; do
			missing=("$dir" "${missing[@]}")
			dir=$(dirname "$dir")
		done
		for dir in "${missing[@]}"; do
			grep -qxF "mkdir $dir" "$WORK/plan.new" || plan mkdir "$dir"
		done
		give_to_owner "$WORK/new/$path"
		plan add "$path"
	elif ! cmp -s "$WORK/new/$path" "$TREE/$path"; then
		ln "$TREE/$path" "$WORK/old/$path" 2>/dev/null ||
			run "keeping $path" cp -p "$TREE/$path" "$WORK/old/$path"
		plan replace "$path"
	fi
	while [ "$dir" != . ] && [ ! -d "$TREE/$dir" ]; do dir=$(dirname "$dir"); done
	[ -d "$TREE/$dir" ] || die "$TREE is gone"
	[ -w "$TREE/$dir" ] || die "you may not write in $TREE/$dir"
}

# The files that the patches given touch.
touched() { sed -n 's/^diff --git a\/\(.*\) b\/\(.*\)$/\1\n\2/p' "$@" | sort -u; }

# copy_touched PATCH...: the tree's files that they touch, to WORK/new.
copy_touched() {
	local file files=()
	while read -r file; do
		[ ! -L "$TREE/$file" ] || die "$file of $TREE is a symbolic link: give the tree that it leads to"
		[ ! -e "$TREE/$file" ] || files+=("$file")
	done < <(touched "$@")
	[ ${#files[@]} = 0 ] || run "copying the files to patch" \
		env -C "$TREE" cp -p --parents -t "$WORK/new" "${files[@]}"
}

# patch_with OPTION... PATCH DIR: exactly or not at all; a hunk may have moved,
# but its context must be there. On failure FAILED names the files, and is empty
# if the patch was not at fault.
patch_with() {
	local output status=0 dir=${*: -1} patch=${*: -2:1}
	output=$(LC_ALL=C patch "${@:1:$#-2}" -p1 -d "$dir" -i "$patch" --force --fuzz=0 --reject-file=- \
		--no-backup-if-mismatch --quoting-style=literal 2>&1 </dev/null) || status=$?
	[ "$status" != 0 ] || return 0
	[ "$status" = 1 ] || die "patch failed on $(basename "$patch"): $(tail -n 1 <<<"${output:-exit status $status}")"
	FAILED=$(awk '
		/^patching file / { file = substr($0, 15) }
		/^The next patch would (create|delete) the file / { file = $8; sub(/,$/, "", file) }
		/^\|(---|\+\+\+) [ab]\// { file = substr($2, 3) }
		/^Not deleting file / { file = $4; print file }
		/ hunks? (FAILED|ignored)/ { print file }' <<<"$output" | sort -u | paste -sd' ')
	FAILED=${FAILED:-one of its files}
	return 1
}

# Whether git can tell which of the checkout's files are KRSI's.
in_git() { [ -e "$TOP/.git" ] && command -v git >/dev/null; }

# list_files OPTION...: what git lists of the checkout.
list_files() { git -C "$TOP" -c safe.directory='*' ls-files "$@" -- . ':!:.ci'; }

# The checkout's files, without what is not KRSI's: git's, and build output
# where git can't tell.
own_files() (
	cd "$TOP" || exit
	if in_git; then
		list_files -z
	else
		find . -name .git -prune -o -path ./.ci -prune -o \( -type f -o -type l \) ! -path ./patches/installed ! -path './tools/krsi/target/*' \
			! -name '*.o' ! -name '*.a' ! -name '*.cmd' ! -name '*.ko' ! -name modules.order -print0
	fi
)

copy_checkout() {
	local lsm=$WORK/new/$LSM file output
	run "copying KRSI" mkdir -p "$lsm" "$(dirname "$WORK/new/$SELFTESTS")"
	output=$({ own_files >"$WORK/files"; } 2>&1) ||
		die "listing the files of $TOP failed: $(head -n 1 <<<"${output:-no reason given}")"
	# With the time of now: a build directory may hold objects of an older KRSI.
	run "copying KRSI" env -C "$TOP" xargs -0 -r -a "$WORK/files" \
		cp -d --preserve=mode --parents -t "$lsm"
	for file in Kconfig Kbuild selftests "patches/$VERSION"; do
		[ -e "$lsm/$file" ] || die "$TOP is not a whole checkout of KRSI: it has no $file, or git does not track it"
	done
	run "copying the selftests" cp -r -d --preserve=mode -T "$lsm/selftests" "$WORK/new/$SELFTESTS"
}

# Says that files were left out which git does not track and may be somebody's work.
say_left_out() {
	local files=()
	! in_git || mapfile -t files < <(list_files --others --exclude-standard)
	[ ${#files[@]} = 0 ] || say "left out what git does not track (${#files[@]}), such as ${files[0]}"
}

# apply PATCH...: to the copies, and back again on copies of those, which must
# lead to the tree's own files.
apply() {
	local patch file i
	copy_touched "$@"
	for patch in "$@"; do
		patch_with "$patch" "$WORK/new" ||
			die "$(basename "$patch") does not apply to $FAILED of $TREE: is that plain Linux $VERSION?"
	done
	run "copying the patched files" cp -rp "$WORK/new" "$WORK/back"
	for ((i = $#; i > 0; i--)); do
		patch_with -R "${!i}" "$WORK/back" || die "$(basename "${!i}") could not be taken out of $FAILED again"
	done
	while read -r file; do
		[ -e "$TREE/$file" ] || [ -e "$WORK/back/$file" ] || continue
		cmp -s "$TREE/$file" "$WORK/back/$file" || die "the series could not be taken out of $file again"
	done < <(touched "$@")
}

write_record() (
	cd "$WORK/new" || exit
	sed 's/^mkdir /# made /; t; d' "$WORK/plan.new" >"$WORK/record" &&
		echo "# series $VERSION" >>"$WORK/record" &&
		find "$LSM" "$SELFTESTS" -type f -print0 | sort -z | xargs -0 sha256sum >>"$WORK/record" &&
		mv "$WORK/record" "$RECORD"
)

install_krsi() {
	local series file
	[[ " $(supported) " = *" $VERSION "* ]] ||
		die "$TREE is Linux $VERSION; KRSI has patches for $(supported | sed 's/^$/no version/') only"
	for file in "$LSM" "$SELFTESTS"; do
		if [ -e "$TREE/$file" ] || [ -L "$TREE/$file" ]; then
			die "$TREE has KRSI already: there is $file"
		fi
	done
	! grep -q SECURITY_KRSI "$TREE/security/Kconfig" "$TREE/security/Makefile" ||
		die "$TREE has KRSI already: security/Kconfig or security/Makefile names it"

	copy_checkout
	series=("$WORK/new/$LSM/patches/$VERSION"/*.patch)
	[ ${#series[@]} != 0 ] || die "git does not track the patches in $TOP/patches/$VERSION"
	apply "${series[@]}"
	: >"$WORK/plan.new"
	while read -r file; do
		plan_path "$file"
	done < <(touched "${series[@]}")
	write_record || die "writing $RECORD failed"
	plan_path "$LSM"
	plan_path "$SELFTESTS"
	commit

	say_left_out
	say "KRSI is in $TREE now. What is left to do there:"
	say "  set CONFIG_SECURITY_KRSI=y"
	say "  add krsi before bpf in CONFIG_LSM: a configuration that has this string, as a"
	say "    distribution's has, keeps it as it is, and KRSI then does not start"
	say "  build the kernel, then its selftests: make LLVM=1 -C tools/testing/selftests TARGETS=krsi"
}

# digests DIR: names and contents of the patches in it.
digests() { (cd "$1" 2>/dev/null && sha256sum ./*.patch) || :; }

# Ends if the two directories hold somebody's work: a file that changed since
# the install, or a source that is neither KRSI's nor made by a build.
refuse_edited() {
	local file
	file=$(env -C "$TREE" LC_ALL=C sha256sum --check --quiet --ignore-missing "$RECORD" 2>/dev/null |
		sed -n '1s/: FAILED.*//p') || :
	[ -z "$file" ] || die "$file of $TREE was changed after the install: move it elsewhere first"
	file=$(cd "$TREE" && find "$LSM" "$SELFTESTS" -path "$LSM/tools/krsi/target" -prune -o -type f \( -name '*.rs' -o -name '*.c' -o -name '*.sh' -o -name '*.py' \
		-o -name '*.rst' -o -name '*.md' -o -name '*.patch' \) ! -name '*generated*' ! -name '*.mod.c' -print |
		grep -vxF -m 1 -f <(sed -n 's/^[0-9a-f]\{64\}  //p' "$RECORD")) || :
	[ -z "$file" ] || die "$file of $TREE is not KRSI's and would be lost: move it elsewhere first"
}

uninstall_krsi() {
	local version series made file i
	[ -e "$TREE/$LSM" ] || [ -L "$TREE/$LSM" ] || die "$TREE has no KRSI: there is no $LSM"
	[ -f "$TREE/$RECORD" ] || die "the KRSI in $TREE was not put there by 'make install': there is no $RECORD"
	version=$(sed -n 's/^# series //p' "$TREE/$RECORD")
	series=("$TREE/$LSM/patches/$version"/*.patch)
	if [ ${#series[@]} = 0 ] || [ "$(digests "$TREE/$LSM/patches/$version")" != "$(digests "$TOP/patches/$version")" ]; then
		die "the KRSI in $TREE is of another checkout, with other patches:" \
			"take it out with $TREE/$LSM/patches/install.sh uninstall $TREE"
	fi
	refuse_edited

	copy_touched "${series[@]}"
	for ((i = ${#series[@]} - 1; i >= 0; i--)); do
		patch_with -R "${series[i]}" "$WORK/new" ||
			die "$FAILED of $TREE was changed where $(basename "${series[i]}") had changed it: undo that edit first"
	done
	: >"$WORK/plan.new"
	while read -r file; do
		plan_path "$file"
	done < <(touched "${series[@]}")
	plan_path "$LSM"
	[ ! -e "$TREE/$SELFTESTS" ] || plan_path "$SELFTESTS"
	made=$(sed -n 's/^# made //p' "$TREE/$RECORD" | tac)
	commit

	# A directory in which something else is by now stays.
	for file in $made; do
		rmdir "$TREE/$file" 2>/dev/null || :
	done
	say "KRSI is out of $TREE again; a krsi that is left in CONFIG_LSM does no harm"
}

[[ $# = 2 && $1 =~ ^(un)?install$ && -n $2 ]] || die "usage: make install|uninstall KERNEL_SRC=dir (a Linux source tree)"
for tool in patch flock; do
	command -v $tool >/dev/null || die "the program $tool is missing"
done
open_tree "$2"
open_work
case $1 in
install) install_krsi ;;
uninstall) uninstall_krsi ;;
esac
