#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# fuzz.sh [SECONDS]: make fuzz. Fuzzes the reader of module files, on this machine: an
# hour if nobody says otherwise. What it learns stays in the cache for the next time.
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/..
. "$(dirname "$0")/prepare.sh"

lock_cache
make_buildroot
logged "$CACHE/fuzz.log" "building the fuzz target" in_root bash "$TOP/fuzz/build.sh" "$CACHE/fuzz"
say "fuzzing for ${1:-3600} seconds; what is found stays in $CACHE/fuzz"
in_root bash "$TOP/fuzz/run.sh" "$CACHE/fuzz" "${1:-3600}"
