#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The counted tests of one `make test`, a JSON object a line: test.sh's steps
append to the file, and at the end this prints what failed, what was skipped,
and the sum.

    results.py count FILE PREFIX < KTAP     appends a host-side test's results
    results.py sum FILE
"""

import json
import sys
from collections import Counter
from pathlib import Path

import ktap
from ktap import Result


def append(path: Path, prefix: str, tests: list[Result]) -> None:
    with path.open("a") as file:
        for test in tests:
            name = f"{prefix}: {test.name}"
            file.write(json.dumps({"name": name, "status": test.status, "detail": test.detail}) + "\n")


def total(path: Path) -> int:
    """Prints the sum as the last line; 0 only if something passed and nothing failed."""
    tests = [Result(**json.loads(line)) for line in path.read_text().splitlines()]
    for status in ("skipped", "failed"):
        for test in tests:
            if test.status == status:
                print(f"{status}: {test.name}" + (f" ({test.detail})" if test.detail else ""))
    count = Counter(test.status for test in tests)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


def main(argv: list[str]) -> int:
    if len(argv) == 3 and argv[0] == "count":
        tests = ktap.parse(sys.stdin.read())
        append(Path(argv[1]), argv[2], tests or [Result("reported no test at all", "failed")])
        return 0
    if len(argv) == 2 and argv[0] == "sum":
        return total(Path(argv[1]))
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
