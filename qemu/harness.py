#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0
"""The self-test of guest.py: provokes each kind of failure in a real guest and
counts as passed what was noticed by its right name; run by test.sh.

    harness.py normal|debug --build DIR --image FILE --log FILE --results FILE
"""

import argparse
import sys
from pathlib import Path

import guest
import results
from ktap import Result


def fault(name: str) -> str:
    """A shell command that makes the kernel commit a fault (selftests/harness)."""
    return f"insmod /usr/lib/krsi/krsi_faults.ko fault={name}; rmmod krsi_faults"


def ktap(*lines: str) -> str:
    return "; ".join(f"echo '{line}'" for line in ("TAP version 13", *lines))


class Harness:
    """Boots guests on one kernel and keeps what was expected of each."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.tests: list[Result] = []
        self.log = ""

    def boot(self, script: str, timeout: float = 300, silence: float = 120) -> tuple[set[str], list[Result]]:
        """The kinds of failure of a guest that runs the script, and its counted tests."""
        debug = self.args.kernel == "debug"
        run = guest.boot(guest.Guest(self.args.build, self.args.image, self.args.log, ["bash", "-c", script],
                                     memory="3G" if debug else "2G", timeout=timeout, silence=silence,
                                     append="kunit.enable=0", quiet=True))
        tests = guest.counted(run, kunit=False, kselftest=True)
        self.log = run.log
        return run.kinds(), tests

    def expect(self, name: str, found: bool, got: object) -> None:
        print(f"harness: {name}: {'ok' if found else 'not ok'}", flush=True)
        self.tests.append(Result(name, "passed" if found else "failed", "" if found else f"got {got}"))
        if not found:
            print("\n".join(self.log.splitlines()[-60:]), file=sys.stderr)

    def kind(self, what: str, kind: str, script: str, **limits: float) -> None:
        kinds, _ = self.boot(script, **limits)
        self.expect(f"a guest that {what} is a failure", kind in kinds, kinds)

    def ended(self, what: str, kind: str, script: str, limit: str, seconds: float) -> None:
        """A guest that is ended for its time. A slow boot alone would be, too, so it must have come to the script."""
        for factor in (1, 5, 25):
            kinds, tests = self.boot(script, **{limit: factor * seconds})
            if came := any(test.name == "one" for test in tests):
                break
        self.expect(f"a guest that {what} is a failure", came and kind in kinds, (kinds, tests))

    def failed(self, what: str, name: str, script: str) -> None:
        _, tests = self.boot(script)
        self.expect(f"{what} is a failure", name in [test.name for test in tests if test.status == "failed"], tests)

    def normal(self) -> None:
        good = ktap("1..2", "ok 1 one", "ok 2 two # SKIP not here")
        kinds, tests = self.boot(good)
        self.expect("a guest where all is well is no failure",
                    not kinds and [test.status for test in tests] == ["passed", "skipped", "passed"], (kinds, tests))
        self.kind("panics", "panic", good + "; " + fault("panic"))
        self.ended("hangs", "hang", good + "; sleep infinity", "silence", 6)
        self.ended("goes on for ever", "timeout", good + "; while sleep 1; do echo on; done", "timeout", 8)
        self.kind("powers off before its command ends", "early end", good + "; poweroff -f")
        self.kind("warns", "warn", good + "; " + fault("warn"))
        self.kind("calls through a wrong function type", "cfi", good + "; " + fault("cfi"))
        self.kind("lets nothing into its log any more", "log lost", good + "; echo 0 >/proc/sys/kernel/printk")
        self.kind("runs a command that fails", "status", good + "; exit 3")
        self.kind("reports no test", "no tests", "true")
        self.failed("a test that fails", "two", ktap("1..2", "ok 1 one", "not ok 2 two"))
        self.failed("a failing test inside a passing one", "program: inner",
                    ktap("1..1", "# TAP version 13", "# 1..1", "# not ok 1 inner", "ok 1 program"))
        self.failed("a plan that is cut short", "plan", ktap("1..3", "ok 1 one", "ok 2 two"))
        self.failed("output with no plan", "plan", ktap("ok 1 one"))

    def debug(self) -> None:
        """One boot for all: it is long. Lockdep stops at its first report, and at one of KASAN's."""
        script = "; ".join([fault(name) for name in ("rcu", "atomic", "ubsan", "leak")] +
                           ["/usr/lib/krsi/leaks", fault("lockdep"), fault("kasan")])
        kinds, _ = self.boot(script, timeout=900, silence=300)
        for what, kind in (("uses RCU outside a reader", "rcu"), ("may sleep under a spinlock", "sleeping in atomic"),
                           ("shifts too far", "ubsan"), ("reads freed memory", "kasan"), ("loses memory", "leak"),
                           ("takes two locks in both orders", "lockdep")):
            self.expect(f"a guest that {what} is a failure", kind in kinds, kinds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kernel", choices=["normal", "debug"])
    for option in ("--build", "--image", "--log", "--results"):
        parser.add_argument(option, type=Path, required=True)
    args = parser.parse_args()
    harness = Harness(args)
    harness.normal() if args.kernel == "normal" else harness.debug()
    results.append(args.results, f"{args.kernel}: harness", harness.tests)
    return 0


if __name__ == "__main__":
    sys.exit(main())
