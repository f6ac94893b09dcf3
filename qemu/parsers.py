#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""Tests of klog.py, ktap.py and bench.py and measured.py on samples, for what harness.py can't provoke
in a guest at will; run by test.sh.

    parsers.py --results FILE
"""

import argparse
import sys
from pathlib import Path

import bench
import klog
import ktap
import measured
import quote
import results
from ktap import Result

# Headlines as Linux 7.3 prints them, and the kind each must be given.
HEADLINES = [
    ("Kernel panic - not syncing: Attempted to kill init!", "panic"),
    ("BUG: kernel NULL pointer dereference, address: 0000000000000008", "oops"),
    ("BUG: unable to handle page fault for address: ffffc90000000000", "oops"),
    ("Oops: general protection fault, probably for non-canonical address 0xdead: 0000 [#1] SMP", "oops"),
    ("kernel BUG at mm/slub.c:1!", "oops"),
    ("rust_kernel: panicked at security/krsi/rust-lsm/main.rs:1:1:", "oops"),
    ("WARNING: kernel/fork.c:1 at copy_process+0x1/0x2, CPU#0: init/1", "warn"),
    ("BUG: KASAN: slab-use-after-free in krsi_hook+0x1/0x2", "kasan"),
    ("UBSAN: shift out of bounds in a.c:1:2", "ubsan"),
    ("CFI failure at f+0x1/0x2 (target: g+0x0/0x3; expected type: 0x12345678)", "cfi"),
    ("WARNING: possible circular locking dependency detected", "lockdep"),
    ("WARNING: possible recursive locking detected", "lockdep"),
    ("WARNING: inconsistent lock state", "lockdep"),
    ("WARNING: SOFTIRQ-safe -> SOFTIRQ-unsafe lock order detected", "lockdep"),
    ("WARNING: possible irq lock inversion dependency detected", "lockdep"),
    ("[ BUG: Invalid wait context ]", "lockdep"),
    ("BUG: MAX_LOCKDEP_ENTRIES too low!", "lockdep"),
    ("INFO: lockdep is turned off.", "lockdep"),
    ("WARNING: suspicious RCU usage", "rcu"),
    ("rcu: INFO: rcu_preempt self-detected stall on CPU", "rcu"),
    ("rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:", "rcu"),
    ("BUG: workqueue leaked atomic, lock or RCU: kworker/0:1[9]", "rcu"),
    ("BUG: sleeping function called from invalid context at mm/slab.h:1", "sleeping in atomic"),
    ("BUG: scheduling while atomic: sh/1/0x00000002", "sleeping in atomic"),
    ("BUG: spinlock bad magic on CPU#0, sh/1", "spinlock"),
    ("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [sh:1]", "soft lockup"),
    ("INFO: task sh:1 blocked for more than 120 seconds.", "hung task"),
    ("kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", "leak"),
    ("unreferenced object 0xffff888000000000 (size 64):", "leak"),
    ("refcount_t: underflow; use-after-free.", "refcount"),
    ("ODEBUG: free active (active state 0) object: 0000000000000000 object type: timer_list", "odebug"),
    ("list_del corruption. prev->next should be ffff, but was 0000.", "list corruption"),
    ("BUG kmalloc-64 (Not tainted): Poison overwritten", "slab"),
    ("BUG: Bad page state in process sh  pfn:00001", "bad page"),
    ("BUG: something that nobody has thought of", "bug"),
    ("** 12 printk messages dropped **", "log lost"),
]

QUIET = ["Spectre V2 : WARNING: Unprivileged eBPF is enabled", "clocksource: Watchdog remote CPU 1 read timed out",
         "kunit: disabled", "krsi: registered policy BUG", "random: crng init done"]

# A name, the output, and the counts of passed, failed and skipped.
STREAMS = [
    ("nested KUnit suites count their leaves",
     "KTAP version 1\n1..1\n    KTAP version 1\n    # Subtest: walk\n    1..2\n    ok 1 a\n"
     "        KTAP version 1\n        # Subtest: sizes\n        ok 1 size 1\n        ok 2 size 2\n"
     "    ok 2 sizes\nok 1 walk\n", (3, 0, 0)),
    ("kselftest's runner and a harness program", "TAP version 13\n1..2\n# timeout set to 45\n# selftests: krsi: env\n"
     "# TAP version 13\n# 1..2\n# # RUN global.a ...\n# ok 1 global.a\n# ok 2 global.b # SKIP no\n"
     "ok 1 selftests: krsi: env\n# plain words\nnot ok 2 selftests: krsi: sh # exit=1\n", (1, 1, 1)),
    ("a program that dies after its plan", "TAP version 13\n1..1\n# TAP version 13\n# 1..3\n# ok 1 a\n"
     "not ok 1 selftests: krsi: env # exit=139\n", (1, 1, 0)),
    ("a program that fails at exit", "TAP version 13\n1..1\n# TAP version 13\n# 1..1\n# ok 1 a\n"
     "not ok 1 selftests: krsi: env # exit=1\n", (1, 1, 0)),
    ("a guest that ends in the middle", "TAP version 13\n1..2\n# TAP version 13\n# 1..2\n# ok 1 a\n", (1, 2, 0)),
    ("a suite that is skipped whole", "TAP version 13\n1..1\n# TAP version 13\n# 1..0 # SKIP no\nok 1 x # SKIP\n", (0, 0, 1)),
    ("an expected failure has not passed", "TAP version 13\n1..1\nok 1 a # XFAIL b\n", (0, 0, 1)),
    ("no KTAP at all", "hello\nok then\n", (0, 0, 0)),
]

# What a guest says in which rows are measured, by two kernels.
ROWS = ("Welcome\r\nkernel\t7.3.4\nbench\texec.policies.1\t343\t81\texec, 1 empty policy\r\n"
        "bench\tunlink.links.10\t0\t-\tunlink\nbench\tunlink.links.1\t4000\t-\tunlink\n"
        "whole\tnothing.exec\t3000\texec\nmemory\tmemory.2\t270336\t540672\tbytes\nkrsi-guest: exit 0 tainted 0\n")
WITHOUT = "whole\tnothing.exec\t2400\texec\n"
MALFORMED = ["bench\texec.x\t1\t2", "bench\texec.x\tmany\t-\texec", "whole\tnothing.exec\t-\texec", "memory\tmemory.1\t1\t-\tb",
             "bench\ta\t1\t2\tb\nbench\ta\t1\t2\tb"]
# A figure, the committed one, and whether they differ by too much.
FIGURES = [(100, 100, False), (120, 100, False), (121, 100, True), (79, 100, True), (10200, 10000, False),
           (10201, 10000, True), (-20, 0, False), (None, None, False), (None, 0, True), (0, None, True)]
DOCUMENT = ".. begin costs: short\n\nold\n\n.. end costs\n\nold\n"


def check(name: str, got: object, want: object) -> Result:
    return Result(name, "passed" if got == want else "failed", "" if got == want else f"got {got}, not {want}")


def counts(stream: str) -> tuple[int, int, int]:
    found = [result.status for result in ktap.parse(stream)]
    return found.count("passed"), found.count("failed"), found.count("skipped")


def is_malformed(output: str) -> bool:
    try:
        measured.parse(output)
    except measured.Malformed:
        return True
    return False


def costs() -> list[Result]:
    """What bench.py makes of rows."""
    figures = measured.parse(ROWS)
    rows = {name: (row.krsi, row.bpf_lsm) for name, row in figures.rows.items()}
    measured.compare_whole(figures, measured.parse(WITHOUT))
    document = quote.rewrite(DOCUMENT, figures, True)
    other = measured.parse(ROWS.replace("343", "443"))
    return [
        check("costs: rows", rows, {"exec.policies.1": (343, 81), "unlink.links.10": (0, None), "unlink.links.1": (4000, None)}),
        check("costs: the kernel and the memory", (figures.kernel, figures.memory), ("7.3.4", {"memory.2": [270336, 540672]})),
        check("costs: above a kernel without KRSI", figures.rows["nothing.exec"].krsi, 600),
        check("costs: points in a plot", bench.points(figures, "unlink.links"), [(1.0, 4000.0)]),
        check("costs: plots", sorted(bench.plots(figures)), ["memory", "policies", "removal"]),
        check("costs: a document that quotes", (document.count("old"), "343" in document), (1, True)),
        check("costs: one that quotes is found again", quote.rewrite(document, figures, True), document),
        check("costs: a row that is dearer", bench.check_row("exec.policies.1", other, figures),
              ["KRSI: 443 instructions, committed are 343"]),
        check("costs: a row that is missing", bench.check_row("nothing.exec", other, figures), ["was not measured"]),
        check("costs: a row that is new", bench.check_row("exec.policies.1", other, measured.Figures()), ["no such row is committed"]),
        *(check(f"costs: no row: {line!r}", is_malformed(line), True) for line in MALFORMED),
        *(check(f"costs: {now} beside {then}", bench.differs(now, then), want) for now, then, want in FIGURES),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--results", type=Path, required=True)
    args = parser.parse_args()
    tests = [check(f"log: {line}", [report.kind for report in klog.scan(f"[    1.234567] {line}")], [kind])
             for line, kind in HEADLINES]
    tests += [check(f"log: quiet about: {line}", klog.scan(f"[    1.234567] {line}"), []) for line in QUIET]
    tests += [check(f"KTAP: {name}", counts(stream), want) for name, stream, want in STREAMS]
    tests += costs()
    results.append(args.results, "harness", tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
