#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# test-install.sh TREE: tests install.sh on scratch trees that hold just the files
# of the kernel tree TREE that matter. TREE is only read; where it is patched, the
# originals of its patched files stand in TREE.orig, as qemu/source.sh leaves them.

set -uo pipefail
shopt -s inherit_errexit nullglob

if [ $# != 1 ] || [ ! -f "$1/Makefile" ]; then
	echo "usage: test-install.sh TREE (a Linux source tree)" >&2
	exit 2
fi
SOURCE=$(cd "$1" && pwd -P)
TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
KERNEL=7.3
SKIP=4

WORKERS=$(nproc)
ALL=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null; wait; rm -rf "$ALL"' EXIT
trap 'exit 130' INT TERM HUP

# use_scratch DIR: where a worker has everything.
use_scratch() {
	SCRATCH=$1
	# A copy of the checkout, so that a test can change it; without git, so that all of it counts.
	CHECKOUT=$SCRATCH/checkout
	SERIES=$CHECKOUT/patches/$KERNEL
	PRISTINE=$SCRATCH/pristine
	# Each test has an empty directory with a pristine tree in it.
	CASE=$SCRATCH/case
	TREE=$CASE/linux
	OUTPUT=$SCRATCH/output
	BEFORE=$SCRATCH/before
	export CHECKOUT PRISTINE CASE TREE OUTPUT
	mkdir "$SCRATCH"
	cp -r "$TOP" "$CHECKOUT"
	rm -rf "$CHECKOUT/.git" "$CHECKOUT/.ci"
	find "$CHECKOUT" -type d -empty -delete
	make_pristine
}

touched() { sed -n 's/^+++ b\///p; s/^--- a\///p' "$@" | sort -u; }

make_pristine() {
	local file from files
	mapfile -t files < <(touched "$SERIES"/*.patch)
	for file in Makefile Kconfig security/Kconfig security/Makefile tools/testing/selftests/Makefile "${files[@]}"; do
		from=$SOURCE
		[ ! -e "$SOURCE.orig/$file" ] || from=$SOURCE.orig
		if [ -e "$from/$file" ] && [ ! -e "$SOURCE.orig/$file.absent" ]; then
			mkdir -p "$PRISTINE/$(dirname "$file")"
			cp -p "$from/$file" "$PRISTINE/$file"
		fi
	done
	# Modes that no umask gives.
	chmod 640 "$PRISTINE/security/Kconfig"
	chmod 755 "$PRISTINE/security/Makefile"
}

# snapshot DIR [exact]: names, kinds, modes and contents; exact adds the files' times and inodes.
snapshot() (
	cd "$1" || exit
	find . -type d -printf '%P %y %m\n' -o -printf "%P %y %m %l ${2:+%T@ %i}\n" | sort
	find . -type f -print0 | sort -z | xargs -0 sha256sum
)
export -f snapshot

installer() { bash "$CHECKOUT/patches/install.sh" "$@" >"$OUTPUT" 2>&1 </dev/null; }
# Under `set -e`, where `!` would be of no effect.
fails() { if "$@"; then echo "did not fail: $*"; false; fi; }
says() { grep -qE -- "$1" "$OUTPUT" || { echo "does not say '$1':"; cat "$OUTPUT"; false; }; }

remember() { snapshot "$CASE" exact >"$BEFORE"; }
untouched() { diff "$BEFORE" <(snapshot "$CASE" exact) | head; }
like() { diff <(snapshot "$1") <(snapshot "$TREE") | head; }
pristine() {
	like "$PRISTINE"
	[ "$(ls -A "$CASE")" = linux ] || { ls -A "$CASE"; false; }
}

# refused PATTERN ARG...: fails with one sentence that matches, and no trace.
refused() {
	local pattern=$1
	shift
	remember
	fails installer "$@"
	untouched
	says "^krsi: error: .*$pattern"
	[ "$(wc -l <"$OUTPUT")" = 1 ]
}

# The tree's files that the series changes; one of them; the first patch that does.
changed_files() { touched "$SERIES"/*.patch | (cd "$PRISTINE" && while read -r file; do [ ! -e "$file" ] || echo "$file"; done); }
changed_file() { changed_files | tail -n 1; }
patch_of() { grep -lx "+++ b/$1" "$SERIES"/*.patch | sed -n '1s/.*\///p'; }

# with_fake PROGRAM N DEED ARG...: runs install.sh with a PROGRAM that does DEED
# before its N-th job. In DEED $main is install.sh's process.
with_fake() {
	local program=$1 n=$2 deed=$3 fake=$SCRATCH/fake
	shift 3
	rm -rf "$fake" && mkdir "$fake"
	cat >"$fake/$program" <<-END
		#!/bin/bash
		main=\$(cat $fake/main)
		echo >>$fake/calls
		[ \$(wc -l <$fake/calls) != $n ] || { $deed; }
		exec $(command -v "$program") "\$@"
	END
	chmod +x "$fake/$program"
	# shellcheck disable=SC2016 # for the inner shell
	PATH=$fake:$PATH setsid -w env --default-signal=INT,TERM,HUP,QUIT,PIPE bash -c \
		'echo $$ >"$1/main" && shift && exec bash "$@"' - "$fake" "$CHECKOUT/patches/install.sh" "$@" \
		>"$OUTPUT" 2>&1 </dev/null
}

# A checkout with a short series: the first patch, and one that brings a file in
# directories of its own, NEW.
use_series_with_new_file() {
	local patches
	NEW=include/krsi-test/deep/new.sh
	cp -a "$CHECKOUT" "$SCRATCH/other"
	CHECKOUT=$SCRATCH/other
	patches=("$CHECKOUT/patches/$KERNEL"/*.patch)
	rm -f "${patches[@]:1}"
	cat >"$CHECKOUT/patches/$KERNEL/9999-new.patch" <<-END
		Subject: [PATCH] a new file

		diff --git a/$NEW b/$NEW
		new file mode 100755
		index 0000000..1111111
		--- /dev/null
		+++ b/$NEW
		@@ -0,0 +1 @@
		+#!/bin/sh
	END
}

# each_rename DEED COMMAND AFTER: runs COMMAND with DEED at its first rename, at its
# second and so on, until it has no more; after each, AFTER must find no trace.
each_rename() {
	local deed=$1 command=$2 after=$3 n
	for ((n = 1; n < 100; n++)); do
		remember
		if with_fake mv "$n" "$deed" "$command" "$TREE"; then
			break
		fi
		echo "$command, rename $n:"
		cat "$OUTPUT"
		$after
	done
	[ "$n" -gt 5 ]
	[ "$(wc -l <"$SCRATCH/fake/calls")" -lt "$n" ]
}

# What a killed run left, the next one undoes, whatever that is asked for.
undone_by_next_run() {
	flock "$TREE" true
	if grep -q '^linux/security/krsi d' "$BEFORE"; then
		fails installer install "$TREE"
	else
		fails installer uninstall "$TREE"
	fi
	untouched
}

# in_mounts SCRIPT: in a mount namespace of its own, with the right to mount.
in_mounts() {
	local how=(--mount)
	[ "$(id -u)" = 0 ] || how+=(--map-root-user)
	# shellcheck disable=SC2016 # for the inner shell
	unshare "${how[@]}" bash -c 'mount -t tmpfs tmpfs "$CASE"' || { echo "tmpfs cannot be mounted here"; return $SKIP; }
	unshare "${how[@]}" bash -euc "$1"
}

# The tests. Each runs under `set -e` in a shell of its own, and its name is its title.

install_puts_the_checkout_and_the_series_in_place() {
	local file
	installer install "$TREE"
	says 'CONFIG_SECURITY_KRSI=y'
	says 'krsi before bpf in CONFIG_LSM'
	says 'make LLVM=1 -C tools/testing/selftests TARGETS=krsi'
	diff -r --exclude=installed "$CHECKOUT" "$TREE/security/krsi"
	diff -r "$CHECKOUT/selftests" "$TREE/tools/testing/selftests/krsi"
	[ -x "$TREE/security/krsi/patches/install.sh" ]
	for file in Kconfig Kbuild bpf-helpers/krsi.h; do
		[ -f "$TREE/security/krsi/$file" ]
	done
	grep -q 'source "security/krsi/Kconfig"' "$TREE/security/Kconfig"
	grep -q 'CONFIG_SECURITY_KRSI.*krsi/' "$TREE/security/Makefile"

	cp -a "$PRISTINE" "$SCRATCH/patched"
	for file in "$SERIES"/*.patch; do
		patch -s -p1 --fuzz=0 --no-backup-if-mismatch -d "$SCRATCH/patched" -i "$file"
	done
	rm -r "$TREE/security/krsi" "$TREE/tools/testing/selftests/krsi"
	like "$SCRATCH/patched"
}

uninstall_leaves_every_byte_and_mode_as_it_was() {
	installer install "$TREE"
	installer uninstall "$TREE"
	pristine
	(umask 077 && installer install "$TREE/")
	(umask 002 && cd "$CASE" && installer uninstall linux)
	pristine
}

patched_files_are_newer_than_what_was_built_from_them() {
	local file command
	file=$(changed_file)
	for command in install uninstall; do
		touch "$SCRATCH/built"
		sleep 0.1
		installer "$command" "$TREE"
		[ "$TREE/$file" -nt "$SCRATCH/built" ]
		[ "$command" = uninstall ] || [ "$TREE/security/krsi/Kbuild" -nt "$SCRATCH/built" ]
	done
}

what_a_build_made_goes_too() {
	installer install "$TREE"
	touch "$TREE/security/krsi"/{built-in.a,krsi.o,.krsi.o.cmd,modules.order,bindings_generated.rs} \
		"$TREE/tools/testing/selftests/krsi"/{krsi_test,exec.skel.h}
	installer uninstall "$TREE"
	pristine
}

new_files_and_directories_of_a_patch_come_and_go() {
	use_series_with_new_file
	installer install "$TREE"
	[ -x "$TREE/$NEW" ]
	echo more >>"$TREE/$NEW"
	refused "$NEW of .* was changed where 9999-new.patch" uninstall "$TREE"
	sed -i '$d' "$TREE/$NEW"
	installer uninstall "$TREE"
	pristine

	mkdir -p "$(dirname "$TREE/$NEW")"
	echo mine >"$TREE/$NEW"
	refused "9999-new.patch does not apply to $NEW of" install "$TREE"
	rm "$TREE/$NEW"
	installer install "$TREE"
	installer uninstall "$TREE"
	rmdir "$TREE/include/krsi-test/deep" "$TREE/include/krsi-test"
	pristine
}

new_files_belong_to_whom_the_tree_belongs() {
	[ "$(id -u)" = 0 ] || { echo "only root can try this"; return $SKIP; }
	use_series_with_new_file
	chown -R 65534:65534 "$CASE"
	installer install "$TREE"
	[ -z "$(find "$CASE" ! -user 65534 -o ! -group 65534)" ] || { find "$CASE" ! -user 65534; false; }
}

a_tree_that_has_krsi_is_refused() {
	installer install "$TREE"
	refused "has KRSI already" install "$TREE"
	installer uninstall "$TREE"
	mkdir "$TREE/tools/testing/selftests/krsi"
	refused "has KRSI already" install "$TREE"
	rmdir "$TREE/tools/testing/selftests/krsi"
	echo "obj-\$(CONFIG_SECURITY_KRSI) += krsi/" >>"$TREE/security/Makefile"
	refused "has KRSI already" install "$TREE"
}

a_tree_that_has_no_krsi_of_ours_is_refused() {
	refused "has no KRSI" uninstall "$TREE"
	mkdir "$TREE/security/krsi"
	refused "not put there by 'make install'" uninstall "$TREE"
}

a_version_without_a_series_is_refused() {
	sed -i 's/^PATCHLEVEL = .*/PATCHLEVEL = 2/' "$TREE/Makefile"
	refused "is Linux 7.2; KRSI has patches for $KERNEL only" install "$TREE"
}

what_is_no_kernel_tree_is_refused() {
	refused "usage" install ""
	refused "usage" reinstall "$TREE"
	refused "not a directory" install "$CASE/none"
	refused "not a directory" install "$TREE/Makefile"
	refused "not a Linux source tree" install "$TREE/security"
	refused "not a Linux source tree" uninstall "$TREE/security"
	echo "include $TREE/Makefile" >"$TREE/Makefile"
	refused "names no version" install "$TREE"
}

a_patch_that_does_not_apply_is_named_with_its_file() {
	local file
	while read -r file; do
		sed -i 's/$/ changed/' "$TREE/$file"
		refused "$(patch_of "$file") does not apply to $file of" install "$TREE"
		rm "$TREE/$file"
		refused "($(patch_of "$file") does not apply to $file of|: it has no $file)" install "$TREE"
		cp -p "$PRISTINE/$file" "$TREE/$file"
	done < <(changed_files)
}

context_may_have_moved() {
	sed -i '1i # mine' "$TREE/$(changed_file)"
	cp -a "$TREE" "$SCRATCH/moved"
	installer install "$TREE"
	installer uninstall "$TREE"
	like "$SCRATCH/moved"
}

an_edit_where_a_patch_is_refuses_the_uninstall() {
	local file
	file=$(changed_file)
	installer install "$TREE"
	cp -p "$TREE/$file" "$SCRATCH/kept"
	sed -i 's/$/ changed/' "$TREE/$file"
	refused "$file of .* was changed where .*\.patch had changed it" uninstall "$TREE"
	cp -p "$SCRATCH/kept" "$TREE/$file"
	installer uninstall "$TREE"
	pristine
}

an_edit_elsewhere_stays() {
	local file
	file=$(changed_file)
	installer install "$TREE"
	sed -i '1i # mine' "$TREE/$file"
	installer uninstall "$TREE"
	sed 1d "$TREE/$file" | cmp - "$PRISTINE/$file"
	cp -p "$PRISTINE/$file" "$TREE/$file"
	pristine
}

own_work_in_security_krsi_refuses_the_uninstall() {
	installer install "$TREE"
	echo '# mine' >>"$TREE/security/krsi/Kconfig"
	refused "security/krsi/Kconfig of .* was changed after the install" uninstall "$TREE"
	rm "$TREE/security/krsi/Kconfig"
	touch "$TREE/security/krsi/policies/mine.bpf.c"
	refused "mine.bpf.c of .* is not KRSI's" uninstall "$TREE"
	rm "$TREE/security/krsi/policies/mine.bpf.c"
	installer uninstall "$TREE"
	pristine
}

another_checkout_is_refused_and_the_installed_copy_serves() {
	installer install "$TREE"
	cp -a "$CHECKOUT" "$SCRATCH/other"
	CHECKOUT=$SCRATCH/other
	sed -i '1s/$/ /' "$CHECKOUT/patches/$KERNEL/$(patch_of "$(changed_file)")"
	refused "of another checkout, .* with $TREE/security/krsi/patches/install.sh" uninstall "$TREE"
	bash "$TREE/security/krsi/patches/install.sh" uninstall "$TREE"
	pristine
}

the_installed_copy_installs_what_it_was_installed_from() {
	installer install "$TREE"
	touch "$TREE/security/krsi"/{krsi.o,.krsi.o.cmd}
	mv "$TREE" "$SCRATCH/first"
	cp -a "$PRISTINE" "$TREE"
	bash "$SCRATCH/first/security/krsi/patches/install.sh" install "$TREE"
	rm "$SCRATCH/first/security/krsi"/{krsi.o,.krsi.o.cmd}
	like "$SCRATCH/first"
}

of_a_checkout_in_git_only_tracked_files_are_taken() {
	command -v git >/dev/null || { echo "there is no git here"; return $SKIP; }
	cp -a "$CHECKOUT" "$SCRATCH/other"
	CHECKOUT=$SCRATCH/other
	mkdir "$CHECKOUT/.ci"
	touch "$CHECKOUT/.ci/run" "$CHECKOUT/policies/tracked.bpf.c"
	git -C "$CHECKOUT" -c init.defaultBranch=main init -q
	git -C "$CHECKOUT" add -f .
	touch "$CHECKOUT/policies/untracked.bpf.c"
	installer install "$TREE"
	says 'left out what git does not track \(1\), such as policies/untracked.bpf.c$'
	[ -e "$TREE/security/krsi/policies/tracked.bpf.c" ]
	[ ! -e "$TREE/security/krsi/policies/untracked.bpf.c" ]
	[ ! -e "$TREE/security/krsi/.git" ]
	[ ! -e "$TREE/security/krsi/.ci" ]
	installer uninstall "$TREE"
	pristine
}

a_signal_while_it_prepares_leaves_no_trace() {
	local signal command
	for command in install uninstall; do
		for signal in INT TERM HUP; do
			remember
			fails with_fake patch 2 "kill -$signal 0; sleep 1" "$command" "$TREE"
			untouched
			says "interrupted: $TREE is as it was"
		done
		installer "$command" "$TREE"
	done
	pristine
}

a_rename_that_fails_is_undone() {
	use_series_with_new_file
	each_rename 'echo "mv: broken" >&2; exit 1' install untouched
	each_rename 'echo "mv: broken" >&2; exit 1' uninstall untouched
	pristine
}

renames_that_are_killed_are_undone() {
	remember
	# shellcheck disable=SC2016 # for the fake program
	fails with_fake mv 5 'kill -KILL $PPID; exit 1' install "$TREE"
	untouched
	says "changing $TREE failed and was undone: killed"
}

a_run_that_is_killed_whole_is_undone_by_the_next() {
	use_series_with_new_file
	# shellcheck disable=SC2016 # for the fake program
	each_rename 'kill -KILL $main $PPID; exit 1' install undone_by_next_run
	# shellcheck disable=SC2016
	each_rename 'kill -KILL $main $PPID; exit 1' uninstall undone_by_next_run
	pristine
}

renames_once_begun_end_whatever_comes_to_install_sh() {
	local signal
	for signal in INT TERM HUP KILL; do
		with_fake mv 5 "kill -$signal -- -\$main" install "$TREE" || [ "$signal" = KILL ]
		flock "$TREE" true
		[ "$(ls -A "$CASE")" = linux ]
		installer uninstall "$TREE"
		pristine
	done
}

a_limit_on_file_size_leaves_no_trace() {
	local blocks
	for blocks in 0 1 4 16; do
		remember
		(
			ulimit -f $blocks
			fails bash "$CHECKOUT/patches/install.sh" install "$TREE" 2>&1
		) | cat >"$OUTPUT"
		untouched
		says 'krsi: error: '
	done
}

a_full_disk_leaves_no_trace() {
	# shellcheck disable=SC2016 # for the inner shell
	in_mounts '
		mount -t tmpfs -o size=64m tmpfs "$CASE"
		cp -a "$PRISTINE" "$TREE"
		snapshot "$TREE" exact >"$OUTPUT.before"
		failed=0
		for ((free = 4; free < 65536; free *= 2)); do
			cat /dev/zero >"$CASE/fill" 2>/dev/null || truncate -s "-${free}K" "$CASE/fill"
			if bash "$CHECKOUT/patches/install.sh" install "$TREE" >"$OUTPUT" 2>&1; then
				break
			fi
			snapshot "$TREE" exact | diff "$OUTPUT.before" -
			[ "$(cd "$CASE" && echo .[!.]* *)" = ".[!.]* fill linux" ]
			grep -q "krsi: error: .*No space left" "$OUTPUT" || { cat "$OUTPUT"; exit 1; }
			failed=$((failed + 1))
		done
		[ "$failed" -ge 3 ]
		[ -e "$TREE/security/krsi" ]'
}

a_tree_that_is_a_mount_point_is_served() {
	# shellcheck disable=SC2016 # for the inner shell
	in_mounts '
		mount -t tmpfs tmpfs "$TREE"
		cp -a "$PRISTINE/." "$TREE"
		chmod --reference="$PRISTINE" "$TREE"
		bash "$CHECKOUT/patches/install.sh" install "$TREE"
		[ -e "$TREE/security/krsi" ]
		bash "$CHECKOUT/patches/install.sh" uninstall "$TREE"
		snapshot "$TREE" >"$OUTPUT"
		snapshot "$PRISTINE" | diff - "$OUTPUT"'
}

a_tree_that_goes_away_meanwhile_ends_it() {
	# What goes on for ever is ended, too.
	ulimit -t 10
	# shellcheck disable=SC2016 # for the fake program
	fails with_fake mkdir 5 'rm -rf "$TREE"' install "$TREE"
	says "$TREE is gone"
	[ -z "$(ls -A "$CASE")" ]
}

two_at_once_in_one_tree_are_refused() {
	exec 8<"$TREE"
	flock 8
	refused "another install or uninstall is at work" install "$TREE"
}

# Every function between "The tests" and here.
mapfile -t TESTS < <(sed -n '/^# The tests/,/^# Every/s/^\([a-z_]*\)() {$/\1/p' "${BASH_SOURCE[0]}")

# run_test I: the I-th, and its lines.
run_test() {
	local i=$1 result status
	rm -rf "$CASE" "$SCRATCH"/{patched,built,other,moved,kept,first}
	mkdir "$CASE"
	cp -a "$PRISTINE" "$TREE"
	(
		set -e
		"${TESTS[i]}"
	) >"$SCRATCH/log" 2>&1 </dev/null
	status=$?
	result="ok $((i + 1)) - ${TESTS[i]//_/ }"
	case $status in
	0) echo "$result" ;;
	"$SKIP") echo "$result # SKIP $(tail -n 1 "$SCRATCH/log")" ;;
	*)
		echo "not $result"
		tail -n 20 "$SCRATCH/log" | sed 's/^/# /'
		;;
	esac
}

# Each processor has a worker with a place of its own, which takes what no other has taken.
for ((worker = 0; worker < WORKERS; worker++)); do
	(
		use_scratch "$ALL/$worker"
		for ((i = 0; i < ${#TESTS[@]}; i++)); do
			! mkdir "$ALL/taken.$i" 2>/dev/null || run_test "$i" >"$ALL/result.$i"
		done
	) &
done
wait

echo "TAP version 13"
echo "1..${#TESTS[@]}"
for ((i = 0; i < ${#TESTS[@]}; i++)); do
	cat "$ALL/result.$i"
done
! grep -q '^not ok' "$ALL"/result.*
