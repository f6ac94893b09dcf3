#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Line coverage of KRSI's Rust and C, from the counts that a guest on the debug
kernel sent (guest/coverage): prints it per file and in whole, and counts as one
test that it is high enough; run by test.sh.

The kernel's debugfs names each data file by the absolute path at which the
build put its note file, so the two are found by the same name.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import results
from ktap import Result

LEAST = 90.0
HERE = "security/krsi/"
# The directories of the tree that are code of the kernel's.
CODE = ("rust-lsm", "bpf-helpers")
SOURCE = re.compile(r"^ *-: *0:Source:(.*)$")
LINE = re.compile(r"^ *([^:\s]+): *([1-9]\d*):")

# Of each source file, by its path in KRSI's tree: line number to "was run".
Counts = dict[str, dict[int, bool]]


def gcov(gcda: Path, gcno: Path, build: Path) -> str:
    """What llvm-cov says of one object, as text."""
    with tempfile.TemporaryDirectory() as work:
        # Data and notes must be alike in name and place.
        shutil.copy(gcda, f"{work}/object.gcda")
        shutil.copy(gcno, f"{work}/object.gcno")
        return subprocess.run(["llvm-cov", "gcov", "--stdout", "-o", work, f"{work}/object.gcda"], cwd=build,
                              check=True, capture_output=True, text=True, errors="replace").stdout


def add(counts: Counts, text: str) -> None:
    """Joins one object's lines to the counts: a line was run if it was in any object."""
    lines: dict[int, bool] | None = None
    for row in text.splitlines():
        if source := SOURCE.match(row):
            _, found, path = source.group(1).rpartition(HERE)
            lines = counts.setdefault(path, {}) if found and path.startswith(CODE) else None
        elif lines is not None and (line := LINE.match(row)) and line.group(1) != "-":
            number = int(line.group(2))
            lines[number] = lines.get(number, False) or line.group(1).strip("*") not in ("#####", "=====")


def drop_tests(counts: Counts, krsi: Path) -> None:
    """KUnit tests, by custom the last part of a Rust file, are not what is measured."""
    for path, lines in counts.items():
        source = krsi / path
        text = source.read_text().splitlines() if source.exists() else []
        first = next((n for n, line in enumerate(text, 1) if line.startswith("#[kunit_tests")), None)
        for number in [n for n in lines if first and n >= first]:
            del lines[number]


def read(data: Path, build: Path) -> Counts:
    counts: Counts = {}
    with tempfile.TemporaryDirectory() as unpacked, tarfile.open(data) as archive:
        archive.extractall(unpacked, filter="data")
        for gcda in sorted(Path(unpacked).rglob("*.gcda")):
            gcno = ("/" / gcda.relative_to(unpacked)).with_suffix(".gcno")
            add(counts, gcov(gcda, gcno, build))
    return counts


def show(counts: Counts, krsi: Path) -> float:
    """Prints the table and returns the whole in percent."""
    hit = whole = 0
    for path, lines in sorted(counts.items()):
        if not lines:
            continue
        run = sum(lines.values())
        hit, whole = hit + run, whole + len(lines)
        missed = " ".join(str(number) for number in sorted(lines) if not lines[number])
        print(f"{100 * run / len(lines):6.1f} %  {run:5} of {len(lines):5}  {path}" + (f"  not run: {missed}" if missed else ""))
    for directory in CODE:
        for source in sorted((krsi / directory).rglob("*.[cr]*")):
            path = str(source.relative_to(krsi))
            if source.suffix in (".c", ".rs") and not path.endswith(".bpf.c") and not counts.get(path):
                print(f"     no lines counted    {path}")
    percent = 100 * hit / whole if whole else 0.0
    print(f"{percent:6.1f} %  {hit:5} of {whole:5}  in whole")
    return percent


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for option in ("--build", "--source", "--data", "--results"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()
    krsi = args.source / HERE
    counts: Counts = {}
    # A guest that failed before has sent nothing: coverage is 0 then.
    if args.data.exists() and args.data.stat().st_size:
        counts = read(args.data, args.build)
    drop_tests(counts, krsi)
    print("coverage: lines of KRSI run by the tests on the debug kernel")
    percent = show(counts, krsi)
    results.append(args.results, "debug", [Result(f"line coverage is at least {LEAST:.0f} %",
                                                  "passed" if percent >= LEAST else "failed", f"{percent:.1f} %")])
    return 0


if __name__ == "__main__":
    sys.exit(main())
