# SPDX-License-Identifier: GPL-2.0
"""What a kernel log says went wrong: used by guest.py on every boot's whole log.

A report belongs to the first kind whose pattern matches its headline. The
patterns are the texts of Linux 7.3's own sources; what starts like a report
and is none of the known ones is still a failure, named `bug`, `warn` or `info`.
"""

import re
from dataclasses import dataclass

KINDS: list[tuple[str, re.Pattern[str]]] = [
    (kind, re.compile(pattern))
    for kind, pattern in [
        ("kasan", r"^(BUG: )?KASAN: "),
        ("kfence", r"^BUG: KFENCE: "),
        ("ubsan", r"^UBSAN: "),
        ("cfi", r"^CFI failure at "),
        ("rcu", r"suspicious RCU usage|RCU used illegally|rcu.*(detected stalls|self-detected stall|detected expedited stalls"
                r"|kthread (starved|timer wakeup))|^(BUG: )?workqueue leaked atomic, lock or RCU"),
        ("sleeping in atomic", r"^BUG: (sleeping function called|scheduling while atomic|scheduling in a non-blocking"
                               r"|assuming (atomic|non migratable))|^do not call blocking ops when|^BUG: using .* in preemptible"),
        ("lockdep", r"^WARNING: (possible (circular|recursive|irq lock inversion)|inconsistent lock|.*-safe -> .*-unsafe lock"
                    r"|Nested lock was not|bad (unlock balance|contention)|held lock freed|.* still has locks held"
                    r"|lock held when returning|chain_key collision)"
                    r"|^\[ BUG: Invalid wait context|lockdep is turned off|^turning off the locking correctness"
                    r"|^BUG: (MAX_LOCK|MAX_STACK_TRACE_ENTRIES|key .* has not been registered|looking up invalid subclass)"
                    r"|^DEBUG_LOCKS_WARN_ON|^INFO: trying to register non-static key"),
        ("spinlock", r"^BUG: (spinlock|rwlock) "),
        ("soft lockup", r"^(watchdog: )?BUG: (soft lockup|workqueue lockup)|[Hh]ard LOCKUP"),
        ("hung task", r"^INFO: task .* blocked (for more than|in)"),
        ("leak", r"^kmemleak: \d+ new suspected memory leaks|^unreferenced object 0x|^kmemleak: .*(disabled|Cannot allocate)"),
        ("refcount", r"^refcount_t: "),
        ("odebug", r"^ODEBUG: "),
        ("list corruption", r"^list_(add|del) corruption"),
        ("slab", r"^BUG \S+ \((Not tainted|Tainted)|^SLUB: .*corrupt|^slab_err|^Slab corruption"),
        ("bad page", r"^BUG: (Bad page|Bad rss-counter|non-zero pgtables)"),
        ("panic", r"^Kernel panic - not syncing"),
        ("oops", r"^(BUG: (kernel NULL pointer|unable to handle|.*stack guard page)|Oops[:!]|general protection fault"
                 r"|kernel BUG at|Internal error:|rust_kernel: panicked|invalid opcode: |stack segment: |double fault: "
                 r"|int3: |divide error: |Corrupted low memory|(traps: )?PANIC: )"),
        ("warn", r"^WARNING: |^------------\[ cut here \]|^unchecked MSR access error"),
        ("bug", r"^(\[ )?BUG[: ]"),
        ("info", r"^INFO: (lockdep|rcu|task)"),
        # What was lost can't be looked through.
        ("log lost", r"printk messages dropped"),
        ("out of memory", r"^Out of memory: |invoked oom-killer|page allocation failure"),
    ]
]

# The taint bits that the kernel sets only where it also reports something.
TAINTS = {5: "bad page", 7: "oops", 9: "warn", 14: "soft lockup"}
STAMP = re.compile(r"^\[ *\d+\.\d+\](\[[ TC\d]+\])? ?")
BEFORE = 3
AFTER = 40


@dataclass
class Report:
    """One kind of report in a log: how often, and the lines of the first."""

    kind: str
    headline: str
    lines: list[str]
    count: int = 1


def strip(line: str) -> str:
    """A log line without its time stamp."""
    return STAMP.sub("", line.rstrip("\r\n"), count=1)


def is_whole(log: str) -> bool:
    """Whether the log reaches to the end that every guest has that powers off."""
    return any(strip(line) == "reboot: Power down" for line in log.splitlines()[-5:])


def kind_of(line: str) -> str | None:
    """The kind of report that this line (without its stamp) is the headline of."""
    for kind, pattern in KINDS:
        if pattern.search(line):
            return kind
    return None


def taint_kinds(tainted: int) -> list[str]:
    """The kinds of report that the kernel's taint mask (/proc/sys/kernel/tainted) stands for."""
    return [kind for bit, kind in TAINTS.items() if tainted >> bit & 1]


def scan(log: str) -> list[Report]:
    """All kinds of reports in the log, in the order of their first headline."""
    lines = log.splitlines()
    reports: dict[str, Report] = {}
    previous = ""
    for number, raw in enumerate(lines):
        line = strip(raw)
        # The "cut here" line precedes what names the report: count that one.
        kind = None if line.startswith("------------[ cut here ]") else kind_of(line)
        if previous.startswith("------------[ cut here ]") and kind is None:
            kind = "warn"
        previous = line
        if kind is None:
            continue
        if kind in reports:
            reports[kind].count += 1
        else:
            around = lines[max(0, number - BEFORE):number + AFTER]
            reports[kind] = Report(kind, line, around)
    return list(reports.values())
