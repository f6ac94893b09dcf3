# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of a row are: by function, above nothing attached.

`plugin` prints the options of where.c, `table` what it has counted: its runs are those of hook-cost
with nothing attached, as many with KRSI's policy, and as many with the twin if there is one.
"""

import argparse
import bisect
import collections
import re
import subprocess
import sys
from pathlib import Path

# How many runs there are of each kind, by their number in all (TIMES and FEW in bench/measure.h).
TIMES = {60: 20, 40: 20, 15: 5, 10: 5}
# What belongs to a row, by the first word of its name, as security_*() (Documentation/costs.rst).
EXEC = ["bprm_creds_for_exec", "bprm_creds_from_file", "bprm_check", "bprm_committing_creds", "bprm_committed_creds"]
FUNCTIONS = {
    "exec": EXEC,
    "env": EXEC,
    "fork": ["task_alloc", "prepare_creds", "inode_alloc"],
    "unlink": ["path_unlink", "inode_unlink"],
    "mmap": ["mmap_file"],
    "mprotect": ["file_mprotect"],
    "open": ["file_open"],
    "mount": ["sb_open_bdev", "sb_kern_mount"],
}
# Where the loader puts a program whose address is not by chance.
PROGRAM_AT = 0x555555554000
# Above the kernel's image, where modules and BPF programs are.
MODULES_AT = 0xffffffffa0000000


def symbols(binary: Path) -> list[tuple[int, str]]:
    """Addresses and names of functions, in order."""
    names = subprocess.run(["llvm-nm", "--defined-only", "--numeric-sort", "--demangle", binary],
                           check=True, capture_output=True, text=True).stdout
    lines = (line.split(" ", 2) for line in names.splitlines())
    return [(int(at, 16), name) for at, kind, name in (line for line in lines if len(line) == 3) if kind in "tTwW"]


def plugin(args: argparse.Namespace) -> int:
    functions = FUNCTIONS.get(args.row.split(".")[0])
    if not functions:
        sys.exit(f"krsi: error: there are rows of {', '.join(FUNCTIONS)}")
    program = {name: at + PROGRAM_AT for at, name in symbols(args.program)}
    kernel = {name: at for at, name in symbols(args.vmlinux)}
    options = [f"begin={program['run_begins']:x}", f"end={program['run_ends']:x}"]
    print(",".join(options + [f"in={kernel['security_' + name]:x}" for name in functions]))
    return 0


def table(args: argparse.Namespace) -> int:
    kernel = symbols(args.vmlinux)
    starts = [at for at, _ in kernel]

    def name(at: int) -> str:
        if at >= MODULES_AT:
            return "BPF programs and trampolines"
        return re.sub(r"::h[0-9a-f]{16}$", "", kernel[bisect.bisect_right(starts, at) - 1][1])

    runs: list[collections.Counter[str]] = [collections.Counter()]
    for line in args.counted.read_text().splitlines():
        _, at, insns = line.split()
        if at == "0":
            runs.append(collections.Counter())
        else:
            runs[-1][name(int(at, 16))] += int(insns)
    if len(runs) - 1 not in TIMES:
        sys.exit(f"krsi: error: {len(runs) - 1} runs are not those of one row with a policy")
    times = TIMES[len(runs) - 1]
    # An interrupt may come between.
    nothing, krsi = (sorted(runs[kind * times:][:times], key=lambda run: run.total())[times // 2] for kind in (0, 1))
    above = {name: krsi[name] - nothing[name] for name in krsi | nothing}
    for function, insns in sorted(above.items(), key=lambda item: -item[1]):
        if insns:
            print(f"{insns:8,}  {function}")
    print(f"{sum(above.values()):8,}  in all")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--vmlinux", type=Path, required=True)
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("plugin")
    command.add_argument("--program", type=Path, required=True, help="hook-cost")
    command.add_argument("row", help="such as exec.policies.1")
    command.set_defaults(run=plugin)
    command = commands.add_parser("table")
    command.add_argument("counted", type=Path, help="what the plugin wrote")
    command.set_defaults(run=table)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
